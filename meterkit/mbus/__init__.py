"""M-Bus application data: telegrams and records of EN 13757-3, both ways.  Pure: octets in, values out."""

from meterkit.mbus.encoder import (
    encode_fixed_telegram,
    encode_plain_text_record,
    encode_record,
    encode_telegram,
)
from meterkit.mbus.fixed import decode_fixed_telegram
from meterkit.mbus.header import DeviceStatus, Encryption, TelegramHeader
from meterkit.mbus.identity import manufacturer_letters, manufacturer_number, medium_name
from meterkit.mbus.record import DataRecord, Function, decode_records
from meterkit.mbus.telegram import Telegram, decode_telegram
from meterkit.mbus.units import Form, Meaning
from meterkit.mbus.values import DataField, Value

__all__ = [
    "DataField",
    "DataRecord",
    "DeviceStatus",
    "Encryption",
    "Form",
    "Function",
    "Meaning",
    "Telegram",
    "TelegramHeader",
    "Value",
    "decode_fixed_telegram",
    "decode_records",
    "decode_telegram",
    "encode_fixed_telegram",
    "encode_plain_text_record",
    "encode_record",
    "encode_telegram",
    "manufacturer_letters",
    "manufacturer_number",
    "medium_name",
]
