"""Faults a test can order on a DLMS meter: plain numbers and switches, counted down as they strike."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Counter = Literal[
    "drop_frames",
    "corrupt_frames",
    "duplicate_frames",
    "unheard_frames",
    "unanswered",
    "untaken_keys",
    "bad_images",
]


class DlmsFaults(BaseModel):
    """What goes wrong next.  Zero, empty and False are a healthy meter on a good line.

    The object on `DlmsMeterEmulator.faults` may be changed at any time and acts at once.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    drop_frames: Count = 0  #: of the meter, that the line swallows
    corrupt_frames: Count = 0  #: of the meter, with one bit turned over
    duplicate_frames: Count = 0  #: of the meter, that arrive twice
    unheard_frames: Count = 0  #: good frames of the client that the meter does not hear
    unanswered: Count = 0  #: requests that are executed and never answered
    untaken_keys: Count = 0  #: changes of keys that are answered with success, and not made
    lost_blocks: frozenset[int] = (
        frozenset()
    )  #: numbers of general blocks that are lost once, then struck out
    lost_image_blocks: frozenset[int] = (
        frozenset()
    )  #: numbers of image blocks that are confirmed and not kept, once, then struck out
    bad_images: Count = 0  #: images that fail their verification
    silent: bool = False  #: the meter hears everything and sends nothing
    response_delay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0  #: s between request and answer

    def take(self, counter: Counter) -> bool:
        """Tell whether the fault strikes now, and count it down if so."""
        left: int = getattr(self, counter)
        if left:
            setattr(self, counter, left - 1)
        return left > 0

    def take_block(self, number: int) -> bool:
        """Tell whether general block `number` is lost now."""
        is_lost = number in self.lost_blocks
        if is_lost:
            self.lost_blocks = self.lost_blocks - {number}
        return is_lost

    def take_image_block(self, number: int) -> bool:
        """Tell whether image block `number` is lost now."""
        is_lost = number in self.lost_image_blocks
        if is_lost:
            self.lost_image_blocks = self.lost_image_blocks - {number}
        return is_lost
