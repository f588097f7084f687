"""The push setup: what a push carries.  Source: Blue Book, Push setup (class 40); general knowledge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meterkit.codec import axdr
from meterkit.dlms.cosem.composite_types import array
from meterkit.dlms.cosem.definitions import CaptureObject
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import Cell, CosemObject, Method
from meterkit.emulator.dlms.profile import Column
from meterkit.emulator.dlms.typed_cell import TypedCell
from meterkit.errors import ProtocolFault

_TCP = 0  # transport_service
_A_XDR = 0  # message: an encoded APDU
_LONGEST_LIST = 32  # objects that one push may carry


class PushSetup:
    """A push setup over a list of attributes; the list itself comes first, so that a push explains itself."""

    def __init__(
        self, pushed: Sequence[Column], read: Callable[[Column], bytes | None], push: Callable[[], None]
    ) -> None:
        self._read, self._push = read, push
        self._itself = Column(40, ObisCode.PUSH_SETUP)
        columns = (self._itself, *pushed)
        self._list = TypedCell(
            array(CaptureObject),
            tuple(CaptureObject(one.class_id, one.obis, one.attribute, 0) for one in columns),
            self._can_push,
        )
        destination = [
            axdr.encode_enum(_TCP),
            axdr.encode_octet_string(b"127.0.0.1:4059"),
            axdr.encode_enum(_A_XDR),
        ]
        self._destination = Cell(axdr.encode_structure(destination))
        self.object = CosemObject(
            40,
            0,
            ObisCode.PUSH_SETUP,
            {
                2: self._list.writable,
                3: self._destination.writable,
                4: Cell(axdr.encode_array([])).writable,
                5: Cell(axdr.encode_long_unsigned(0)).writable,
                6: Cell(axdr.encode_unsigned(0)).writable,
                7: Cell(axdr.encode_long_unsigned(0)).writable,
            },
            {1: Method(self._invoke)},
        )

    @property
    def destination(self) -> str | None:
        """Where pushes go over TCP, "host:port"; None for another service, or no text."""
        try:
            told = axdr.decode(self._destination.read())
        except ProtocolFault:  # whoever wrote it wrote nonsense
            return None
        match told:
            case (0, bytes(place), *_) if place.isascii():
                return place.decode() or None
            case _:
                return None

    def body(self) -> bytes:
        """Return what a push carries now: a structure of the values."""
        return axdr.encode_structure([self._value(_column(one)) for one in self._list.value])

    def _value(self, column: Column) -> bytes:
        if column == self._itself:
            return self._list.read()
        return self._read(column) or axdr.encode_null()

    def _can_push(self, objects: tuple[CaptureObject, ...]) -> bool:
        """Tell whether everything on a list is there, and whole attributes are meant."""
        columns = [_column(one) for one in objects if not one.data_index]
        known = [one for one in columns if one == self._itself or self._read(one) is not None]
        return len(known) == len(objects) <= _LONGEST_LIST

    def _invoke(self, _: bytes | None) -> None:
        self._push()


def _column(one: CaptureObject) -> Column:
    return Column(one.class_id, one.logical_name, one.attribute_index)
