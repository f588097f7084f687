"""BT61, BT62, BT63 and ET21 as octets, from the declarations that a client reads them with.

Source: OSGP guide, BT61, BT62, BT63, ET21.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from meterkit.codec.layout import Context, InvalidTime, Layout, Record
from meterkit.emulator.load_profile import END_TIME_SIZE, LoadProfileMemory, local_time
from meterkit.psem.tables import ActLp, LpCtrl, LpInternalConfig, LpStatus
from meterkit.psem.tables.load_profile_tables import ActLpSet, LpCtrlSet, LpSourceSel, LpStatusSet
from meterkit.psem.tables.osgp.load_profile import LpInternalSet

T = TypeVar("T")
R = TypeVar("R", bound=Record)

_INT32_CODE, _INT32_FLAG = 32, 1 << 5  # BT62 format, BT61 supported formats
_EXTENDED_AND_SIMPLE_STATUS = 1 << 10 | 1 << 11  # BT61 flags
_CIRCULAR_LIST = 1 << 2  # BT63 flags
_CODE_OF_A_DAY = 84  # BT61, maximum interval time
_NO_TIME = InvalidTime(bytes(6))  # LTIME_DATE of a data set that is empty
_NBR_PLACEHOLDERS = _NBR_SOURCES = 8  # ET21


class LoadProfileImages:
    """Encodes what the data sets of one meter are, and how far they have come."""

    def __init__(self, profiles: tuple[LoadProfileMemory, ...], context: Context) -> None:
        self._profiles = profiles
        self._firmware = context.firmware or (0, 0, 0)
        self._actual = self._actual_load_profile()
        self._context = context.with_(self._actual)
        self._status: Layout[LpStatus] = LpStatus.resolve(self._context)
        self._internal: Layout[LpInternalConfig] = LpInternalConfig.resolve(self._context)

    def actual_load_profile(self) -> bytes:
        """Encode BT61."""
        return ActLp.resolve(self._context).encode(self._actual)

    def load_profile_control(self) -> bytes:
        """Encode BT62: the sources of the channels, and INT32 for all of them."""
        sets = tuple(
            LpCtrlSet(
                lp_sel=tuple(
                    LpSourceSel(chnl_flags=0, lp_source_select=source, end_blk_rdg_source_select=0)
                    for source in profile.configuration.sources
                ),
                int_fmt_cde=_INT32_CODE,
                scalars=None,
                divisors=None,
            )
            for profile in self._profiles
        )
        return LpCtrl.resolve(self._context).encode(LpCtrl(sets=sets))

    def load_profile_status(self) -> bytes:
        """Encode BT63 as it stands now."""
        sets = tuple(
            LpStatusSet(
                lp_set_status_flags=profile.has_overflowed << 1 | _CIRCULAR_LIST | profile.is_active << 5,
                nbr_valid_blocks=profile.valid_blocks,
                last_block_element=profile.last_block,
                last_block_seq_nbr=profile.last_sequence,
                nbr_unread_blocks=profile.unread_blocks,
                nbr_valid_int=profile.valid_intervals,
            )
            for profile in self._profiles
        )
        return self._status.encode(LpStatus(sets=sets))

    def load_profile_internal(self) -> bytes:
        """Encode ET21 as it stands now, as long as the firmware makes it."""
        sets = tuple(self._internal_set(profile) for profile in self._profiles)
        return self._internal.encode(LpInternalConfig(sets=sets))

    def _actual_load_profile(self) -> ActLp:
        return ActLp(
            lp_memory_len=sum(len(profile.table) for profile in self._profiles),
            lp_flags=_EXTENDED_AND_SIMPLE_STATUS,
            lp_fmats=_INT32_FLAG,
            sets=tuple(
                ActLpSet(
                    nbr_blks=profile.configuration.blocks,
                    nbr_blk_ints=profile.configuration.intervals,
                    nbr_chns=profile.nbr_channels,
                    max_int_time=_interval_code(profile),
                )
                for profile in self._profiles
            ),
        )

    def _since(self, firmware: tuple[int, int, int], value: T) -> T | None:
        """Return `value` if this meter's firmware has the field."""
        return value if self._firmware >= firmware else None

    def _internal_set(self, profile: LoadProfileMemory) -> LpInternalSet:
        last = max(profile.valid_intervals - 1, 0)
        block = profile.last_block * profile.block_size
        sources = (*profile.configuration.sources, *[0] * 2 * _NBR_SOURCES)
        return LpInternalSet(
            current_block_address=block,
            current_interval_address=block + profile.header_size + last * profile.interval_size,
            block_size=profile.block_size,
            block_header_size=profile.header_size,
            nbr_valid_blocks=profile.valid_blocks,
            nbr_valid_intervals=profile.valid_intervals,
            last_block_index=profile.last_block,
            last_interval_number=last,
            simple_status_offset=END_TIME_SIZE,
            simple_status_size=profile.simple_status_size & 0xFF,
            interval_0_offset=profile.header_size & 0xFF,
            interval_size=profile.interval_size,
            channel_0_offset=profile.extended_status_size,
            extended_status_common=0,
            nbr_channels=profile.nbr_channels,
            interval_time=_interval_code(profile),
            sources=sources[:_NBR_SOURCES],
            placeholders=self._since((2, 10, 0), (0,) * _NBR_PLACEHOLDERS),
            sources_expansion=self._since((2, 10, 1), sources[_NBR_SOURCES : 2 * _NBR_SOURCES]),
            lp_config_id=self._since((2, 10, 1), 1),
            mep_billing_start_channel=self._since((2, 10, 1), 0),
            **self._internal_times(profile),
            max_memory_len=self._since((3, 50, 0), len(profile.table)),
            lp_status_flags=self._since((3, 50, 0), 0),
            reserved=self._since((3, 50, 0), bytes(19)),
        )

    def _internal_times(
        self, profile: LoadProfileMemory
    ) -> dict[str, datetime | InvalidTime | int | bytes | None]:
        """Return the fields that came with firmware 3.10 and 3.30."""
        v3_10, v3_30 = (3, 10, 0), (3, 30, 0)
        start = profile.block_start_time if profile.valid_blocks else None
        end = profile.last_end_time
        return {
            "block_start_time": self._since(v3_10, start or _NO_TIME),
            "block_start_hour": self._since(v3_10, start.hour if start else 0),
            "block_start_minute": self._since(v3_10, start.minute if start else 0),
            "interval_in_progress": self._since(v3_10, 0),
            "lp_options": self._since(v3_10, 0),
            "interval_end_time_utc": self._since(v3_30, end),
            "undescribed_100": self._since(v3_30, b"\0"),
            "interval_end_time_local": self._since(v3_30, local_time(end)),
        }


def _interval_code(profile: LoadProfileMemory) -> int:
    minutes = profile.configuration.interval_minutes
    return _CODE_OF_A_DAY if minutes == 1440 else minutes
