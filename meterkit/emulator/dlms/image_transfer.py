"""Image transfer: blocks are kept, verified and activated.  Source: Blue Book 4.4.6; general knowledge.

    initiate -> block transfer, in any order -> verify -> activate: the image's identifier is the firmware's

What takes its time answers temporary-failure at once and shows in image_transfer_status until it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.composite_types import array
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.push_and_image import (
    ImageBlock,
    ImageToActivate,
    ImageToTransfer,
    ImageTransferStatus,
)
from meterkit.emulator.dlms.cosem_object import ActionRefused, Attribute, Cell, CosemObject, Method, fixed
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.image_configuration import ImageConfiguration
from meterkit.emulator.dlms.typed_cell import TypedCell

Status = ImageTransferStatus
_NO_IMAGE = ImageToTransfer(b"", 0)
_INFO = array(ImageToActivate)


class ImageTransferObject:
    """Takes an image; `on_activated` is told the identifier of the one that is activated."""

    def __init__(
        self,
        configuration: ImageConfiguration,
        faults: Callable[[], DlmsFaults],
        now: Callable[[], datetime],
        on_activated: Callable[[bytes], None],
    ) -> None:
        self._configuration, self._faults, self._now = configuration, faults, now
        self._on_activated = on_activated
        self._image = TypedCell(ImageToTransfer, _NO_IMAGE)
        self._block = TypedCell(ImageBlock, ImageBlock(0, b""))
        self._enabled = Cell(axdr.encode_boolean(configuration.is_enabled))
        self._blocks: list[bytes | None] = []
        self._status = Status.NOT_INITIATED
        self._due: datetime | None = None  # when what is under way is over
        wide = axdr.encode_double_long_unsigned
        self.object = CosemObject(
            18,
            0,
            ObisCode.IMAGE_TRANSFER,
            {
                2: fixed(wide(configuration.block_size)),
                3: Attribute(lambda: axdr.encode_bit_string(self._bits())),
                4: Attribute(lambda: wide(self._first_missing())),
                5: self._enabled.writable,
                6: Attribute(lambda: axdr.encode_enum(self.status)),
                7: Attribute(lambda: _INFO.encode(self._ready())),
            },
            {
                1: Method(self._initiate),
                2: Method(self._take),
                3: Method(lambda _: self._verify()),
                4: Method(lambda _: self._activate()),
            },
        )

    @property
    def image(self) -> bytes:
        """What came so far; blocks that are missing are left out."""
        return b"".join(block for block in self._blocks if block is not None)

    @property
    def status(self) -> ImageTransferStatus:
        """How far it is, as of now."""
        if self._due is not None and self._now() >= self._due:
            self._due = None
            if self._status is Status.VERIFICATION_INITIATED:
                self._status = self._verdict()
            else:
                self._switch_over()
        return self._status

    # ---------------------------------------------------------------- blocks
    def _initiate(self, octets: bytes | None) -> None:
        image = self._image.parse(octets)
        self._must_be_enabled()
        if not 0 < image.image_size <= self._configuration.largest:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._image.value = image
        self._blocks = [None] * -(-image.image_size // self._configuration.block_size)
        self._status, self._due = Status.INITIATED, None

    def _take(self, octets: bytes | None) -> None:
        block = self._block.parse(octets)
        self._must_be_enabled()
        if self._status is not Status.INITIATED:
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        number = block.image_block_number
        if number >= len(self._blocks) or len(block.image_block_value) != self._length(number):
            raise ActionRefused(ActionResult.OTHER_REASON)
        if not self._faults().take_image_block(number):
            self._blocks[number] = block.image_block_value

    def _length(self, number: int) -> int:
        """Return the octets of a block: the last one has what is left."""
        size = self._configuration.block_size
        return min(size, self._image.value.image_size - number * size)

    def _bits(self) -> axdr.BitString:
        return axdr.BitString.from_text("".join("0" if block is None else "1" for block in self._blocks))

    def _first_missing(self) -> int:
        return self._blocks.index(None) if None in self._blocks else len(self._blocks)

    # ---------------------------------------------------------------- verification, activation
    def _verify(self) -> None:
        self._must_be_enabled()
        if self.status not in (Status.INITIATED, Status.VERIFICATION_SUCCESSFUL, Status.VERIFICATION_FAILED):
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        if self._configuration.verification_time:
            self._status = Status.VERIFICATION_INITIATED
            self._be_busy(self._configuration.verification_time)
        self._status = self._verdict()
        if self._status is Status.VERIFICATION_FAILED:
            raise ActionRefused(ActionResult.OTHER_REASON)

    def _verdict(self) -> ImageTransferStatus:
        is_good = self._first_missing() == len(self._blocks) and not self._faults().take("bad_images")
        return Status.VERIFICATION_SUCCESSFUL if is_good else Status.VERIFICATION_FAILED

    def _activate(self) -> None:
        self._must_be_enabled()
        if self.status is not Status.VERIFICATION_SUCCESSFUL:
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        if self._configuration.activation_time:
            self._status = Status.ACTIVATION_INITIATED
            self._be_busy(self._configuration.activation_time)
        self._switch_over()

    def _switch_over(self) -> None:
        self._status = Status.ACTIVATION_SUCCESSFUL
        self._on_activated(self._image.value.image_identifier)

    def _be_busy(self, seconds: float) -> None:
        self._due = self._now() + timedelta(seconds=seconds)
        raise ActionRefused(ActionResult.TEMPORARY_FAILURE)

    def _ready(self) -> tuple[ImageToActivate, ...]:
        if self.status not in (
            Status.VERIFICATION_SUCCESSFUL,
            Status.ACTIVATION_INITIATED,
            Status.ACTIVATION_SUCCESSFUL,
        ):
            return ()
        image = self._image.value
        return (ImageToActivate(image.image_size, image.image_identifier, b""),)

    def _must_be_enabled(self) -> None:
        if self._enabled.octets == axdr.encode_boolean(False):
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
