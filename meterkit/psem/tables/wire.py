"""The types that tables are written in: integers, and what ST0 selects.  Source: C12.19, "Built-in types"."""

from __future__ import annotations

from meterkit.codec.wire import (
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT24,
    INT32,
    INT40,
    INT48,
    INT64,
    UINT8,
    UINT16,
    UINT24,
    UINT32,
    UINT40,
    UINT48,
    UINT64,
    CharString,
    Chosen,
)
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.numbers import NI_FORMATS, Number, bcd_string
from meterkit.psem.tables.times import (
    DATES,
    LTIME_DATES,
    STIME_DATES,
    TIMES,
    MaybeDate,
    MaybeDatetime,
    MaybeTime,
)

__all__ = [
    "DATE",
    "FLOAT32",
    "FLOAT64",
    "INT8",
    "INT16",
    "INT24",
    "INT32",
    "INT40",
    "INT48",
    "INT64",
    "LTIME_DATE",
    "NI_FMAT1",
    "NI_FMAT2",
    "SERIAL_NUMBER",
    "STIME_DATE",
    "TIME",
    "UINT8",
    "UINT16",
    "UINT24",
    "UINT32",
    "UINT40",
    "UINT48",
    "UINT64",
    "Number",
]

NI_FMAT1: Chosen[Number] = Chosen("NI_FMAT1", GenConfig.ni_format1, NI_FORMATS)
NI_FMAT2: Chosen[Number] = Chosen("NI_FMAT2", GenConfig.ni_format2, NI_FORMATS)
LTIME_DATE: Chosen[MaybeDatetime] = Chosen("LTIME_DATE", GenConfig.tm_format, LTIME_DATES)
STIME_DATE: Chosen[MaybeDatetime] = Chosen("STIME_DATE", GenConfig.tm_format, STIME_DATES)
TIME: Chosen[MaybeTime] = Chosen("TIME", GenConfig.tm_format, TIMES)
DATE: Chosen[MaybeDate] = Chosen("DATE", GenConfig.tm_format, DATES)

#: A serial number of ST1: 16 characters, or 16 BCD digits in 8 octets, by ST0 ID_FORM.
SERIAL_NUMBER: Chosen[str] = Chosen("ID_FORM", GenConfig.id_form, {0: CharString(16), 1: bcd_string(8)})
