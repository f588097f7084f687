"""Buffers of three rows, a clock and a register, by other libraries; run in a process of its own."""

import json
from datetime import datetime, timedelta, timezone

BEGIN = datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=1)))
ROWS = [(BEGIN + timedelta(minutes=15) * number, 100 + number) for number in range(3)]


def gurux():
    from gurux_dlms.enums.DataType import DataType
    from gurux_dlms.GXByteBuffer import GXByteBuffer
    from gurux_dlms.GXDateTime import GXDateTime
    from gurux_dlms.internal._GXCommon import _GXCommon

    out = GXByteBuffer()
    out.setUInt8(DataType.ARRAY)
    out.setUInt8(len(ROWS))
    for time, value in ROWS:
        out.setUInt8(DataType.STRUCTURE)
        out.setUInt8(2)
        _GXCommon.setData(None, out, DataType.OCTET_STRING, GXDateTime(time))
        _GXCommon.setData(None, out, DataType.UINT32, value)
    return bytes(out.array())


def dlms_cosem():
    from dlms_cosem.dlms_data import DataArray, DataStructure, DoubleLongUnsignedData, OctetStringData
    from dlms_cosem.time import datetime_to_bytes

    rows = [
        DataStructure([OctetStringData(datetime_to_bytes(time)), DoubleLongUnsignedData(value)])
        for time, value in ROWS
    ]
    return bytes(DataArray(rows).to_bytes())


print(json.dumps({"gurux": gurux().hex(), "dlms-cosem": dlms_cosem().hex()}))
