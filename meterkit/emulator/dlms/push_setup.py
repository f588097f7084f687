"""The push setup: what a push carries.  Source: Blue Book, Push setup (class 40); general knowledge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import Cell, CosemObject, Method, fixed
from meterkit.emulator.dlms.profile import Column

_TCP = 0  # transport_service
_A_XDR = 0  # message: an encoded APDU


class PushSetup:
    """A push setup over a list of attributes; the list itself comes first, so that a push explains itself."""

    def __init__(
        self, pushed: Sequence[Column], read: Callable[[Column], bytes], push: Callable[[], None]
    ) -> None:
        self._read, self._push = read, push
        self._itself = Column(40, ObisCode.PUSH_SETUP)
        self._pushed = (self._itself, *pushed)
        self._list = axdr.encode_array([one.octets() for one in self._pushed])
        destination = [
            axdr.encode_enum(_TCP),
            axdr.encode_octet_string(b"127.0.0.1:4059"),
            axdr.encode_enum(_A_XDR),
        ]
        self.object = CosemObject(
            40,
            0,
            ObisCode.PUSH_SETUP,
            {
                2: fixed(self._list),
                3: Cell(axdr.encode_structure(destination)).writable,
                4: Cell(axdr.encode_array([])).writable,
                5: Cell(axdr.encode_long_unsigned(0)).writable,
                6: Cell(axdr.encode_unsigned(0)).writable,
                7: Cell(axdr.encode_long_unsigned(0)).writable,
            },
            {1: Method(self._invoke)},
        )

    def body(self) -> bytes:
        """Return what a push carries now: a structure of the values."""
        return axdr.encode_structure(
            [self._list if one == self._itself else self._read(one) for one in self._pushed]
        )

    def _invoke(self, _: bytes | None) -> None:
        self._push()
