"""`meterkit psem write` and `meterkit psem procedure`: the verbs that change a meter."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.text import Text

from meterkit.cli.access import Access
from meterkit.cli.console import messages, screen
from meterkit.cli.meter import on_meter
from meterkit.cli.output import error_document, hex_dump, print_json
from meterkit.cli.running import FAILED, OK, say_error
from meterkit.cli.usage import UsageMistake, read_file
from meterkit.psem.client import PsemClient
from meterkit.psem.procedures import (
    ProcedureResponse,
    ProcedureResult,
    StandardProcedure,
    procedure_failure,
    procedure_name,
)
from meterkit.psem.tables import TableData


def write(
    url: str,
    table_id: int,
    access: Access,
    *,
    octets: bytes | None,
    file: Path | None,
    offset: int | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Write octets into a table, after a question unless `yes`."""
    if (octets is None) == (file is None):
        raise UsageMistake("say what to write, once: --hex 'aa bb' or --file FILE")
    if file is not None:
        octets = read_file(file)
    if not octets:
        raise UsageMistake("there is nothing to write: no octets were given")
    data = octets
    name = TableData(table_id, b"").display_name
    place = f"{len(data)} octets into {name}" + (f" at offset {offset}" if offset is not None else "")
    confirm(f"Write {place} of {url}?", yes)

    async def body(client: PsemClient) -> int:
        if offset is None:
            (await client.write_table(table_id, data)).unwrap()
        else:
            (await client.write_table_offset(table_id, offset, data)).unwrap()
        if as_json:
            print_json({"table": table_id, "name": name, "offset": offset or 0, "written": len(data)})
        else:
            screen().print(f"wrote {place}", markup=False)
        return OK

    return on_meter(url, access, body)


def procedure(
    url: str,
    number: int,
    access: Access,
    *,
    parameters: bytes,
    manufacturer: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Run a procedure, after a question unless `yes`; its own failure is exit status 1."""
    if manufacturer and isinstance(number, StandardProcedure):
        raise UsageMistake("a name means a standard procedure: give the manufacturer's by its number")
    name = procedure_name(number, manufacturer)
    confirm(f"Run {name} on {url}?", yes)

    async def body(client: PsemClient) -> int:
        execute = client.execute_manufacturer_procedure if manufacturer else client.execute_standard_procedure
        response = (await execute(number, parameters)).unwrap()
        failure = None
        if response.result is not ProcedureResult.COMPLETED:
            failure = procedure_failure(number, manufacturer, response.result)
        if as_json:
            document = {
                "procedure": int(number),
                "manufacturer": manufacturer,
                "name": name,
                "result": response.result,
                "code": int(response.result),
                "data": response.data,
            }
            print_json(document | (error_document(failure) if failure else {}))
        else:
            _show(name, response, is_completed=failure is None)
        if failure:
            say_error(str(failure))
        return FAILED if failure else OK

    return on_meter(url, access, body)


def _show(name: str, response: ProcedureResponse, *, is_completed: bool) -> None:
    """Show the answer; that it failed is the error's to tell."""
    count = len(response.data)
    answer = f"{count} octet{'' if count == 1 else 's'} of answer" if count else "no answer but that"
    if is_completed or count:
        screen().print(Text(f"{name}: {'completed, ' if is_completed else ''}{answer}"))
    for line in hex_dump(response.data):
        screen().print(Text(line))


def confirm(question: str, yes: bool) -> None:
    """Ask at the terminal; go on only after "yes" or "y"."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageMistake("this changes the meter: say --yes where nobody can be asked")
    console = messages()
    console.print(f"{question} [y/N] ", end="", markup=False)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageMistake("not confirmed: nothing was sent to the meter")
