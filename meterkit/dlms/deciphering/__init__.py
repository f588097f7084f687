"""Captures deciphered: what is under each cipher, verified or not, stands below it in the tree.

keys = CaptureKeys.of(FileKeys("keys.toml"), "4D4D4D0000BC614E")
print(meterkit.tree.text(Deciphering(keys).nodes(translate(octets))))
"""

from meterkit.dlms.deciphering.keys import CaptureKeys
from meterkit.dlms.deciphering.tree import Deciphering

__all__ = ["CaptureKeys", "Deciphering"]
