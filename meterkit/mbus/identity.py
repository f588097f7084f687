"""Who a device is: manufacturer letters, kind of device, identification number.

Source: "The M-Bus: A Documentation" 4.8, 6.3.1; EN 13757-3, device types.
"""

from __future__ import annotations

from types import MappingProxyType

#: Kinds of device of the variable data structure; some were added by later editions of EN 13757-3.
MEDIA = MappingProxyType(
    {
        0x00: "other",
        0x01: "oil",
        0x02: "electricity",
        0x03: "gas",
        0x04: "heat",
        0x05: "steam",
        0x06: "hot water",  # the guide's word; "warm water" since 0x15 came
        0x07: "water",
        0x08: "heat cost allocator",
        0x09: "compressed air",
        0x0A: "cooling (outlet)",
        0x0B: "cooling (inlet)",
        0x0C: "heat (inlet)",
        0x0D: "heat and cooling",
        0x0E: "bus or system",
        0x0F: "unknown",
        0x10: "irrigation water",
        0x11: "water data logger",
        0x12: "gas data logger",
        0x13: "gas converter",
        0x14: "calorific value",
        0x15: "hot water (90 °C and more)",
        0x16: "cold water",
        0x17: "hot and cold water",
        0x18: "pressure",
        0x19: "A/D converter",
        0x1A: "smoke detector",
        0x1B: "room sensor",
        0x1C: "gas detector",
        0x20: "breaker",
        0x21: "valve",
        0x25: "customer unit",
        0x28: "waste water",
        0x29: "garbage",
        0x2A: "carbon dioxide",
        0x31: "communication controller",
        0x32: "unidirectional repeater",
        0x33: "bidirectional repeater",
        0x36: "radio converter (system side)",
        0x37: "radio converter (meter side)",
    }
)

#: Kinds of device of the fixed data structure; 0xA to 0xE are 3, 4, 6, 7, 8 in octet order mode 2.
FIXED_MEDIA = MappingProxyType(
    {
        0x0: "other",
        0x1: "oil",
        0x2: "electricity",
        0x3: "gas",
        0x4: "heat",
        0x5: "steam",
        0x6: "hot water",
        0x7: "water",
        0x8: "heat cost allocator",
        0xA: "gas",
        0xB: "heat",
        0xC: "hot water",
        0xD: "water",
        0xE: "heat cost allocator",
    }
)


def medium_name(code: int) -> str:
    """Return the kind of device, or "reserved 0x1f" for a code nobody assigned."""
    return MEDIA.get(code, f"reserved 0x{code:02x}")


def fixed_medium_name(code: int) -> str:
    """Return the kind of device in a fixed data structure, or "reserved 0x9"."""
    return FIXED_MEDIA.get(code, f"reserved 0x{code:x}")


def manufacturer_letters(number: int) -> str:
    """Return the three letters in a manufacturer id, or "0x0000" when it holds no letters.

    Bit 15, which says only that the address may not be unique, is left out.
    """
    parts = [number >> shift & 0x1F for shift in (10, 5, 0)]
    if all(1 <= part <= 26 for part in parts):
        return "".join(chr(64 + part) for part in parts)
    return f"0x{number:04x}"


def manufacturer_number(letters: str) -> int:
    """Return the manufacturer id of three letters, or of what `manufacturer_letters` made of others.

    Errors: ValueError when it is neither.
    """
    if len(letters) == 3 and letters.isascii() and letters.isalpha():
        first, second, third = (ord(letter) - 64 for letter in letters.upper())
        return first << 10 | second << 5 | third
    if letters.startswith("0x"):
        number = int(letters, 16)
        if 0 <= number <= 0xFFFF:
            return number
    raise ValueError(f"{letters!r}: three letters A to Z expected, such as 'ABC'")
