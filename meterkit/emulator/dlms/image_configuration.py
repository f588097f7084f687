"""How the emulated meter takes firmware images: block size, and how long it is busy with them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from meterkit.options import Options

Busy = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]


class ImageConfiguration(Options):
    """Image transfer."""

    block_size: Annotated[int, Field(ge=1, le=0xFFFF)] = 128  #: octets
    is_enabled: bool = True  #: image_transfer_enabled, which clients may write
    largest: Annotated[int, Field(ge=1, le=1 << 24)] = 1 << 22  #: octets of an image
    verification_time: Busy = 0.0  #: s by the meter's clock; 0: image_verify answers when it is done
    activation_time: Busy = 0.0  #: s likewise
