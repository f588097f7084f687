"""How to talk to an EM1000, and over which serial port."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field, field_validator, model_validator

from meterkit.options.base import Options, Seconds
from meterkit.options.lines import SerialOptions

_UNPUBLISHED = ("baud_rate", "parity", "stop_bits")  # what nobody has told of the EM1000's port


class Em1000SerialOptions(SerialOptions):
    """A serial port with an EM1000's optical head on it: speed, parity and stop bits have no default.

    Source: docs/em1000.md; eight data bits are certain, since octets of 0x80 and more occur.
    """

    # Without the defaults of SerialOptions: that is what this class is for.
    baud_rate: Annotated[int, Field(ge=50, le=4_000_000)]  # pyright: ignore[reportGeneralTypeIssues]
    parity: Literal["N", "E", "O"]  # pyright: ignore[reportGeneralTypeIssues]
    stop_bits: Literal[1, 2]  # pyright: ignore[reportGeneralTypeIssues]

    @model_validator(mode="before")
    @classmethod
    def _says_how_fast(cls, values: object) -> object:
        given: object = values
        names = set(cast("dict[str, object]", given)) if isinstance(given, dict) else set(_UNPUBLISHED)
        if missing := [name for name in _UNPUBLISHED if name not in names]:
            raise ValueError(
                f"{', '.join(missing)} must be given: nobody has published an EM1000's speed, parity and "
                "stop bits, so there is no default; use what the meter's own software sets"
            )
        return values

    @field_validator("data_bits")
    @classmethod
    def _has_eight(cls, value: int) -> int:
        if value != 8:
            raise ValueError("an EM1000 talks with 8 data bits: octets of 0x80 and more were seen")
        return value


class Em1000Options(Options):
    """How to talk to an EM1000.  The times are our own choice: nobody has published the meter's.

    Nothing is ever sent twice, so there are no retries to set.
    """

    echo: bool = False  #: the head sends our own frames back: drop exactly those
    response_timeout: Seconds = 2.0  #: for the first octet of an answer, and again after noise
    idle_gap: Seconds = 0.5  #: of silence, after which a frame that is not whole is given up
    exchange_timeout: Seconds = 30.0  #: for one request with its answer, however slow and noisy
    open_attempts: Annotated[int, Field(ge=1, le=20)] = 1  #: tries to open the line, with backoff
