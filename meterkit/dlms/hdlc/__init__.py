"""HDLC frames (IEC 62056-46): octets, addresses, and the small machines `hdlc_link` is made of."""

from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.frame import HdlcFrame

__all__ = ["HdlcAddress", "HdlcFrame"]
