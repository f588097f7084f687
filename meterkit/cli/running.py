"""How a verb ends: its exit status, and its errors as one clear line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from meterkit.cli.output import error_document, json_line, safe_text
from meterkit.cli.usage import UsageMistake
from meterkit.errors import MeterError, MeterFailure

OK = 0
FAILED = 1  #: the meter or the line failed
WRONG_USAGE = 2
INTERRUPTED = 130  #: ended by Ctrl-C or SIGTERM, as shells count it: 128 + SIGINT


def run_verb(verb: Callable[[], int], *, as_json: bool) -> int:
    """Call `verb` and return the exit status; what it raises becomes one clear line on standard error.

    With `as_json` the error is a document on standard output as well.
    """
    try:
        status = verb()
        sys.stdout.flush()  # a full disk is found out here, not when the interpreter ends
        return status
    except UsageMistake as mistake:
        report("usage", str(mistake), as_json=as_json)
        return WRONG_USAGE
    except MeterFailure as failure:
        report_error(failure.error, as_json=as_json)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough: nothing is wrong with the meter.
        _silence_output()
        return OK
    except OSError as error:
        report_system(error, as_json=as_json)
        return FAILED


def report_system(error: OSError, *, as_json: bool) -> None:
    """Tell about a file or a disk; on standard error alone where standard output is what failed."""
    message = f"{error.filename or 'the output'}: {error.strerror or error}"
    try:
        report("system", message, as_json=as_json)
        sys.stdout.flush()
    except OSError:
        _silence_output()
        say_error(message)


def _silence_output() -> None:
    """Let what is still buffered for standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report_error(error: MeterError, *, as_json: bool) -> None:
    """Tell about a failed meter or line."""
    if as_json:
        print(json_line(error_document(error)), flush=True)
    say_error(str(error))


def report(kind: str, message: str, *, as_json: bool) -> None:
    """Tell about what is not the meter's fault: `kind` "usage" or "system"."""
    if as_json:
        print(json_line({"error": {"kind": kind, "message": message, "code": None, "where": ""}}), flush=True)
    say_error(message)


def say_error(message: str) -> None:
    """Print one line of error on standard error."""
    from meterkit.cli.console import messages

    console = messages()
    console.print("error:", style="bold red", end=" ")
    console.print(safe_text(message), markup=False)


def say_hint(message: str) -> None:
    """Print one line of advice on standard error."""
    from meterkit.cli.console import messages

    messages().print(safe_text(message), style="dim", markup=False)
