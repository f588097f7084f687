"""What all options have in common: frozen models, checked at the door and never below it.

Times are seconds.  A secret shows in no repr and no error, and no URL may carry one.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
Delay = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]
Secret = Annotated[bytes | None, Field(repr=False)]


class Options(BaseModel):
    """Base of all options: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
