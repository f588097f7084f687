"""The tables of an OSGP meter as octets.

Source: OSGP guide, the page of each table; C12.19 for what the guide leaves out (the sets of BT00,
BT05, BT52).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from struct import pack
from typing import TYPE_CHECKING

from meterkit.codec.layout import BitSet, Context
from meterkit.emulator.access import OSGP_ACCESS, TableAccess
from meterkit.emulator.calendar_images import calendar_images
from meterkit.emulator.configuration import MeterTarget
from meterkit.emulator.firmware import RegisterCounts, status_octets
from meterkit.emulator.load_profile import is_summer_time, stime_date
from meterkit.emulator.load_profile_images import LoadProfileImages
from meterkit.emulator.log_images import LogImages
from meterkit.emulator.mbus_devices import MbusDevices
from meterkit.emulator.measurement import season_of
from meterkit.emulator.register_images import RegisterImages, SourceNumbers
from meterkit.emulator.table_store import PENDING, Element, MeterTable, Octets
from meterkit.psem.tables import GenConfig, GeneralMfgId, UtilityInformation, context_for
from meterkit.psem.tables.osgp.mfg_dimension import MfgDimension

if TYPE_CHECKING:
    from meterkit.emulator.meter import MeterEmulator

EXTENDED = 2048  #: first id of the manufacturer's tables
_MOST_STATUS_OCTETS = 6
_NO_SPECIAL_DAY = 15  # BT55
_MBUS, _LOG_ALARMS, _GENERATION_4 = (2, 10), (2, 12), (4, 0)  # firmware that brought them
_BASIC_OCTETS = 10  # BT00.13
_STANDARD_PROCEDURE_OCTETS, _EXTENDED_PROCEDURE_OCTETS = 3, 12
_ASCII, _INT32_FORMAT, _BY_OFFSET, _BY_OFFSET_AND_INDEX = 1, 8, 1, 3  # codes of BT00
_NAMEPLATE = {MeterTarget.GAS: 0, MeterTarget.WATER: 1, MeterTarget.ELECTRIC: 2}
#: Fields of ET11 in the guide's order as (value, struct code, firmware that added it).
_ET11 = (
    (5, "B", (0, 0)),  # from firmware 4.0 on: see `mfg_dimension`
    *((value, "B", (0, 0)) for value in (66, 36, 5, 6)),
    *((value, "H", (0, 0)) for value in (517, 896, 1785)),
    *((value, "B", (0, 0)) for value in (25, 16, 22, 3, 4, 17, 17, 10, 10, 65, 120, 6, 10)),
    *((value, "B", (3, 30)) for value in (10, 25, 80)),
    (10, "B", (3, 40)),
    *((value, "H", (3, 50)) for value in (261, 769)),
    *((value, "B", (4, 0)) for value in (6, 7, 2, 10)),
    (1250, "H", (4, 0)),
    (3, "B", (4, 20)),
)


def fill(emulator: MeterEmulator) -> None:
    """Put the meter's tables into its store."""
    tables = OsgpTables(emulator)
    configuration, context = emulator.configuration, tables.context
    images: dict[int, Octets | Callable[[], Octets]] = {
        0: tables.general_configuration,
        1: tables.manufacturer_identification(),
        3: tables.mode_status,
        4: tables.pending_status,
        5: tables.device_identification(),
        7: bytes(3),
        8: bytes(4),
        52: tables.clock,
        55: tables.clock_state,
        EXTENDED + 3: tables.utility_information(),
        EXTENDED + 11: tables.mfg_dimension(),
        EXTENDED + 51: tables.mep_configuration(),
    }
    if configuration.firmware_version >= _MBUS:
        devices = MbusDevices(emulator.household, context, tables.mfg_dimension_record())
        images[EXTENDED + 16] = lambda: devices.image(emulator.now())
    images |= calendar_images(configuration, context)
    counts = RegisterCounts.of(configuration)
    bank, diary = emulator.register_bank, emulator.diary
    images |= RegisterImages(
        configuration, counts, bank, diary, emulator.now, context, SourceNumbers()
    ).images()
    entries = configuration.event_log_entries
    images |= LogImages(diary, context, entries=entries, has_actual=counts.has_actual).images()
    if emulator.profiles:
        profile_images = LoadProfileImages(emulator.profiles, context)
        images[61] = profile_images.actual_load_profile()
        images[62] = profile_images.load_profile_control()
        images[63] = profile_images.load_profile_status
        images[EXTENDED + 21] = profile_images.load_profile_internal
        for number, profile in enumerate(emulator.profiles):
            images[64 + number] = partial(getattr, profile, "table")
    put(emulator, images, tables.elements())


def put(
    emulator: MeterEmulator,
    images: Mapping[int, Octets | Callable[[], Octets]],
    elements: Mapping[int, Callable[[], Sequence[Element]]],
) -> None:
    """Put tables into the meter's store, each with its access rule."""
    configuration = emulator.configuration
    default = TableAccess(configuration.read_access_level, configuration.write_access_level)
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
        self._extended_octets = 20 if self._firmware >= _GENERATION_4 else 13  # BT00.14
        self._nbr_pending = 4 if self._firmware >= _GENERATION_4 else 2  # BT00.18
        self._status_octets = status_octets(emulator.configuration)  # BT00.17

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
            dim_mfg_status_used=self._status_octets,
            nbr_pending=self._nbr_pending,
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
        """Build BT03: mode, standard status, extended alarms, the manufacturer's status octets."""
        status, profiles, diary = self._emulator.status, self._emulator.profiles, self._emulator.diary
        unread = [profile.unread_blocks > 0 for profile in profiles]
        extended = status.extended | sum(flag << bit for bit, flag in enumerate(unread[1:]))
        manufacturer = status.manufacturer | diary.has_new_self_read << 1  # octet 4, bit 1
        if profiles and profiles[0].has_overflowed:
            manufacturer |= 1  # octet 4, bit 0: load profile overflow
        if self._firmware >= _LOG_ALARMS and diary.has_unread_events:
            manufacturer |= 1 << 28  # octet 7, bit 4: event log unread entries
        if self._firmware >= (3, 10) and any(unread[:1]):
            manufacturer |= 1 << 30  # octet 7, bit 6: load profile 1 has unread entries
        octets = manufacturer.to_bytes(_MOST_STATUS_OCTETS, "little")[: self._status_octets]
        return self._pack("BHB", status.mode, status.standard, extended) + octets

    def plain_mode_status(self) -> bytes:
        """Build ST3 of a meter that knows C12.19's alarms only."""
        status = self._emulator.status
        octets = status.manufacturer.to_bytes(_MOST_STATUS_OCTETS, "little")[: self._status_octets]
        return self._pack("BHB", status.mode, status.standard, 0) + octets

    def pending_status(self) -> bytes:
        """Build BT04: which tables are pending, and when they will act."""
        pending = self._emulator.tables.pending()
        table_ids = [table_id for table_id, _ in pending]
        head = _set(table_ids, _BASIC_OCTETS).octets
        head += _set(_extended(table_ids), self._extended_octets).octets
        activated = self._emulator.last_activation
        head += bytes(5) if activated is None else stime_date(activated)
        records = [
            event + self._pack("H", table_id | PENDING) for table_id, event in pending[: self._nbr_pending]
        ]
        return head + bytes((len(records),)) + b"".join(records).ljust(8 * self._nbr_pending, b"\0")

    def device_identification(self) -> bytes:
        """Build BT05: 20 octets of text, or 10 of BCD.  Source: C12.19, table 5."""
        if self._configuration.id_form == "bcd":
            return bytes.fromhex(self._configuration.serial_number.rjust(20, "0"))
        return self._configuration.serial_number.encode().ljust(20)

    # ---------------------------------------------------------------- BT52, BT55
    def clock(self) -> bytes:
        """Build BT52: LTIME_DATE and its qualifier, in UTC.  Source: C12.19, table 52."""
        now = self._emulator.now()
        weekday = (now.weekday() + 1) % 7  # 0 is Sunday
        in_utc, knows_dst = 1 << 4, 1 << 7
        qualifier = weekday | is_summer_time(now) << 3 | in_utc | knows_dst
        return self._emulator.ltime_date() + bytes((qualifier,))

    def clock_state(self) -> bytes:
        """Build BT55: as BT52, and the tier and season in effect.  Source: C12.19, table 55."""
        now, measurement = self._emulator.now(), self._emulator.measurement
        tier = measurement.tier_of(measurement.household.place(now)[0])
        return self.clock() + self._pack("H", tier | tier << 3 | _NO_SPECIAL_DAY << 8 | season_of(now) << 12)

    # ---------------------------------------------------------------- ET11, ET51
    def mfg_dimension(self) -> bytes:
        """Build ET11 with the guide's own values."""
        image = b"".join(self._pack(code, value) for value, code, since in _ET11 if self._firmware >= since)
        nbr_of_devices = 6 if self._firmware >= _GENERATION_4 else 5
        return bytes((nbr_of_devices,)) + image[1:]

    def mfg_dimension_record(self) -> MfgDimension:
        """Return what ET11 says."""
        return MfgDimension.resolve(self.context).decode(self.mfg_dimension())

    def mep_configuration(self) -> bytes:
        """Build ET51: how long an optical session may last; from firmware 4.0 on, for two clients."""
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
        size = 8 if self._firmware < (3, 40) else 9 if self._firmware < (3, 60) else 10
        return image[:size] * self.mfg_dimension_record().mep_channels

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
