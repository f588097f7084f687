"""DLMS/COSEM (IEC 62056): frames, links and application PDUs, and the client above them."""
