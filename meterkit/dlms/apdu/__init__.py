"""Every application PDU of DLMS, both ways: `decode_apdu(octets)` and each one's `encode()`.

    tag | choice (GET, SET, ACTION) | what the service's own file draws

A value inside an APDU stays encoded Data in `bytes`; `meterkit.codec.axdr` makes something of it.
"""

from meterkit.dlms.apdu.decode import Apdu, decode_apdu, decode_as
from meterkit.dlms.apdu.tags import ApduTag, apdu_name

__all__ = ["Apdu", "ApduTag", "apdu_name", "decode_apdu", "decode_as"]
