"""Requests and answers too long for one APDU: each service's own blocks, and general block transfer."""
