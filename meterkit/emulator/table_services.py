"""Read and write services: which octets of which table, and who may have them.  C12.18, layer 7.

When several refusals apply, the first of iar, isc, onp, bsy, dlk, dnr, rno, err is given (C12.18-2006).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meterkit.emulator.access import TableAccess
from meterkit.emulator.diary import EventCode
from meterkit.emulator.faults import Counter
from meterkit.emulator.table_store import EVENT_DESCRIPTION_SIZE, PENDING, Element, MeterTable
from meterkit.psem.services import ResponseCode, ServiceCode

if TYPE_CHECKING:
    from meterkit.emulator.meter import MeterEmulator
    from meterkit.emulator.services import ServiceSession

PROCEDURE_INITIATE = 7  # ST7, BT07
PROCEDURE_RESPONSE = 8  # ST8, BT08
_TABLE_ID_SIZE, _INDEX_SIZE, _OFFSET_SIZE, _COUNT_SIZE, _CHECKSUM_SIZE = 2, 2, 3, 2, 1
_FRAMING_SIZE = 1 + _COUNT_SIZE + _CHECKSUM_SIZE  # of a read response: code, count, checksum

_READINESS: tuple[tuple[Counter, ResponseCode], ...] = (
    ("busy", ResponseCode.DEVICE_BUSY),
    ("locked", ResponseCode.DATA_LOCKED),
    ("not_ready", ResponseCode.DATA_NOT_READY),
    ("renegotiate", ResponseCode.RENEGOTIATE_REQUEST),
    ("errors", ResponseCode.ERROR),
)


class Refusal(Exception):
    """The meter's answer is not OK but `code`."""

    def __init__(self, code: ResponseCode) -> None:
        super().__init__(code.name)
        self.code = code


def checksum(octets: bytes) -> int:
    """Return the table checksum: two's complement of the sum of the octets."""
    return -sum(octets) & 0xFF


class TableServices:
    """Serves reads and writes of one session."""

    def __init__(self, emulator: MeterEmulator, session: ServiceSession) -> None:
        self._emulator = emulator
        self._session = session

    # ---------------------------------------------------------------- reading
    def read(self, code: int, payload: bytes) -> bytes:
        """Return the response to a read request; `payload` is what follows the code.

        Errors: Refusal.
        """
        if code == ServiceCode.READ_FULL:
            return self._read_full(payload)
        if code == ServiceCode.READ_OFFSET:
            return self._read_offset(payload)
        if code == ServiceCode.READ_DEFAULT:
            return self._read_default(payload)
        return self._read_index(code - ServiceCode.READ_INDEX + 1, payload)

    def _read_full(self, payload: bytes) -> bytes:
        if len(payload) != _TABLE_ID_SIZE:
            raise Refusal(ResponseCode.ERROR)
        table_id = int.from_bytes(payload, "big")
        table = self._readable(table_id)
        return self._response(table.event_description + self._octets(table_id, table))

    def _read_default(self, payload: bytes) -> bytes:
        table_id = self._emulator.configuration.default_table or 0
        return self._read_full(table_id.to_bytes(2, "big") + payload)

    def _read_offset(self, payload: bytes) -> bytes:
        if len(payload) != _TABLE_ID_SIZE + _OFFSET_SIZE + _COUNT_SIZE:
            raise Refusal(ResponseCode.ERROR)
        table_id = int.from_bytes(payload[:2], "big")
        offset = int.from_bytes(payload[2:5], "big")
        count = int.from_bytes(payload[5:], "big")
        table = self._readable(table_id)
        capacity = self._session.capacity
        if capacity is not None and count + _FRAMING_SIZE > capacity:
            if not self._emulator.configuration.truncate_reads:
                raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
            count = capacity - _FRAMING_SIZE
        # The PED is counted, but the offset is that of the data alone (OSGP guide, pending tables).
        head = table.event_description
        wanted = count - len(head)
        octets = self._octets(table_id, table)
        if wanted <= 0 or (
            offset + wanted > len(octets) and self._emulator.configuration.read_past_end == "onp"
        ):
            raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
        return self._response(head + octets[offset : offset + wanted].ljust(wanted, b"\0"))

    def _read_index(self, nbr_indices: int, payload: bytes) -> bytes:
        table_id, indices, count = self._parse_indices(nbr_indices, payload, has_data=False)
        table = self._readable(table_id)
        offset, size = self._locate(table, indices, count)
        return self._response(self._octets(table_id, table)[offset : offset + size])

    def _response(self, octets: bytes) -> bytes:
        capacity = self._session.capacity
        if len(octets) > 0xFFFF or (capacity is not None and len(octets) + _FRAMING_SIZE > capacity):
            raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
        self._check_ready()
        check = checksum(octets) + self._emulator.faults.take("wrong_checksums") & 0xFF
        return bytes((ResponseCode.OK, len(octets) >> 8, len(octets) & 0xFF)) + octets + bytes((check,))

    def _readable(self, table_id: int) -> MeterTable:
        table = self._emulator.tables.get(table_id)
        if table is None or table.access.read is None:
            raise Refusal(ResponseCode.INAPPROPRIATE_ACTION_REQUESTED)
        if self._session.access_level < table.access.read:
            raise Refusal(ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE)
        return table

    def _octets(self, table_id: int, table: MeterTable) -> bytes:
        if table_id == PROCEDURE_RESPONSE and self._session.procedure is not None:
            return self._session.procedure.poll()
        return bytes(table.octets)

    # ---------------------------------------------------------------- writing
    def write(self, code: int, payload: bytes) -> bytes:
        """Return the response to a write request; `payload` is what follows the code.

        Errors: Refusal.
        """
        if code == ServiceCode.WRITE_FULL:
            self._write_full(payload)
        elif code == ServiceCode.WRITE_OFFSET:
            self._write_offset(payload)
        else:
            self._write_index(code - ServiceCode.WRITE_INDEX + 1, payload)
        return bytes((ResponseCode.OK,))

    def _write_full(self, payload: bytes) -> None:
        table_id = self._table_id(payload)
        access = self._writable(table_id)
        count, octets, check = self._split(payload, _TABLE_ID_SIZE)
        if table_id == PROCEDURE_INITIATE:
            if count < 3:
                raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
            self._check_ready(octets, check)
            self._session.procedure = self._emulator.run_procedure(
                octets, self._session.access_level, self._session.procedure
            )
            self._emulator.tables.write_table(table_id, octets)
            return
        size = len(access.octets) + (EVENT_DESCRIPTION_SIZE if table_id & PENDING else 0)
        if count != size:
            raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
        self._check_ready(octets, check)
        self._store(table_id, octets)

    def _write_offset(self, payload: bytes) -> None:
        table_id = self._table_id(payload)
        table = self._writable(table_id)
        count, octets, check = self._split(payload, _TABLE_ID_SIZE + _OFFSET_SIZE)
        offset = int.from_bytes(payload[2:5], "big")
        head = octets[:EVENT_DESCRIPTION_SIZE] if table_id & PENDING else b""
        end = offset + count - len(head)
        if table_id == PROCEDURE_INITIATE or not count or end > len(table.octets) or end < offset:
            raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
        self._check_ready(octets, check)
        old = bytes(table.octets)
        self._store(table_id, head + old[:offset] + octets[len(head) :] + old[end:])

    def _write_index(self, nbr_indices: int, payload: bytes) -> None:
        table_id, indices, _ = self._parse_indices(nbr_indices, payload, has_data=True)
        table = self._writable(table_id)
        count, octets, check = self._split(payload, _TABLE_ID_SIZE + nbr_indices * _INDEX_SIZE)
        # A write says octets, not elements: it must end where an element ends.
        offset, size = self._locate(table, indices, None, count)
        self._check_ready(octets, check)
        old = bytes(table.octets)
        self._store(table_id, old[:offset] + octets + old[offset + size :])

    def _store(self, table_id: int, octets: bytes) -> None:
        if table_id & PENDING:
            head, octets = octets[:EVENT_DESCRIPTION_SIZE], octets[EVENT_DESCRIPTION_SIZE:]
            self._emulator.tables.set_pending(table_id & ~PENDING, head, octets)
        else:
            self._emulator.tables.write_table(table_id, octets)
        self._emulator.log_event(EventCode.TABLE_WRITTEN, table_id)

    @staticmethod
    def _table_id(payload: bytes) -> int:
        if len(payload) < _TABLE_ID_SIZE:
            raise Refusal(ResponseCode.ERROR)
        return int.from_bytes(payload[:2], "big")

    def _writable(self, table_id: int) -> MeterTable:
        table = self._emulator.tables.get(table_id)
        if table is None and table_id & ~PENDING in self._emulator.pendable:
            table = self._emulator.tables.get(table_id & ~PENDING)
        access = TableAccess(None, None) if table is None else table.access
        if table is None or access.write is None:
            raise Refusal(ResponseCode.INAPPROPRIATE_ACTION_REQUESTED)
        if self._session.access_level < access.write:
            raise Refusal(ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE)
        return table

    @staticmethod
    def _split(payload: bytes, at: int) -> tuple[int, bytes, int]:
        """Return count, octets and checksum, which stand from octet `at` of a write request."""
        count = int.from_bytes(payload[at : at + _COUNT_SIZE], "big")
        octets = payload[at + _COUNT_SIZE : -_CHECKSUM_SIZE]
        if len(payload) < at + _COUNT_SIZE + _CHECKSUM_SIZE or count != len(octets):
            raise Refusal(ResponseCode.ERROR)
        return count, octets, payload[-1]

    # ---------------------------------------------------------------- both
    def _check_ready(self, octets: bytes = b"", check: int = 0) -> None:
        """Refuse if a test ordered it, or if the client's checksum is wrong: the last of the ranks."""
        faults = self._emulator.faults
        for fault, code in _READINESS:
            if faults.take(fault):
                raise Refusal(code)
        if checksum(octets) != check:
            raise Refusal(ResponseCode.ERROR)

    @staticmethod
    def _parse_indices(
        nbr_indices: int, payload: bytes, *, has_data: bool
    ) -> tuple[int, tuple[int, ...], int]:
        end = _TABLE_ID_SIZE + nbr_indices * _INDEX_SIZE
        if len(payload) < end + _COUNT_SIZE or (not has_data and len(payload) != end + _COUNT_SIZE):
            raise Refusal(ResponseCode.ERROR)
        indices = tuple(int.from_bytes(payload[at : at + 2], "big") for at in range(2, end, 2))
        return int.from_bytes(payload[:2], "big"), indices, int.from_bytes(payload[end : end + 2], "big")

    @staticmethod
    def _locate(
        table: MeterTable, indices: tuple[int, ...], elements: int | None, octets: int = 0
    ) -> tuple[int, int]:
        """Return (offset, size) of so many elements, or octets, from the one that `indices` name."""
        siblings: list[Element] = [] if table.elements is None else list(table.elements())
        for index in indices[:-1]:
            if index >= len(siblings):
                raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
            siblings = list(siblings[index].children)
        first = indices[-1]
        if elements is None:
            size, elements = 0, 0
            while size < octets and first + elements < len(siblings):
                size += siblings[first + elements].size
                elements += 1
            if size != octets:
                raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
        if not elements or first + elements > len(siblings):
            raise Refusal(ResponseCode.OPERATION_NOT_POSSIBLE)
        chosen = siblings[first : first + elements]
        return chosen[0].offset, sum(element.size for element in chosen)
