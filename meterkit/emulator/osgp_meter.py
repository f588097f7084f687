"""The tables of an OSGP meter as octets.

Source: OSGP guide, the page of each table; C12.19 for what the guide leaves out (the sets of BT00,
BT05, BT52).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from struct import pack
from typing import TYPE_CHECKING

from meterkit.codec.layout import BitSet, Context
from meterkit.emulator.access import OSGP_ACCESS, TableAccess
from meterkit.emulator.configuration import MeterTarget
from meterkit.emulator.household import NBR_SUMMATIONS
from meterkit.emulator.load_profile import is_summer_time, stime_date
from meterkit.emulator.load_profile_images import LoadProfileImages
from meterkit.emulator.table_store import PENDING, Element, MeterTable, Octets
from meterkit.psem.tables import GenConfig, GeneralMfgId, UtilityInformation, context_for

if TYPE_CHECKING:
    from meterkit.emulator.meter import MeterEmulator

EXTENDED = 2048  #: first id of the manufacturer's tables
_CALENDAR = 54  # BT54: its format is not in the guide; kept as opaque octets
_CALENDAR_SIZE = 64  # octets
_NBR_TIERS = 4
_MAX_PENDING = 2  # BT00.18 before firmware 4.0
_BASIC_OCTETS = 10  # BT00.13
_STANDARD_PROCEDURE_OCTETS, _EXTENDED_PROCEDURE_OCTETS = 3, 12
_ASCII, _INT32_FORMAT, _BY_OFFSET, _BY_OFFSET_AND_INDEX = 1, 8, 1, 3  # codes of BT00
_NAMEPLATE = {MeterTarget.GAS: 0, MeterTarget.WATER: 1, MeterTarget.ELECTRIC: 2}
#: Fields of ET11 in the guide's order as (value, struct code, firmware that added it).
_ET11 = (
    *((value, "B", (0, 0)) for value in (5, 66, 36, 5, 6)),
    *((value, "H", (0, 0)) for value in (517, 896, 1785)),
    *((value, "B", (0, 0)) for value in (25, 16, 22, 3, 4, 17, 17, 10, 10, 65, 120, 6, 10)),
    *((value, "B", (3, 30)) for value in (10, 25, 80)),
    (10, "B", (3, 40)),
    *((value, "H", (3, 50)) for value in (261, 769)),
    *((value, "B", (4, 0)) for value in (6, 7, 2, 10)),
    (1250, "H", (4, 0)),
    (3, "B", (4, 20)),
)
#: How many present values BT28 has from which firmware on.
_PRESENT_VALUES = (
    ((4, 30), 84),
    ((4, 10), 75),
    ((4, 0), 72),
    ((3, 70), 55),
    ((3, 50), 41),
    ((3, 10), 26),
    ((2, 12), 22),
)


def fill(emulator: MeterEmulator) -> None:
    """Put the meter's tables into its store."""
    tables = OsgpTables(emulator)
    images: dict[int, Octets | Callable[[], Octets]] = {
        0: tables.general_configuration,
        1: tables.manufacturer_identification(),
        3: tables.mode_status,
        4: tables.pending_status,
        5: tables.device_identification(),
        7: bytes(3),
        8: bytes(4),
        20: tables.dimension_register(),
        21: tables.actual_register(),
        22: bytes(range(tables.nbr_summations)),
        23: tables.current_register_data,
        28: tables.present_register_data,
        52: tables.clock,
        _CALENDAR: bytes(_CALENDAR_SIZE),
        EXTENDED + 3: tables.utility_information(),
        EXTENDED + 11: tables.mfg_dimension(),
        EXTENDED + 51: tables.mep_configuration(),
    }
    if emulator.profiles:
        profile_images = LoadProfileImages(emulator.profiles, tables.context)
        images[61] = profile_images.actual_load_profile()
        images[62] = profile_images.load_profile_control()
        images[63] = profile_images.load_profile_status
        images[EXTENDED + 21] = profile_images.load_profile_internal
        for number, profile in enumerate(emulator.profiles):
            images[64 + number] = partial(getattr, profile, "table")
    configuration = emulator.configuration
    default = TableAccess(configuration.read_access_level, configuration.write_access_level)
    elements = tables.elements()
    for table_id, image in images.items():
        access = OSGP_ACCESS.get(table_id, default)
        emulator.tables.add(table_id, MeterTable(image, access, elements.get(table_id)))


class OsgpTables:
    """Builds the images, in the meter's octet order and for its firmware."""

    def __init__(self, emulator: MeterEmulator) -> None:
        self._emulator = emulator
        self._configuration = emulator.configuration
        self._order = "<" if emulator.configuration.byte_order == "little" else ">"
        self._firmware = emulator.configuration.firmware_version[:2]
        self._extended_octets = 20 if self._firmware >= (4, 0) else 13  # BT00.14
        self.nbr_summations = NBR_SUMMATIONS if self._firmware >= (4, 0) else 15

    @property
    def context(self) -> Context:
        """What a client that has read BT00 and BT01 would know."""
        configuration = GenConfig.resolve(context_for()).decode(self.general_configuration())
        return replace(context_for([configuration]), firmware=self._configuration.firmware_version)

    def _pack(self, codes: str, *values: int | bytes) -> bytes:
        return pack(self._order + codes, *values)

    # ---------------------------------------------------------------- BT00 to BT05
    def general_configuration(self) -> bytes:
        """Encode BT00, with the sets of tables and procedures that exist now."""
        configuration, tables = self._configuration, self._emulator.tables
        used = [table_id for table_id in tables if not table_id & PENDING]
        written = [i for i in used if (table := tables.get(i)) and table.access.write is not None]
        procedures = self._emulator.procedures
        standard = [number for is_mfg, number in procedures if not is_mfg]
        extended = [number for is_mfg, number in procedures if is_mfg]
        access_method = _BY_OFFSET_AND_INDEX if configuration.index_access else _BY_OFFSET
        record = GenConfig(
            format_control_1=(configuration.byte_order == "big") | _ASCII << 1,
            format_control_2=2 | access_method << 3 | (configuration.id_form == "bcd") << 5,
            format_control_3=_INT32_FORMAT | _INT32_FORMAT << 4,
            device_class=configuration.manufacturer.encode().ljust(4),
            nameplate_type=_NAMEPLATE[configuration.target],
            default_set_used=0,
            max_proc_parm_length=255,
            max_resp_data_len=12,
            std_version_no=1,
            std_revision_no=0,
            dim_std_tbls_used=_BASIC_OCTETS,
            dim_mfg_tbls_used=self._extended_octets,
            dim_std_proc_used=_STANDARD_PROCEDURE_OCTETS,
            dim_mfg_proc_used=_EXTENDED_PROCEDURE_OCTETS,
            dim_mfg_status_used=4,
            nbr_pending=_MAX_PENDING,
            std_tbls_used=_set(used, _BASIC_OCTETS),
            mfg_tbls_used=_set(_extended(used), self._extended_octets),
            std_proc_used=_set(standard, _STANDARD_PROCEDURE_OCTETS),
            mfg_proc_used=_set(extended, _EXTENDED_PROCEDURE_OCTETS),
            std_tbls_write=_set(written, _BASIC_OCTETS),
            mfg_tbls_write=_set(_extended(written), self._extended_octets),
        )
        return GenConfig.resolve(context_for()).encode(record)

    def manufacturer_identification(self) -> bytes:
        """Encode BT01.  Both versions go high octet first whatever the data order is (doubt D12)."""
        configuration = self._configuration
        firmware = _packed_version(configuration.firmware_version)
        application = _packed_version(configuration.application_version or configuration.firmware_version)
        width = 16 if configuration.id_form == "bcd" else 0
        record = GeneralMfgId(
            manufacturer=configuration.manufacturer,
            ed_model=configuration.model,
            hw_version_number=application[0],
            hw_revision_number=application[1],
            fw_version_number=firmware[0],
            fw_revision_number=firmware[1],
            mfg_serial_number=configuration.serial_number.rjust(width, "0"),
        )
        return GeneralMfgId.resolve(self.context).encode(record)

    def utility_information(self) -> bytes:
        """Encode ET03."""
        number = self._configuration.utility_serial_number
        record = UtilityInformation(utility_serial_number=number, reserved=bytes(113))
        return UtilityInformation.resolve(self.context).encode(record)

    def mode_status(self) -> bytes:
        """Build BT03: mode, standard status, extended alarms, four octets of manufacturer status."""
        status, profiles = self._emulator.status, self._emulator.profiles
        unread = [profile.unread_blocks > 0 for profile in profiles]
        extended = sum(flag << bit for bit, flag in enumerate(unread[1:]))
        manufacturer = status.manufacturer
        if profiles and profiles[0].has_overflowed:
            manufacturer |= 1  # octet 4, bit 0: load profile overflow
        if self._firmware >= (3, 10) and any(unread[:1]):
            manufacturer |= 1 << 30  # octet 7, bit 6: load profile 1 has unread entries
        return self._pack("BHB", status.mode, status.standard, extended) + manufacturer.to_bytes(4, "little")

    def pending_status(self) -> bytes:
        """Build BT04: which tables are pending, and when they will act."""
        pending = self._emulator.tables.pending()
        table_ids = [table_id for table_id, _ in pending]
        head = _set(table_ids, _BASIC_OCTETS).octets
        head += _set(_extended(table_ids), self._extended_octets).octets
        activated = self._emulator.last_activation
        head += bytes(5) if activated is None else stime_date(activated)
        records = [event + self._pack("H", table_id | PENDING) for table_id, event in pending[:_MAX_PENDING]]
        return head + bytes((len(records),)) + b"".join(records).ljust(8 * _MAX_PENDING, b"\0")

    def device_identification(self) -> bytes:
        """Build BT05: 20 octets of text, or 10 of BCD.  Source: C12.19, table 5."""
        if self._configuration.id_form == "bcd":
            return bytes.fromhex(self._configuration.serial_number.rjust(20, "0"))
        return self._configuration.serial_number.encode().ljust(20)

    # ---------------------------------------------------------------- BT20 to BT28, BT52
    @property
    def _nbr_present_values(self) -> int:
        return next((count for firmware, count in _PRESENT_VALUES if self._firmware >= firmware), 18)

    def dimension_register(self) -> bytes:
        """Build BT20: the largest dimensions."""
        has_demand = 0x3C if self._firmware >= (3, 10) else 0
        return bytes(
            (
                0x03 | has_demand,
                0x0E,
                12,
                self.nbr_summations,
                8,
                16,
                1,
                _NBR_TIERS,
                8,
                self._nbr_present_values,
            )
        )

    def actual_register(self) -> bytes:
        """Build BT21: no demands, no self reads, four tiers."""
        return bytes((0x03, 0x0C, 0, self.nbr_summations, 0, 0, 1, _NBR_TIERS, 0, self._nbr_present_values))

    def current_register_data(self) -> bytes:
        """Build BT23: total and tier summations.  Nights and noons are the tiers; two are empty."""
        totals = self._emulator.household.summations(self._emulator.now())[: self.nbr_summations]
        energies = [0, 1, 2, 3, 6, 7, *range(11, self.nbr_summations)]  # the others have no tiers
        shares = (5, 3, 0, 0)  # eighths
        tiers = [
            [value * share // 8 if i in energies else 0 for i, value in enumerate(totals)] for share in shares
        ]
        return b"".join(self._int32s(row) for row in (totals, *tiers))

    def present_register_data(self) -> bytes:
        """Build BT28: power, current, voltage and so on, as they are now."""
        values = self._emulator.household.present_values(self._emulator.now())
        count = self._nbr_present_values
        return self._int32s((values + [0] * count)[:count])

    def clock(self) -> bytes:
        """Build BT52: LTIME_DATE and its qualifier, in UTC.  Source: C12.19, table 52."""
        now = self._emulator.now()
        weekday = (now.weekday() + 1) % 7  # 0 is Sunday
        in_utc, knows_dst = 1 << 4, 1 << 7
        qualifier = weekday | is_summer_time(now) << 3 | in_utc | knows_dst
        return self._emulator.ltime_date() + bytes((qualifier,))

    def _int32s(self, values: Iterable[int]) -> bytes:
        wrapped = [value & 0x7FFFFFFF if value >= 0 else value for value in values]
        return self._pack(f"{len(wrapped)}i", *wrapped)

    # ---------------------------------------------------------------- ET11, ET51
    def mfg_dimension(self) -> bytes:
        """Build ET11 with the guide's own values."""
        return b"".join(self._pack(code, value) for value, code, since in _ET11 if self._firmware >= since)

    def mep_configuration(self) -> bytes:
        """Build ET51, one client: how long an optical session may last."""
        configuration = self._configuration
        image = self._pack(
            "BHBHHBB",
            configuration.session_lock_out,
            60,
            30,
            configuration.session_timeout,
            configuration.session_hold_off,
            1,
            0,
        )
        return image[: 8 if self._firmware < (3, 40) else 9 if self._firmware < (3, 60) else 10]

    def elements(self) -> dict[int, Callable[[], Sequence[Element]]]:
        """Return how the tables are divided, for access by index."""
        id_size = 8 if self._configuration.id_form == "bcd" else 16
        divided: dict[int, Callable[[], Sequence[Element]]] = {
            1: partial(_fields, 4, 8, 1, 1, 1, 1, id_size),
            21: partial(_fields, *[1] * 10),
            52: partial(_fields, 6, 1),
        }
        if self._emulator.profiles:
            status = (1, 2, 2, 4, 2, 2)
            divided[63] = partial(_fields, *status * len(self._emulator.profiles))
        for number, profile in enumerate(self._emulator.profiles):
            divided[64 + number] = profile.elements
        return divided


def _set(numbers: Iterable[int], size: int) -> BitSet:
    """Return the SET of `size` octets of those numbers that it can hold."""
    return BitSet.of({number for number in numbers if 0 <= number < size * 8}, size)


def _extended(table_ids: Iterable[int]) -> list[int]:
    """Return the numbers of the manufacturer's tables among `table_ids`."""
    return [table_id - EXTENDED for table_id in table_ids if table_id >= EXTENDED]


def _fields(*sizes: int) -> list[Element]:
    ends = list(accumulate(sizes))
    return [Element(end - size, size) for end, size in zip(ends, sizes, strict=True)]


def _packed_version(version: tuple[int, int, int]) -> bytes:
    """Return x.yy.zz as BT01 packs it: bits 15-12, 11-5, 4-0, high octet first."""
    major, minor, build = version
    return (major << 12 | minor << 5 | build).to_bytes(2, "big")
