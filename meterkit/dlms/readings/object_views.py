"""What a meter holds, read from the meter, or kept from an earlier run.

    0-0:42.0.0, 1-0:0.2.0, 0-0:96.2.0   which meter, which firmware, how often it was configured: one request
         as they were kept  ->  the view as it was kept, if its digest is right
         anything else      ->  the view is read, and kept

With short names the client has to read the list anyway, so that nothing is kept.
Source: Blue Book 4.4.3 (Association SN), 4.4.4 (Association LN); IEC 62056-61 (OBIS), configuration changes.
"""

from __future__ import annotations

import os
from typing import Final, TypeAlias

from anyio import to_thread

from meterkit.codec import axdr
from meterkit.dlms.cosem.data_and_registers import Data
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.object_list import (
    CURRENT_LN_ASSOCIATION,
    CURRENT_SN_ASSOCIATION,
    ObjectListElement,
    parse_object_list,
    parse_short_name_list,
    with_short_name_rights,
)
from meterkit.dlms.readings.meter import Meter, read_each, session_error, told
from meterkit.dlms.readings.object_cache import ObjectCache, ObjectFiles, Origin
from meterkit.errors import ProtocolFault, ends_session
from meterkit.result import Err, Ok, Result

_RIGHTS: Final = 3  # attribute of Association SN: access_rights_list
CONFIGURATION_CHANGES: Final = ObisCode(0, 0, 96, 2, 0)
_ASKED: Final = (ObisCode.LOGICAL_DEVICE_NAME, ObisCode.FIRMWARE_VERSION, CONFIGURATION_CHANGES)

View: TypeAlias = tuple[ObjectListElement, ...]
#: Where views are kept: a cache, or a folder for JSON files.
Kept: TypeAlias = "ObjectCache | str | os.PathLike[str]"


async def read_view(meter: Meter, cached: Kept | None = None, *, refresh: bool = False) -> Result[View]:
    """Return the association view.  Errors and Raises: see `DlmsClient.objects`."""
    if cached is None or meter.options.referencing == "short_name":
        return await _read(meter)
    cache = ObjectFiles(cached) if isinstance(cached, str | os.PathLike) else cached
    origin = await _origin(meter)
    if isinstance(origin, Err):
        return origin
    if origin.value is None:  # a meter without a name: nobody could tell whose view it is
        return await _read(meter)
    known = None if refresh else await to_thread.run_sync(cache.load, origin.value)
    if known is not None:
        return Ok(known)
    view = await _read(meter)
    if isinstance(view, Ok):
        await to_thread.run_sync(cache.save, origin.value, view.value)
    return view


async def _read(meter: Meter) -> Result[View]:
    short = meter.options.referencing == "short_name"
    where = CURRENT_SN_ASSOCIATION if short else CURRENT_LN_ASSOCIATION
    answer = await meter.get_attribute(where.class_id, where.obis, where.attribute)
    if isinstance(answer, Err):
        return answer
    try:
        view = (parse_short_name_list if short else parse_object_list)(answer.value.data)
    except ProtocolFault as odd:
        return Err(odd.error)
    return await _with_rights(meter, view) if short else Ok(view)


async def _with_rights(meter: Meter, view: View) -> Result[View]:
    """Return a view of short names with its rights, where the association tells them: from version 1 on."""
    answer = await meter.get_attribute(CURRENT_SN_ASSOCIATION.class_id, CURRENT_SN_ASSOCIATION.obis, _RIGHTS)
    if isinstance(answer, Err):
        return answer if ends_session(answer.error) else Ok(view)
    try:
        return Ok(with_short_name_rights(view, answer.value.data))
    except ProtocolFault:  # the objects are there all the same
        return Ok(view)


async def _origin(meter: Meter) -> Result[Origin | None]:
    answers = await read_each(meter, [Data(obis).value for obis in _ASKED])
    ended = session_error(answers)
    if ended is not None:
        return ended
    name, firmware, configuration = map(told, answers)
    if not isinstance(name, bytes | str) or not name:
        return Ok(None)
    options = meter.options
    return Ok(
        Origin(
            _hex(name) or "",
            options.client_address,
            options.server_address,
            _hex(firmware),
            None if configuration is None else str(configuration),
        )
    )


def _hex(value: axdr.Value) -> str | None:
    match value:
        case None:
            return None
        case bytes():
            return value.hex()
        case _:
            return str(value).encode().hex()
