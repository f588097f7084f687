"""Octets in, values out: checksums, cursors and table layouts.  Knows no protocol."""
