"""ET16: what the M-Bus devices and MEP devices behind the meter last said.

    timestamp   info   L telegram, L telegram, ... 0           the first four entries: M-Bus devices
    timestamp   info   read count   L   data                   the others: MEP devices

Source: OSGP guide, ET16 (read access: MK, PK, RK).  Where it is silent or at odds with itself:

* The data records "See ANSI C12.19-1997" are those of EN 13757-3 (D42).
* A variable telegram's L counts a zero terminator, which is taken off (records are L-13 octets); a fixed
  one's is always 16, without.  No rule says where the list of telegrams ends: a length of zero is taken for
  the end, as the rest of an entry is zeroes.  The last telegram may be cut at the entry's end (D25).
* Mode 2 (most significant octet first) is taken to cover the header too, but for medium/unit: that the guide
  names the one exception means the rule holds for the others.  Fixed counters typed UINT32 are BCD or signed
  binary by bit 0 of the device's status (D26).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from meterkit.codec.cursor import ByteOrder
from meterkit.codec.expression import Computed, Expression
from meterkit.codec.layout import Record, array, bit, bits, derived, item, octets
from meterkit.mbus.header import VARIABLE_HEADER_SIZE
from meterkit.mbus.telegram import Telegram, decode_telegram
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.osgp.mfg_dimension import MfgDimension
from meterkit.psem.tables.wire import LTIME_DATE, UINT8, UINT16

MBUS_DEVICES = 4  #: entries of M-Bus devices, which come first

_TERMINATOR = 1  # octet
_MOST = 0xFF  # octets of one telegram


class Authentication(IntEnum):
    """Whether the device is the one that it should be.  Source: OSGP guide, ET16.6, bits 3 and 4."""

    PASSED = 0
    ID_FAILURE = 1
    DATE_FAILURE = 2
    PASSED_WITH_ALTERNATE_DATE = 3


def _ltime_size(tm_format: int) -> int:
    """Return the octets of LTIME_DATE; 6 on OSGP meters, from which the guide's offsets follow."""
    return {0: 0, 3: 5, 4: 4}.get(tm_format, 6)


_HEAD: Expression = Computed("size of LTIME_DATE by {}", _ltime_size, GenConfig.tm_format) + 1
_NBR_MBUS: Expression = Computed("least of {} and {}", min, MfgDimension.nbr_of_devices, MBUS_DEVICES)


class MbusDevice(Record):
    """One M-Bus device: data_entry_size octets, 517 on the meters of the guide."""

    timestamp = item(LTIME_DATE)  #: local time of the last successful read of user data
    response_info = item(UINT8)
    data_order = bits(response_info, 0, 0)  #: 0: mode 1, least significant octet first; 1: mode 2
    response_type = bits(response_info, 1, 1)  #: 0: variable data structure; 1: fixed
    key_availability = bit(response_info, 2)  #: the meter had the key, and decrypted where needed
    authentication = bits(response_info, 3, 4, Authentication)
    security_status = bit(response_info, 5)  #: set: some check failed
    billing_response = octets(MfgDimension.data_entry_size - _HEAD)

    def _telegrams(self) -> tuple[Telegram, ...]:
        return decode_billing_response(
            self.billing_response,
            is_fixed=bool(self.response_type),
            order="big" if self.data_order else "little",
            is_decrypted=self.key_availability,
        )

    #: The telegrams in `billing_response`, decoded anew at every access.
    telegrams = derived(_telegrams)


class MepDevice(Record):
    """One MEP device: data_entry_size octets."""

    timestamp = item(LTIME_DATE)  #: local time of the last successful read
    response_info = item(UINT8)
    read_count = item(UINT16)  #: successful billing reads from the MEP port
    length = item(UINT16)  #: octets of `data`
    space = octets(MfgDimension.data_entry_size - _HEAD - 4)

    def _data(self) -> bytes:
        return self.space[: self.length]

    def _is_complete(self) -> bool:
        return self.length <= len(self.space)

    #: What the device submitted; as much of it as the entry holds.
    data = derived(_data)
    #: Whether the entry holds as many octets as `length` says.
    is_complete = derived(_is_complete)


class MepDeviceData(Table, number=2064):
    """ET16 MEP_DEVICE_DATA: device register reads, one entry a device."""

    mbus_devices = array(MbusDevice, _NBR_MBUS)
    mep_devices = array(MepDevice, MfgDimension.nbr_of_devices - _NBR_MBUS)


def decode_billing_response(
    response: bytes, *, is_fixed: bool = False, order: ByteOrder = "little", is_decrypted: bool = False
) -> tuple[Telegram, ...]:
    """Return the telegrams of one device's billing response; total.

    A telegram that its length, or the end of the entry, cuts short has a `problem`.
    """

    def decode(octets: bytes, problem: str = "") -> Telegram:
        return decode_telegram(
            octets, is_fixed=is_fixed, order=order, is_decrypted=is_decrypted, problem=problem
        )

    found: list[Telegram] = []
    at = 0
    while at < len(response) and (length := response[at]):
        octets = response[at + 1 : at + 1 + length]
        at += 1 + length
        if len(octets) < length:
            missing = f"cut short at the end of the entry: {length} octets expected, {len(octets)} read"
            found.append(decode(octets, missing))
            continue
        telegram = decode(octets)
        if not is_fixed and length > VARIABLE_HEADER_SIZE and octets[-1] == 0:
            # Without its terminator, unless only with that octet the last record is whole.
            ended = decode(octets[:-_TERMINATOR])
            telegram = ended if ended.is_complete or not telegram.is_complete else telegram
        found.append(telegram)
    return tuple(found)


def encode_billing_response(telegrams: Iterable[bytes], size: int, *, is_fixed: bool = False) -> bytes:
    """Return telegrams as a billing response of `size` octets; the last one is cut where it does not fit.

    Errors: ValueError for a telegram that is empty or too long for its length octet.
    """
    out = bytearray()
    for telegram in telegrams:
        ended = telegram + bytes(0 if is_fixed else _TERMINATOR)
        if not telegram or len(ended) > _MOST:
            raise ValueError(f"{len(telegram)} octets are no telegram")
        out += bytes([len(ended)]) + ended
    return bytes(out[:size]).ljust(size, b"\0")
