"""`meterkit dlms objects`: the association view, every object with its class, name and rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.grid import make_grid
from meterkit.cli.output import flag_names, print_json
from meterkit.cli.running import OK
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.access_control import Access
from meterkit.dlms.cosem.declare import AttributeRef, MethodRef
from meterkit.dlms.cosem.obis_words import explain as explain_obis
from meterkit.dlms.object_list import ObjectListElement
from meterkit.dlms.translate import class_name, object_name
from meterkit.dlms.typed_objects import TypedObject, object_for, typed_objects

_HEADS = ("class", "version", "object", "~interface class", "~name", "~attributes", "~methods", "short name")
_PROTECTION = ("AUTHENTICATED_REQUEST", "ENCRYPTED_REQUEST", "DIGITALLY_SIGNED_REQUEST")


def objects(
    url: str,
    access: DlmsAccess,
    class_id: int | None,
    *,
    explain: bool = False,
    cache: Path | None = None,
    as_json: bool,
) -> int:
    """Read the list of objects, or take it from `cache`, and show those of `class_id`, or all."""

    async def body(client: DlmsClient) -> int:
        found = (await client.objects(cache)).unwrap()
        wanted = [one for one in found if class_id is None or one.class_id == class_id]
        if as_json:
            document = explained_document if explain else _document
            print_json({"count": len(wanted), "objects": [document(one) for one in wanted]})
        elif explain:
            for one in typed_objects(wanted):
                show(*explained(one))
        else:
            show(make_grid(_HEADS, map(_row, wanted)))
        return OK

    return on_dlms_meter(url, access, body)


def explained_document(element: ObjectListElement) -> dict[str, object]:
    """Return what `_document` has, with the groups of the name in words and the attributes by name."""
    words, obj = explain_obis(element.obis), object_for(element)
    return _document(element) | {
        "explained": {
            "medium": words.medium,
            "channel": words.channel or None,
            "quantity": words.quantity or None,
            "processing": words.processing or None,
            "tariff": words.tariff or None,
            "billing_period": words.billing_period or None,
        },
        "attribute_names": {str(index): _name(obj.attribute_ref(index)) for index in obj.attributes},
        "method_names": {str(index): _name(obj.method_ref(index)) for index in obj.methods},
    }


def explained(one: TypedObject) -> Iterator[Text]:
    """Yield an object: its name group by group in words, its attributes and methods with their rights."""
    element, obj, words = one.rights, one.object, one.words
    title = Text(str(element.obis), style="bold")
    title.append(
        f"  class {element.class_id} version {element.version}, {class_name(element.class_id) or 'unknown'}"
    )
    yield title
    groups = {
        "A medium": words.medium,
        "B channel": words.channel,
        "C quantity": words.quantity,
        "D processing": words.processing,
        "E tariff": words.tariff,
        "F billing period": words.billing_period,
    }
    yield Text("  " + "; ".join(f"{name}: {told}" for name, told in groups.items() if told), style="dim")
    for index in sorted({*element.attribute_access} or {*obj.attributes}):
        letters = _letters(element.attribute_access.get(index, Access.NONE), is_method=False)
        told = letters or ("-" if element.has_rights else "not told")
        yield Text(f"  {index:>3}  {told:<8}  {_name(obj.attribute_ref(index))}")
    for index in sorted({*element.method_access} or {*obj.methods}):
        letters = _letters(element.method_access.get(index, Access.NONE), is_method=True)
        told = letters or ("-" if element.has_rights else "not told")
        yield Text(f"  {index:>3}  {told:<8}  {_name(obj.method_ref(index))}()")


def _name(ref: AttributeRef[Any] | MethodRef[Any, Any]) -> str:
    """Return the name of an attribute or method without its class's."""
    return ref.name.partition(".")[2]


def _document(element: ObjectListElement) -> dict[str, object]:
    document: dict[str, object] = {
        "class_id": element.class_id,
        "class_name": class_name(element.class_id) or None,
        "version": element.version,
        "obis_code": str(element.obis),
        "name": object_name(element.obis) or None,
    }
    if element.base_name is not None:
        document["base_name"] = element.base_name
    if not element.has_rights:
        return document
    return document | {
        "attributes": {
            str(number): flag_names(rights) for number, rights in sorted(element.attribute_access.items())
        },
        "methods": {
            str(number): [name.replace("read", "execute") for name in flag_names(rights)]
            for number, rights in sorted(element.method_access.items())
        },
        "selectors": {str(number): list(chosen) for number, chosen in element.selectors.items()},
    }


def _row(element: ObjectListElement) -> tuple[str, ...]:
    return (
        str(element.class_id),
        str(element.version),
        str(element.obis),
        class_name(element.class_id) or "-",
        object_name(element.obis) or "-",
        _rights(element.attribute_access, is_method=False) or "-",
        _rights(element.method_access, is_method=True) or "-",
        "-" if element.base_name is None else f"0x{element.base_name:04X}",
    )


def _rights(rights: Mapping[int, Access], *, is_method: bool) -> str:
    """Return "1-3 r, 4 rw" for attributes, "1-2 x" for methods; what may not be touched is left out."""
    spans: list[tuple[int, int, str]] = []
    for number, access in sorted(rights.items()):
        letters = _letters(access, is_method)
        if not letters:
            continue
        if spans and spans[-1][1] == number - 1 and spans[-1][2] == letters:
            spans[-1] = (spans[-1][0], number, letters)
        else:
            spans.append((number, number, letters))
    return ", ".join(
        f"{first}-{last} {letters}" if last > first else f"{first} {letters}"
        for first, last, letters in spans
    )


def _letters(access: Access, is_method: bool) -> str:
    """Return r, w, rw or x; with * where the request has to be protected."""
    if is_method:
        letters = "x" if access & Access.EXECUTE else ""
    else:
        letters = ("r" if access & Access.READ else "") + ("w" if access & Access.WRITE else "")
    is_protected = any(Access[name] & access for name in _PROTECTION)
    return letters + "*" if letters and is_protected else letters
