"""Time lives here: exchanges, keep-alive and streams over one link and one transport."""
