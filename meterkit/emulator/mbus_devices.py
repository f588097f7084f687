"""ET16: the devices behind the emulated meter: a water meter, a gas meter, two more, and an MEP device.

    entry 0   water, two telegrams                    entry 1   gas, volume of the load profile's gas source
    entry 2   heat, encrypted, and nobody has the key entry 3   an old water meter's fixed data structure
    entry 4   an MEP device                           entry 5   from firmware 4.0 on: nothing yet

All were last read at the last full hour.  Source: OSGP guide, ET16; EN 13757-3 through `meterkit.mbus`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from meterkit.codec.layout import Context, InvalidTime
from meterkit.emulator.household import INSTALLED, Household
from meterkit.emulator.load_profile import local_time
from meterkit.mbus import (
    DataField,
    DeviceStatus,
    Encryption,
    TelegramHeader,
    encode_fixed_telegram,
    encode_record,
    encode_telegram,
)
from meterkit.psem.tables.numbers import scaled
from meterkit.psem.tables.osgp.mbus import (
    MBUS_DEVICES,
    MbusDevice,
    MepDevice,
    MepDeviceData,
    encode_billing_response,
)
from meterkit.psem.tables.osgp.mfg_dimension import MfgDimension

_HEAD_SIZE, _MEP_HEAD_SIZE = 7, 11  # octets of an entry before its telegrams, its data
_FIXED, _NO_KEY_NEEDED = 1 << 1, 1 << 2  # response info
_WATER, _GAS, _HEAT = 0x07, 0x03, 0x04  # media
_MODE_5_TWO_BLOCKS = 0x0520  # signature: AES-128-CBC over two blocks of 16 octets
_LITRES = 0x29  # unit of a fixed data structure: dm3
_STORED_LITRES = 0x3E  # the same unit, at a fixed date
_MEP_DATA = b"MEP device 1, state ok"
_NO_TIME = InvalidTime(bytes(6))


class MbusDevices:
    """What the M-Bus and MEP devices last said."""

    def __init__(self, household: Household, context: Context, dimension: MfgDimension) -> None:
        self._household = household
        self._layout = MepDeviceData.resolve(context.with_(dimension))
        self._nbr_mep_devices = dimension.nbr_of_devices - MBUS_DEVICES
        self._size = dimension.data_entry_size

    def image(self, now: datetime) -> bytes:
        """Encode ET16 as it stands at `now`, UTC."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        month = max(hour.replace(day=1, hour=0), INSTALLED)
        read_count = int((hour - INSTALLED) / timedelta(hours=1)) & 0xFFFF
        devices = (
            self._device(hour, self._water(hour, month, read_count)),
            self._device(hour, self._gas(hour, month, read_count)),
            self._device(hour, self._heat(hour, read_count), info=0),
            self._device(hour, self._old_water(hour, month, read_count), info=_FIXED | _NO_KEY_NEEDED),
        )
        mep = [self._mep_device(hour, read_count), *[self._no_mep_device()] * self._nbr_mep_devices]
        return self._layout.encode(
            MepDeviceData(mbus_devices=devices, mep_devices=tuple(mep[: self._nbr_mep_devices]))
        )

    def _device(self, hour: datetime, telegrams: list[bytes], info: int = _NO_KEY_NEEDED) -> MbusDevice:
        size = self._size - _HEAD_SIZE
        response = encode_billing_response(telegrams, size, is_fixed=bool(info & _FIXED))
        return MbusDevice(timestamp=local_time(hour), response_info=info, billing_response=response)

    def _water(self, hour: datetime, month: datetime, access: int) -> list[bytes]:
        header = _header("20260017", _WATER, access, "water", status=0)
        first = [
            _volume(self._household.water(hour), DataField.BCD8),
            encode_record(local_time(hour), DataField.INT32, "date and time"),
        ]
        second = [
            _volume(self._household.water(month), DataField.BCD8, storage=1),
            encode_record(local_time(month).date(), DataField.INT16, "date", storage=1),
        ]
        return [encode_telegram(header, first), encode_telegram(header, second)]

    def _gas(self, hour: datetime, month: datetime, access: int) -> list[bytes]:
        header = _header("20260042", _GAS, access, "gas", status=4)  # power low
        temperature = scaled(int(80 + 100 * self._household.noise("gas temperature", hour.hour)), -1)
        records = [
            _volume(self._household.gas(hour), DataField.INT32),
            encode_record(temperature, DataField.INT16, "flow temperature", "°C", -1),
            _volume(self._household.gas(month), DataField.INT32, storage=1),
        ]
        return [encode_telegram(header, records)]

    def _heat(self, hour: datetime, access: int) -> list[bytes]:
        """Return a telegram whose records nobody here can read: they stand for any ciphertext."""
        header = _header("20260099", _HEAT, access, "heat", status=0, encryption=_MODE_5_TWO_BLOCKS)
        noise = (self._household.noise("heat", hour.isoformat(), i) for i in range(32))
        return [encode_telegram(header, [bytes(int(256 * value) for value in noise)])]

    def _old_water(self, hour: datetime, month: datetime, access: int) -> list[bytes]:
        header = TelegramHeader(
            "00987654", "", None, "water", _WATER, access & 0xFF, DeviceStatus(0, is_fixed=True)
        )
        now, then = (self._household.water(time) // 3 for time in (hour, month))
        return [encode_fixed_telegram(header, (_LITRES, _STORED_LITRES), (now, then))]

    def _mep_device(self, hour: datetime, read_count: int) -> MepDevice:
        space = _MEP_DATA.ljust(self._size - _MEP_HEAD_SIZE, b"\0")
        return MepDevice(
            timestamp=local_time(hour),
            response_info=0,
            read_count=read_count,
            length=len(_MEP_DATA),
            space=space,
        )

    def _no_mep_device(self) -> MepDevice:
        space = bytes(self._size - _MEP_HEAD_SIZE)
        return MepDevice(timestamp=_NO_TIME, response_info=0, read_count=0, length=0, space=space)


def _header(
    identification: str, medium_code: int, access: int, medium: str, *, status: int, encryption: int = 0
) -> TelegramHeader:
    return TelegramHeader(
        identification,
        "MKT",
        1,
        medium,
        medium_code,
        access & 0xFF,
        DeviceStatus(status),
        Encryption(encryption),
    )


def _volume(litres: int, field: DataField, storage: int = 0) -> bytes:
    return encode_record(scaled(litres, -3), field, "volume", "m3", -3, storage=storage)
