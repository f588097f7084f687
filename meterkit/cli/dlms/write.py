"""`meterkit dlms set` and `meterkit dlms action`: the verbs that change a meter."""

from __future__ import annotations

from rich.text import Text

from meterkit.cli.console import screen, show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import dlms_address, on_dlms_meter
from meterkit.cli.dlms.typed import parse_value
from meterkit.cli.dlms.view import type_name, value_document, value_parts
from meterkit.cli.output import print_json
from meterkit.cli.psem.write import confirm
from meterkit.cli.running import OK
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.translate import object_name


def set_attribute(
    url: str, reference: AttributeDescriptor, value: str, access: DlmsAccess, *, yes: bool, as_json: bool
) -> int:
    """Write one attribute, after a question unless `yes`."""
    data = parse_value(value)
    dlms_address(url, access)  # a wrong address is told before the question
    confirm(f"Write {value} into {_named(reference)} of {url}?", yes)

    async def body(client: DlmsClient) -> int:
        written = await client.set_attribute(reference.class_id, reference.obis, reference.attribute, data)
        written.unwrap()
        if as_json:
            print_json({**_reference(reference), "type": type_name(data), "written": data})
        else:
            screen().print(f"wrote {value} into {_named(reference)}", markup=False)
        return OK

    return on_dlms_meter(url, access, body)


def action(
    url: str,
    reference: MethodDescriptor,
    parameters: str | None,
    access: DlmsAccess,
    *,
    yes: bool,
    as_json: bool,
) -> int:
    """Perform a method, after a question unless `yes`."""
    data = None if parameters is None else parse_value(parameters)
    dlms_address(url, access)
    given = "" if parameters is None else f" with {parameters}"
    confirm(f"Perform {_named(reference)}{given} on {url}?", yes)

    async def body(client: DlmsClient) -> int:
        answer = (await client.action(reference.class_id, reference.obis, reference.method, data)).unwrap()
        if as_json:
            print_json({**_reference(reference), **value_document(answer.data, answer.value)})
        elif answer.data is None:
            screen().print(f"performed {_named(reference)}; it returned nothing", markup=False)
        else:
            show(Text(f"performed {_named(reference)}; it returned"), *value_parts(answer.data))
        return OK

    return on_dlms_meter(url, access, body)


def _named(reference: AttributeDescriptor | MethodDescriptor) -> str:
    name = object_name(reference.obis)
    return f"{reference} ({name})" if name else str(reference)


def _reference(reference: AttributeDescriptor | MethodDescriptor) -> dict[str, object]:
    document: dict[str, object] = {"class_id": reference.class_id, "obis_code": str(reference.obis)}
    if isinstance(reference, AttributeDescriptor):
        return document | {"attribute": reference.attribute}
    return document | {"method": reference.method}
