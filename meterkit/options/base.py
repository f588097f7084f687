"""What all options have in common: frozen models, checked at the door and never below it.

Times are seconds.  A secret shows in no repr, no error and no JSON, and no URL may carry one.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
Delay = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]


def _hidden(secret: bytes) -> str:
    """Return what JSON shows of a secret: that there is one."""
    return "**********"


Secret = Annotated[
    bytes | None,
    Field(repr=False),
    PlainSerializer(_hidden, return_type=str, when_used="json-unless-none"),
]


class Options(BaseModel):
    """Base of all options: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
