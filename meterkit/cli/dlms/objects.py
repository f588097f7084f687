"""`meterkit dlms objects`: the association view, every object with its class, name and rights."""

from __future__ import annotations

from collections.abc import Mapping

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.grid import make_grid
from meterkit.cli.output import flag_names, print_json
from meterkit.cli.running import OK
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.object_list import Access, ObjectListElement
from meterkit.dlms.translate import class_name, object_name

_HEADS = ("class", "version", "object", "~interface class", "~name", "~attributes", "~methods", "short name")
_PROTECTION = ("AUTHENTICATED_REQUEST", "ENCRYPTED_REQUEST", "SIGNED_REQUEST")


def objects(url: str, access: DlmsAccess, class_id: int | None, *, as_json: bool) -> int:
    """Read the list of objects and show those of `class_id`, or all."""

    async def body(client: DlmsClient) -> int:
        found = (await client.objects()).unwrap()
        wanted = [one for one in found if class_id is None or one.class_id == class_id]
        if as_json:
            print_json({"count": len(wanted), "objects": [_document(one) for one in wanted]})
        else:
            show(make_grid(_HEADS, map(_row, wanted)))
        return OK

    return on_dlms_meter(url, access, body)


def _document(element: ObjectListElement) -> dict[str, object]:
    document: dict[str, object] = {
        "class_id": element.class_id,
        "class_name": class_name(element.class_id) or None,
        "version": element.version,
        "obis_code": str(element.obis),
        "name": object_name(element.obis) or None,
    }
    if element.base_name is not None:
        return document | {"base_name": element.base_name}
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
