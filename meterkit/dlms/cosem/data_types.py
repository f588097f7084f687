"""How one attribute's Data becomes a Python value and back: numbers, strings, codes, dates.

    DOUBLE_LONG_UNSIGNED   06 00 00 30 39       12345
    OCTET_DATE_TIME        09 0c 07 ea 0b ..    CosemDateTime
    EnumType(ControlState) 16 01                ControlState.CONNECTED

Reading is patient where meters differ and nothing can be mistaken: any integer that fits will do for a
number, a date may come with its own tag or as an octet-string.  Writing uses the type declared, exactly.
Arrays, structures and choices are made of these in `composite_types`.

Source: Blue Book 4.1.6 (data types); Green Book 9.5 (Data).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntFlag
from operator import index
from typing import Any, Final, Generic, TypeVar

from meterkit import arguments
from meterkit.codec import axdr
from meterkit.codec.axdr import BitString, Data, Tag
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.errors import ErrorKind, MeterError, ProtocolFault

T = TypeVar("T")
CodeT = TypeVar("CodeT", bound=Code)
FlagT = TypeVar("FlagT", bound=IntFlag)

_SHOWN: Final = 16  # octets of a value that a message shows
_RANGES: Final = {
    Tag.INTEGER: (-(1 << 7), (1 << 7) - 1),
    Tag.LONG: (-(1 << 15), (1 << 15) - 1),
    Tag.DOUBLE_LONG: (-(1 << 31), (1 << 31) - 1),
    Tag.LONG64: (-(1 << 63), (1 << 63) - 1),
    Tag.UNSIGNED: (0, (1 << 8) - 1),
    Tag.LONG_UNSIGNED: (0, (1 << 16) - 1),
    Tag.DOUBLE_LONG_UNSIGNED: (0, (1 << 32) - 1),
    Tag.LONG64_UNSIGNED: (0, (1 << 64) - 1),
    Tag.ENUM: (0, (1 << 8) - 1),
}


class Misfit(Exception):
    """A value that does not fit its type; the rooms around it put its place together on the way up."""

    def __init__(self, expected: str, came: Data) -> None:
        octets = came.encode()
        shown = octets[:_SHOWN].hex(" ") + (" ..." if len(octets) > _SHOWN else "")
        super().__init__(f"{expected} expected, {came.tag.words} came: {shown}")
        self.place = ""

    def within(self, step: str) -> Misfit:
        """Put `step`, such as ".scaler" or "[3]", in front of the place."""
        self.place = step + self.place
        return self


class DataType(ABC, Generic[T]):
    """A type of Data with the Python value it stands for."""

    words: str  #: the standard's spelling, such as "array of long-unsigned"

    @abstractmethod
    def read(self, data: Data) -> T:
        """Return the value of `data`.  Raises: Misfit."""

    @abstractmethod
    def write(self, value: T) -> Data:
        """Return `value` as Data.  Raises: ValueError or TypeError when it is no value of this type."""

    def decode(self, octets: bytes, where: str = "") -> T:
        """Return the value of A-XDR octets; what follows the value means nothing, as with some meters.

        Errors: `ProtocolFault` (DECODE) naming `where` and the element within.
        """
        try:
            return self.read(axdr.parse(octets, strict=False))
        except Misfit as odd:
            error = MeterError(ErrorKind.DECODE, str(odd), where=where + odd.place)
            raise ProtocolFault(error) from None
        except ProtocolFault as odd:
            raise ProtocolFault(odd.error.at(where) if where else odd.error) from None

    def encode(self, value: T) -> bytes:
        """Return `value` in A-XDR.  Raises: ValueError or TypeError when it is no value of this type."""
        return self.write(value).encode()

    def __repr__(self) -> str:
        return f"<{self.words}>"


class AnyType(DataType[Any]):
    """A CHOICE that the class leaves to the meter: plain Python as `axdr.decode` gives it.

    Written it has to be `axdr.Data`, or Python of one possible type: see `axdr.from_plain`.
    """

    words = "CHOICE"

    def read(self, data: Data) -> Any:
        """Return the plain value."""
        return data.plain()

    def write(self, value: Any) -> Data:
        """Return `value` with its type."""
        return axdr.from_plain(value)

    def decode(self, octets: bytes, where: str = "") -> Any:
        """Return the plain value of A-XDR octets, in a hurry."""
        try:
            return axdr.decode(octets, strict=False)
        except ProtocolFault as odd:
            raise ProtocolFault(odd.error.at(where) if where else odd.error) from None


class NothingType(DataType[None]):
    """The integer 0 that methods without a parameter take."""

    words = "integer (0)"

    def read(self, data: Data) -> None:
        """Return None for whatever number or null-data it is."""
        if data.tag is not Tag.NULL_DATA and data.tag not in _RANGES:
            raise Misfit(self.words, data)

    def write(self, value: None) -> Data:
        """Return the integer 0."""
        if value is not None:
            raise ValueError(f"{value!r} where nothing is expected")
        return Data(Tag.INTEGER, 0)


class NumberType(DataType[int]):
    """An integer of one size.  Read, any integer or enum that fits will do."""

    def __init__(self, tag: Tag) -> None:
        self.tag, self.words = tag, tag.words
        self.lowest, self.highest = _RANGES[tag]

    def read(self, data: Data) -> int:
        """Return the number."""
        value = data.value
        if data.tag in _RANGES and isinstance(value, int) and self.lowest <= value <= self.highest:
            return value
        raise Misfit(self.words, data)

    def write(self, value: int) -> Data:
        """Return the number as this type."""
        number = index(value)
        if isinstance(value, bool) or not self.lowest <= number <= self.highest:
            raise ValueError(f"{value!r} is no {self.words}: {self.lowest} to {self.highest} expected")
        return Data(self.tag, number)


class EnumType(DataType[CodeT]):
    """An enum with names; codes of the meter's own are members too, see `Code`."""

    def __init__(self, codes: type[CodeT]) -> None:
        self.codes, self.words = codes, f"enum {codes.__name__}"

    def read(self, data: Data) -> CodeT:
        """Return the member."""
        try:
            return self.codes(ENUM.read(data))
        except Misfit:
            raise Misfit(self.words, data) from None

    def write(self, value: CodeT) -> Data:
        """Return the code; a plain number will do."""
        return ENUM.write(int(self.codes(value)))


class FlagsType(DataType[FlagT]):
    """Named bits of an integer or an enum; bits without a name are kept."""

    def __init__(self, number: NumberType, flags: type[FlagT]) -> None:
        self.number, self.flags, self.words = number, flags, f"{number.words} {flags.__name__}"

    def read(self, data: Data) -> FlagT:
        """Return the flags."""
        return self.flags(self.number.read(data))

    def write(self, value: FlagT) -> Data:
        """Return the bits as a number."""
        return self.number.write(value)


class BitFlagsType(DataType[FlagT]):
    """Named bits of a bit-string: bit 0, the first on the line, is the flag of value 1."""

    def __init__(self, flags: type[FlagT], length: int) -> None:
        self.flags, self.length, self.words = flags, length, f"bit-string {flags.__name__}"

    def read(self, data: Data) -> FlagT:
        """Return the flags of a bit-string of any length."""
        if not isinstance(data.value, BitString):
            raise Misfit(self.words, data)
        return self.flags(sum(1 << number for number, bit in enumerate(data.value) if bit))

    def write(self, value: FlagT) -> Data:
        """Return as many bits as the type has."""
        if not 0 <= value < 1 << self.length:
            raise ValueError(f"{value!r}: {self.length} bits expected")
        bits = "".join("1" if value >> number & 1 else "0" for number in range(self.length))
        return Data(Tag.BIT_STRING, BitString.from_text(bits))


class BooleanType(DataType[bool]):
    """A boolean; any octet but 0 is true."""

    words = Tag.BOOLEAN.words

    def read(self, data: Data) -> bool:
        """Return the truth."""
        if data.tag is not Tag.BOOLEAN:
            raise Misfit(self.words, data)
        return any(data.value) if isinstance(data.value, bytes) else bool(data.value)

    def write(self, value: bool) -> Data:
        """Return true or false."""
        return Data(Tag.BOOLEAN, arguments.instance("value", value, bool))


class BitStringType(DataType[BitString]):
    """Bits without names."""

    words = Tag.BIT_STRING.words

    def read(self, data: Data) -> BitString:
        """Return the bits."""
        if not isinstance(data.value, BitString):
            raise Misfit(self.words, data)
        return data.value

    def write(self, value: BitString) -> Data:
        """Return the bits."""
        return Data(Tag.BIT_STRING, arguments.instance("value", value, BitString))


class OctetsType(DataType[bytes]):
    """An octet-string; the octets of a text will do."""

    words = Tag.OCTET_STRING.words

    def read(self, data: Data) -> bytes:
        """Return the octets."""
        match data:
            case Data(Tag.OCTET_STRING | Tag.UTF8_STRING, bytes(octets)):
                return octets
            case Data(Tag.VISIBLE_STRING | Tag.UTF8_STRING, str(text)):
                return text.encode("utf-8" if data.tag is Tag.UTF8_STRING else "latin-1")
            case _:
                raise Misfit(self.words, data)

    def write(self, value: bytes) -> Data:
        """Return the octets."""
        return Data(Tag.OCTET_STRING, arguments.octets("value", value))


class TextType(DataType[str]):
    """A visible-string or a utf8-string; an octet-string of text will do."""

    def __init__(self, tag: Tag) -> None:
        self.tag, self.words = tag, tag.words
        self.encoding = "utf-8" if tag is Tag.UTF8_STRING else "latin-1"

    def read(self, data: Data) -> str:
        """Return the text."""
        match data:
            case Data(Tag.VISIBLE_STRING | Tag.UTF8_STRING, str(text)):
                return text
            case Data(Tag.OCTET_STRING | Tag.UTF8_STRING, bytes(octets)):
                return octets.decode(self.encoding, "backslashreplace")
            case _:
                raise Misfit(self.words, data)

    def write(self, value: str) -> Data:
        """Return the text."""
        return Data(self.tag, arguments.instance("value", value, str))


class LogicalNameType(DataType[ObisCode]):
    """The name of an object: an octet-string of 6."""

    words = "octet-string (logical name)"

    def read(self, data: Data) -> ObisCode:
        """Return the OBIS code."""
        if isinstance(data.value, bytes) and data.tag is Tag.OCTET_STRING and len(data.value) == 6:
            return ObisCode.from_bytes(data.value)
        raise Misfit("a logical name, octet-string of 6,", data)

    def write(self, value: ObisCode) -> Data:
        """Return the 6 octets."""
        return Data(Tag.OCTET_STRING, arguments.instance("value", value, ObisCode).to_bytes())


TimeT = TypeVar("TimeT", CosemDateTime, CosemDate, CosemTime)


class TimeType(DataType[TimeT]):
    """A date, a time or both, with everything they can leave open; `tag` is the type that is written."""

    def __init__(self, kind: type[TimeT], tag: Tag, own_tag: Tag) -> None:
        self.kind: type[TimeT] = kind
        self.tag, self.own_tag = tag, own_tag
        self.words = own_tag.words if tag is own_tag else f"octet-string ({own_tag.words})"

    def read(self, data: Data) -> TimeT:
        """Return the value, whichever of the two types it came in."""
        if isinstance(data.value, self.kind):
            return data.value
        if data.tag is Tag.OCTET_STRING and isinstance(data.value, bytes):
            try:
                return self.kind.from_octets(data.value)
            except ProtocolFault:
                raise Misfit(self.words, data) from None
        raise Misfit(self.words, data)

    def write(self, value: TimeT) -> Data:
        """Return the value in the declared type."""
        arguments.instance("value", value, self.kind)
        return Data(self.tag, value if self.tag is self.own_tag else value.encode())


ANY: Final = AnyType()
NOTHING: Final = NothingType()
BOOLEAN: Final = BooleanType()
BIT_STRING: Final = BitStringType()
INTEGER: Final = NumberType(Tag.INTEGER)
LONG: Final = NumberType(Tag.LONG)
DOUBLE_LONG: Final = NumberType(Tag.DOUBLE_LONG)
LONG64: Final = NumberType(Tag.LONG64)
UNSIGNED: Final = NumberType(Tag.UNSIGNED)
LONG_UNSIGNED: Final = NumberType(Tag.LONG_UNSIGNED)
DOUBLE_LONG_UNSIGNED: Final = NumberType(Tag.DOUBLE_LONG_UNSIGNED)
LONG64_UNSIGNED: Final = NumberType(Tag.LONG64_UNSIGNED)
ENUM: Final = NumberType(Tag.ENUM)  #: codes without names of ours
OCTET_STRING: Final = OctetsType()
VISIBLE_STRING: Final = TextType(Tag.VISIBLE_STRING)
UTF8_STRING: Final = TextType(Tag.UTF8_STRING)
LOGICAL_NAME: Final = LogicalNameType()
DATE_TIME: Final = TimeType(CosemDateTime, Tag.DATE_TIME, Tag.DATE_TIME)
OCTET_DATE_TIME: Final = TimeType(CosemDateTime, Tag.OCTET_STRING, Tag.DATE_TIME)
OCTET_DATE: Final = TimeType(CosemDate, Tag.OCTET_STRING, Tag.DATE)
OCTET_TIME: Final = TimeType(CosemTime, Tag.OCTET_STRING, Tag.TIME)
