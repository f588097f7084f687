"""A firmware update: an image goes over block by block, is verified, and activated if that is wanted.

    enabled? block size? -> initiate -> blocks -> which are missing? -> those -> verify -> (activate)
                            once                                             once      once

What takes its time is asked about, never asked for again.  A session that is lost leaves the meter where it
was: another run with `resume` goes on from there.

Source: Blue Book 4.4.6 (Image transfer, and the process in its steps 1 to 7).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from meterkit.codec.axdr import BitString
from meterkit.dlms.apdu.results import ActionResult
from meterkit.dlms.cosem.push_and_image import (
    ImageBlock,
    ImageToActivate,
    ImageToTransfer,
    ImageTransfer,
    ImageTransferStatus,
)
from meterkit.dlms.duties.firmware_status import (
    FirmwarePhase,
    FirmwareProgress,
    FirmwareReport,
    FirmwareStatus,
    read_firmware_status,
)
from meterkit.dlms.readings.meter import Meter
from meterkit.errors import ErrorKind, MeterError, ends_session
from meterkit.result import Err, Ok, Result

ROUNDS: Final = 8  # times that missing blocks are sent; each has to leave fewer than the one before
POLL_INTERVAL: Final = 5.0  # s between two looks at a verification or an activation
PATIENCE: Final = 600.0  # s that either may take
_BUSY: Final = 1.0  # s; a block was refused for the time being
_SHOWN: Final = 8  # missing blocks that a message names

_TEMPORARY_FAILURE: Final = int(ActionResult.TEMPORARY_FAILURE)

Pause = Callable[[float], Awaitable[None]]
Show = Callable[[FirmwareProgress], None]
Status = ImageTransferStatus


@dataclass(frozen=True, slots=True)
class FirmwareWish:
    """What is to be done.

    Raises: ValueError for an image that is empty or longer than 32 bits tell, and a patience below 0.
    """

    image: bytes
    identifier: bytes  #: as the maker of the image names it
    activate: bool = False
    resume: bool = False  #: go on with what an earlier run of the same image left
    patience: float = PATIENCE  #: s for a verification, and for an activation

    def __post_init__(self) -> None:
        if not 0 < len(self.image) < 1 << 32:
            raise ValueError(f"an image has 1 to {(1 << 32) - 1} octets, not {len(self.image)}")
        if not self.patience >= 0:  # nor what is no number: nothing would ever be later
            raise ValueError(f"patience {self.patience:g}: 0 s or more expected")


class FirmwareUpdate:
    """One run.  `pause` waits without holding the line; `show` is told of every step."""

    def __init__(
        self, meter: Meter, transfer: ImageTransfer, wish: FirmwareWish, pause: Pause, show: Show | None
    ) -> None:
        self._meter, self._transfer, self._wish = meter, transfer, wish
        self._pause, self._show = pause, show
        self._size = 0  # octets of a block
        self._count = 0  # blocks
        self._there = 0  # blocks that the meter has
        self._sent = 0

    async def run(self) -> Result[FirmwareReport]:
        """Update, and return what came of it.  Errors: see `DlmsClient.update_firmware`."""
        self._tell(FirmwarePhase.PREPARING)
        begun = await self._begin()
        if isinstance(begun, Err):
            return begun
        status = begun.value
        if status is Status.INITIATED:
            moved = await self._transfer_image()
            if isinstance(moved, Err):
                return moved
            verified = await self._verify()
        elif status is Status.VERIFICATION_INITIATED:
            verified = await self._settled(FirmwarePhase.VERIFYING)
        else:
            verified = Ok(status)
        if isinstance(verified, Err):
            return verified
        return await self._finish(verified.value)

    # ---------------------------------------------------------------- beginning
    async def _begin(self) -> Result[Status]:
        """Return where to go on: INITIATED to send blocks, or what an earlier run came to."""
        read = await read_firmware_status(self._meter, self._transfer)
        if isinstance(read, Err):
            return read
        told = read.value
        if told.is_enabled is False:
            return self._err(ErrorKind.STATE, "image_transfer_enabled (attribute 5) is false: set it first")
        if not told.block_size:
            came = "none" if told.block_size is None else "0"
            return self._err(ErrorKind.PROTOCOL, f"image_block_size (attribute 2): {came} came")
        self._size = told.block_size
        self._count = -(-len(self._wish.image) // self._size)
        if self._wish.resume and told.status is not None:
            going_on = self._where_it_stopped(told, told.status)
            if going_on is not None:
                return going_on
        return await self._initiate()

    def _where_it_stopped(self, told: FirmwareStatus, status: Status) -> Result[Status] | None:
        """Return the status that an earlier run of this image left; None to begin anew."""
        match status:
            case Status.INITIATED if told.blocks is not None and not self._has_as_many(told.blocks):
                return self._err(
                    ErrorKind.STATE,
                    f"the meter waits for {len(told.blocks)} blocks, this image has {self._count} of "
                    f"{self._size} octets: another one was begun; without resume a new transfer begins",
                )
            case Status.INITIATED | Status.VERIFICATION_INITIATED:
                return Ok(status)
            case Status.VERIFICATION_SUCCESSFUL | Status.ACTIVATION_INITIATED | Status.ACTIVATION_SUCCESSFUL:
                return self._what_is_done(told, status)
            case _:
                return None

    def _what_is_done(self, told: FirmwareStatus, status: Status) -> Result[Status] | None:
        """Return a status that is this image's: by its identifier or, without one, by its blocks."""
        if told.images:
            return Ok(status) if self._is_among(told.images) else None
        if told.blocks:
            return Ok(status) if self._has_as_many(told.blocks) else None
        message = f"image_transfer_status is {status.words}, and the meter does not tell of which image: "
        return self._err(
            ErrorKind.STATE, message + "look at its firmware; without resume a new transfer begins"
        )

    def _has_as_many(self, blocks: BitString) -> bool:
        """Tell whether a row of bits is this image's; some meters fill up the last octet."""
        return 0 <= len(blocks) - self._count < 8

    async def _initiate(self) -> Result[Status]:
        image = ImageToTransfer(self._wish.identifier, len(self._wish.image))
        answer = await self._meter.call(self._transfer.image_transfer_initiate, image)
        if isinstance(answer, Err) and not _is_busy(answer.error):
            return answer
        if isinstance(answer, Err):  # it makes room first
            return await self._poll({Status.INITIATED}, set())
        return Ok(Status.INITIATED)

    # ---------------------------------------------------------------- blocks
    async def _transfer_image(self) -> Result[None]:
        missing: Sequence[int] = range(self._count)
        if self._wish.resume:
            left = await self._missing()
            if isinstance(left, Err):
                return left
            missing = missing if left.value is None else left.value
        for _ in range(ROUNDS):
            if not missing:
                return Ok(None)
            sent = await self._send(missing)
            if isinstance(sent, Err):
                return sent
            self._tell(FirmwarePhase.CHECKING)
            left = await self._missing()
            if isinstance(left, Err):
                return left
            if left.value is None:  # it does not tell: its confirmations have to do
                return Ok(None) if not sent.value else self._incomplete(sent.value)
            if len(left.value) >= len(missing):
                return self._incomplete(left.value)
            missing = left.value
        return self._incomplete(missing) if missing else Ok(None)

    async def _send(self, blocks: Sequence[int]) -> Result[list[int]]:
        """Send blocks, each once; return those the meter had no time for."""
        self._there = self._count - len(blocks)
        refused: list[int] = []
        for number in blocks:
            self._tell(FirmwarePhase.TRANSFERRING)
            at = number * self._size
            block = ImageBlock(number, self._wish.image[at : at + self._size])
            answer = await self._meter.call(self._transfer.image_block_transfer, block)
            self._sent += 1
            if isinstance(answer, Ok):
                self._there += 1
            elif _is_busy(answer.error):
                refused.append(number)
                await self._pause(_BUSY)
            else:
                return Err(answer.error.at(f"block {number} of {self._count}"))
        self._tell(FirmwarePhase.TRANSFERRING)
        return Ok(refused)

    async def _missing(self) -> Result[list[int] | None]:
        """Return the blocks that the meter lacks; None where it does not tell."""
        bits = await self._meter.get(self._transfer.image_transferred_blocks_status)
        if isinstance(bits, Ok):
            told = [*bits.value][: self._count]
            there = told + [False] * (self._count - len(told))
            return Ok([number for number, is_there in enumerate(there) if not is_there])
        if ends_session(bits.error):
            return bits
        first = await self._meter.get(self._transfer.image_first_not_transferred_block_number)
        if isinstance(first, Ok):
            return Ok([*range(min(first.value, self._count), self._count)])
        return first if ends_session(first.error) else Ok(None)

    def _incomplete(self, missing: Sequence[int]) -> Err:
        shown = ", ".join(map(str, missing[:_SHOWN])) + (", ..." if len(missing) > _SHOWN else "")
        message = f"{len(missing)} of {self._count} blocks are missing although they were sent: {shown}"
        return self._err(ErrorKind.PROTOCOL, message)

    # ---------------------------------------------------------------- verification, activation
    async def _verify(self) -> Result[Status]:
        self._tell(FirmwarePhase.VERIFYING)
        answer = await self._meter.call(self._transfer.image_verify)
        if isinstance(answer, Err) and not _is_busy(answer.error):
            return answer
        return await self._settled(FirmwarePhase.VERIFYING, is_done=isinstance(answer, Ok))

    async def _finish(self, status: Status) -> Result[FirmwareReport]:
        self._there = self._count
        images = await self._meter.get(self._transfer.image_to_activate_info)
        if isinstance(images, Err) and ends_session(images.error):
            return images
        found = images.value if isinstance(images, Ok) else None
        if self._wish.activate and status is not Status.ACTIVATION_SUCCESSFUL:
            activated = await self._activate(status, found)
            if isinstance(activated, Err):
                return activated
            status = activated.value
        self._tell(FirmwarePhase.DONE)
        done = self._wish.activate or status is Status.ACTIVATION_SUCCESSFUL
        return Ok(FirmwareReport(status, self._count, self._sent, found, done))

    async def _activate(self, status: Status, images: tuple[ImageToActivate, ...] | None) -> Result[Status]:
        """Ask for the activation, once; one that is under way is waited for."""
        self._tell(FirmwarePhase.ACTIVATING)
        is_done = False
        if status is not Status.ACTIVATION_INITIATED:
            if images and not self._is_among(images):
                names = ", ".join(one.image_to_activate_identification.hex() for one in images)
                wanted = self._wish.identifier.hex()
                return self._err(ErrorKind.STATE, f"not activated: it would be {names} (hex), not {wanted}")
            answer = await self._meter.call(self._transfer.image_activate)
            if isinstance(answer, Err) and not _is_busy(answer.error):
                return Err(_after_activation(answer.error))
            is_done = isinstance(answer, Ok)
        settled = await self._settled(FirmwarePhase.ACTIVATING, is_done=is_done)
        return settled if isinstance(settled, Ok) else Err(_after_activation(settled.error))

    async def _settled(self, phase: FirmwarePhase, *, is_done: bool = False) -> Result[Status]:
        """Wait until the meter has verified or activated.

        With `is_done` it said so already: then only a failure or one under way counts, as not every meter
        keeps its status up to date.
        """
        self._tell(phase)
        good, pending, bad = _OUTCOMES[phase]
        if not is_done:
            return await self._poll({good}, {bad})
        status = await self._meter.get(self._transfer.image_transfer_status)
        if isinstance(status, Err):
            return status if ends_session(status.error) else Ok(good)
        if status.value in (pending, bad):
            return await self._poll({good}, {bad})
        return Ok(good)

    async def _poll(self, good: set[Status], bad: set[Status]) -> Result[Status]:
        waited = 0.0
        while True:
            status = await self._meter.get(self._transfer.image_transfer_status)
            if isinstance(status, Err):
                return status
            if status.value in good:
                return status
            if status.value in bad:
                return self._err(ErrorKind.REFUSED, f"image_transfer_status is {status.value.words}")
            if waited >= self._wish.patience:
                message = f"image_transfer_status is {status.value.words} after {waited:g} s: resume later"
                return self._err(ErrorKind.TIMEOUT, message)
            await self._pause(POLL_INTERVAL)
            waited += POLL_INTERVAL

    # ---------------------------------------------------------------- telling
    def _tell(self, phase: FirmwarePhase) -> None:
        if self._show is not None:
            total = len(self._wish.image)
            octets = min(self._there * self._size, total)
            self._show(FirmwareProgress(phase, octets, total, self._there, self._count))

    def _is_among(self, images: Sequence[ImageToActivate] | None) -> bool:
        return any(one.image_to_activate_identification == self._wish.identifier for one in images or ())

    def _err(self, kind: ErrorKind, message: str) -> Err:
        return Err(MeterError(kind, message, where=f"firmware {self._transfer.obis}"))


#: What each phase waits for: done, under way, failed.
_OUTCOMES: Final = {
    FirmwarePhase.VERIFYING: (
        Status.VERIFICATION_SUCCESSFUL,
        Status.VERIFICATION_INITIATED,
        Status.VERIFICATION_FAILED,
    ),
    FirmwarePhase.ACTIVATING: (
        Status.ACTIVATION_SUCCESSFUL,
        Status.ACTIVATION_INITIATED,
        Status.ACTIVATION_FAILED,
    ),
}


def _is_busy(error: MeterError) -> bool:
    return error.kind is ErrorKind.REFUSED and error.code == _TEMPORARY_FAILURE


def _after_activation(error: MeterError) -> MeterError:
    """Return the error of an activation; a session that was lost leaves open whether the meter took it."""
    if not ends_session(error):
        return error
    return error.at("activation asked for, its outcome not known: connect again and read firmware_status()")
