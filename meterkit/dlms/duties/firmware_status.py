"""How far a firmware update is: what the meter tells, what is shown meanwhile, what came of it.

image_transfer_status    not initiated -> initiated -> verification .. -> activation ..
transferred blocks       1 1 1 0 1 ...    bit n: block n is there

Source: Blue Book 4.4.6 (Image transfer).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from meterkit.codec.axdr import BitString
from meterkit.dlms.cosem.push_and_image import ImageToActivate, ImageTransfer, ImageTransferStatus
from meterkit.dlms.readings.meter import Meter, read_told
from meterkit.result import Err, Ok, Result


class FirmwarePhase(Enum):
    """What an update is busy with."""

    PREPARING = "preparing"  #: is it enabled, how long is a block, how far did an earlier run come
    TRANSFERRING = "transferring"
    CHECKING = "checking"  #: which blocks the meter lacks
    VERIFYING = "verifying"
    ACTIVATING = "activating"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class FirmwareProgress:
    """Where an update stands."""

    phase: FirmwarePhase
    octets: int  #: of the image, that the meter has
    total_octets: int
    blocks: int  #: that the meter has
    total_blocks: int  #: 0 while the length of a block is not known


@dataclass(frozen=True, slots=True)
class FirmwareStatus:
    """What the meter tells of image transfers; None where it does not tell."""

    status: ImageTransferStatus | None
    is_enabled: bool | None
    block_size: int | None  #: octets
    first_missing_block: int | None
    blocks: BitString | None  #: bit n: block n is there
    images: tuple[ImageToActivate, ...] | None  #: that were transferred whole


@dataclass(frozen=True, slots=True)
class FirmwareReport:
    """What came of an update that did not fail."""

    status: ImageTransferStatus | None  #: at the end; None where the meter does not tell
    blocks: int  #: of the image
    blocks_sent: int  #: in this run, those sent again counted again
    images: tuple[ImageToActivate, ...] | None  #: that the meter has for activation
    is_activated: bool  #: whether the meter was asked to use it, and said that it does


async def read_firmware_status(meter: Meter, transfer: ImageTransfer) -> Result[FirmwareStatus]:
    """Read how far a transfer is.  Errors: see `DlmsClient.firmware_status`."""
    values = await read_told(
        meter,
        [
            transfer.image_transfer_status,
            transfer.image_transfer_enabled,
            transfer.image_block_size,
            transfer.image_first_not_transferred_block_number,
            transfer.image_transferred_blocks_status,
            transfer.image_to_activate_info,
        ],
    )
    if isinstance(values, Err):
        return values
    return Ok(FirmwareStatus(*values.value))
