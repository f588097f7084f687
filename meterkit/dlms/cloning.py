"""What a meter shows, saved as a file that the emulator serves: every object, right and value.

    document = (await save_meter(client)).unwrap()        {"schema": "meterkit.meter/1", "objects": [...]}

With logical names the association tells the rights.  With short names its access_rights_list does, where it
may be read; else every declared attribute is tried.  Passwords and keys that a meter would show are not even
read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, cast

from meterkit.codec import axdr_json
from meterkit.codec.axdr_tags import Tag
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, DataAccessResult, Selection
from meterkit.dlms.attribute_data import AttributeData
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.access_control import Access
from meterkit.dlms.cosem.classes import class_for, versions_of
from meterkit.dlms.cosem.obis_words import explain
from meterkit.dlms.object_list import CURRENT_ASSOCIATION, ObjectListElement
from meterkit.dlms.secret_requests import is_secret
from meterkit.dlms.translate.words import octets_meaning
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, ends_session
from meterkit.result import Err, Ok, Result

SCHEMA: Final = "meterkit.meter/1"
_MANAGEMENT_CLIENT: Final = 1
_PROFILE, _BUFFER, _ENTRIES_IN_USE = 7, 2, 7  # class and attributes
_NAME, _NAME_HEAD = 1, b"\x09\x06"  # attribute; octet-string of a logical name
_VIEWS: Final = {15: (2,), 12: (2, 3)}  # attributes of the current association that follow from the objects
_SECRET: Final = "read-write-denied"
_LOWEST, _HIGHEST = -128, 127  # index of an attribute or method
_UNDECLARED: Final = 10  # attributes tried of a class that nobody declared
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class _Saved:
    """One object under way."""

    element: ObjectListElement
    values: dict[int, Result[AttributeData]] = field(default_factory=dict[int, Result[AttributeData]])


async def save_meter(
    client: DlmsClient,
    *,
    rows: int | None = None,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Result[dict[str, object]]:
    """Read all that an associated client may read, as a document for JSON.

    `rows`: of each profile only so many of the newest; None: all there are.  `progress` is told how many
    attributes are read, and of how many.  An attribute that is refused is saved as refused.

    Errors: whatever ended the session; those of `client.objects`.
    """
    view = await client.objects()
    if isinstance(view, Err):
        return view
    saved = [_Saved(element) for element in view.value]
    wanted = [(one, i) for one in saved for i in _readable(one.element) if not is_secret(_descriptor(one, i))]
    failed = await _read_all(client, wanted, rows, progress)
    if failed is not None:
        return Err(failed)
    told: dict[str, object] = {
        "schema": SCHEMA,
        "referencing": client.options.referencing,
        "saved": clock().astimezone(UTC).isoformat(timespec="seconds"),
        "client": client.options.client_address,
        "writer": "manager" if client.options.client_address == _MANAGEMENT_CLIENT else "public",
        "objects": [_object(one) for one in saved],
    }
    return Ok(told)


# ---------------------------------------------------------------- reading
async def _read_all(
    client: DlmsClient, wanted: list[tuple[_Saved, int]], rows: int | None, progress: Progress | None
) -> MeterError | None:
    """Read what is wanted into the objects; return what ended the session, if anything did."""
    buffers = [(one, i) for one, i in wanted if (one.element.class_id, i) == (_PROFILE, _BUFFER)]
    others = [pair for pair in wanted if pair not in buffers]
    stream = client.get_attribute_list(_descriptor(one, index) for one, index in others)
    done = 0
    for one, index in others:
        result = await anext(stream)
        done += 1
        if isinstance(result, Err) and ends_session(result.error):
            return result.error
        one.values[index] = result
        if progress is not None:
            progress(done, len(wanted))
    for one, index in buffers:
        result = await client.get_attribute(_PROFILE, one.element.obis, index, _newest(one, rows))
        done += 1
        if isinstance(result, Err) and ends_session(result.error):
            return result.error
        one.values[index] = result
        if progress is not None:
            progress(done, len(wanted))
    return None


def _descriptor(one: _Saved, index: int) -> AttributeDescriptor:
    return AttributeDescriptor(one.element.class_id, one.element.obis, index)


def _newest(one: _Saved, rows: int | None) -> Selection | None:
    in_use = one.values.get(_ENTRIES_IN_USE)
    if rows is None or not isinstance(in_use, Ok) or not isinstance(in_use.value.value, int):
        return None
    last = in_use.value.value
    return Selection.by_entry(last - rows + 1, last) if last > rows else None


def _readable(element: ObjectListElement) -> list[int]:
    """Return the attributes to be read; those in the view, or all that the class declares."""
    if element.attribute_access:
        told = sorted(element.attribute_access)
        return [index for index in told if _has_name(element, index) and element.is_readable(index)]
    declared = class_for(element.class_id, element.version).attributes
    if not declared and (known := versions_of(element.class_id)):
        declared = known[-1].attributes
    return sorted(declared) or list(range(1, _UNDECLARED + 1))


# ---------------------------------------------------------------- writing down
def _object(one: _Saved) -> dict[str, object]:
    element = one.element
    told: dict[str, object] = {
        "class_id": element.class_id,
        "version": element.version,
        "obis": str(element.obis),
    }
    if name := str(explain(element.obis)):
        told["name"] = name
    if element.base_name is not None:
        told["base_name"] = element.base_name
    indices = [i for i in sorted({*element.attribute_access, *one.values}) if _has_name(element, i)]
    attributes = {str(index): _attribute(one, index) for index in indices if not _is_absent(one, index)}
    methods = {
        str(index): {"access": _words(rights, "execute")}
        for index, rights in element.method_access.items()
        if _has_name(element, index)
    }
    return told | {"attributes": attributes} | ({"methods": methods} if methods else {})


def _has_name(element: ObjectListElement, index: int) -> bool:
    """Tell whether an index names one attribute or method: negative ones, the manufacturer's, by LN only."""
    return 0 < index <= _HIGHEST or (element.base_name is None and _LOWEST <= index < 0)


def _is_absent(one: _Saved, index: int) -> bool:
    """Tell whether an attribute was only tried, and is not there."""
    return index not in one.element.attribute_access and not isinstance(one.values.get(index), Ok)


def _attribute(one: _Saved, index: int) -> dict[str, object]:
    element = one.element
    rights = element.attribute_access.get(index, Access.READ)
    told: dict[str, object] = {"access": _words(rights, "read")}
    if index in element.selectors:
        told["selectors"] = list(element.selectors[index])
    result = one.values.get(index)
    if element.obis == CURRENT_ASSOCIATION and index in _VIEWS.get(element.class_id, ()):
        return told  # it says what stands in the file anyway
    if is_secret(_descriptor(one, index)):
        return told | {"refused": _SECRET}
    match result:
        case None:
            return told
        case Ok(data) if index == _NAME and data.data == _NAME_HEAD + element.obis.to_bytes():
            return told
        case Ok(data):
            return told | _value(data.data, is_explained=(element.class_id, index) != (_PROFILE, _BUFFER))
        case Err(error):
            return told | {"refused": _refusal(error)}


def _words(rights: Access, first: str) -> list[str]:
    words = [first] if rights & 1 else []
    words += [(bit.name or "").lower() for bit in Access if bit > 1 and bit & rights]
    return words


def _value(octets: bytes, *, is_explained: bool) -> dict[str, object]:
    """Return a value with its type; what would not come back octet for octet as octets."""
    try:
        told = axdr_json.to_json(octets)
        if axdr_json.from_json(told) == octets:
            return {"value": _explained(told) if is_explained else told}
    except (ProtocolFault, ValueError):
        pass
    return {"octets": octets.hex()}


def _explained(told: dict[str, object]) -> dict[str, object]:
    """Return a value with what its octet-strings look like, for whoever edits the file."""
    value = told.get("value")
    if isinstance(value, list):
        items = [_explained(item) for item in cast("list[dict[str, object]]", value)]
        return told | {"value": items}
    if told["type"] == Tag.OCTET_STRING.words and (meaning := octets_meaning(bytes.fromhex(str(value)))):
        return told | {"meaning": meaning}
    return told


def _refusal(error: MeterError) -> str:
    known = {result.standard_name for result in DataAccessResult}
    code = error.code if error.kind is ErrorKind.REFUSED else None
    name = DataAccessResult(code).standard_name if isinstance(code, int) and 0 < code <= 0xFF else ""
    return name if name in known else DataAccessResult.OTHER_REASON.standard_name
