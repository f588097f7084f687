"""One interval of a load profile as a row, and the status bits that go with it."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, IntFlag
from typing import NamedTuple


class CommonStatus(IntFlag):
    """What befell an interval, for all channels.

    Source: OSGP guide, "Extended Status": bit numbers 0..3 of the high nibble, bit 0 its least
    significant as in C12.19 (D13), so that 0x10 of the first octet is daylight saving.
    """

    DAYLIGHT_SAVING = 1  #: in effect during or at the start of the interval
    POWER_FAIL = 2
    CLOCK_FORWARD = 4  #: set forward during the interval
    CLOCK_BACKWARD = 8


class ChannelStatus(IntEnum):
    """What befell one channel in an interval.

    Source: OSGP guide, "Extended Status"; 6 and 7 C12.19-2008 (D14).  13 and 14 are nowhere defined.
    """

    NO_STATUS = 0
    OVERFLOW = 1
    PARTIAL_INTERVAL = 2
    LONG_INTERVAL = 3
    SKIPPED = 4  #: the value is zeroed
    TEST_MODE = 5
    CONFIGURATION_CHANGED = 6
    RECORDING_STOPPED = 7
    DECRYPTION_FAILURE = 8
    CLOCK_ERROR = 9
    DEVICE_MISSING = 10
    NOT_CURRENT = 11
    OPTED_OUT = 12  #: the value is zeroed
    UNDEFINED_13 = 13
    UNDEFINED_14 = 14
    PLACEHOLDER = 15  #: M-Bus data not yet, or never, retrieved


_CHANNEL_STATUS = tuple(ChannelStatus)
_COMMON_STATUS = tuple(CommonStatus(bits) for bits in range(16))


class LoadProfileRow(NamedTuple):
    """One interval of one data set.  Statuses are decoded when asked for."""

    end_time: datetime  #: aware, UTC
    values: tuple[int | float | None, ...]  #: as recorded, one a channel; None where `is_valid` is False
    is_valid: bool  #: the meter has processed this interval
    block: int  #: index of the block in the ring
    interval: int  #: index in its block
    sequence: int  #: number of the block since the profile was cleared
    extended_status: bytes  #: as read; empty where the meter keeps none

    @property
    def common(self) -> CommonStatus:
        """What befell the interval, for all channels."""
        return _COMMON_STATUS[self.extended_status[0] >> 4 if self.extended_status else 0]

    @property
    def status(self) -> tuple[ChannelStatus, ...]:
        """What befell each channel."""
        octets = self.extended_status
        if not octets:
            return (ChannelStatus.NO_STATUS,) * len(self.values)
        nibbles = [nibble for octet in octets for nibble in (octet >> 4, octet & 15)]
        return tuple(_CHANNEL_STATUS[nibble] for nibble in nibbles[1 : len(self.values) + 1])
