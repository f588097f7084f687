"""What meters push, found in the octets of one sender: WRAPPER messages or HDLC frames, then whole APDUs.

    octets -> WrapperReader | HdlcReader, Pushes -> (general blocks put together) -> Heard

Nothing is acknowledged: pushes are unconfirmed services, in UI frames or in I frames without a connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, TypeAlias

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.dlms.hdlc.push import Pushes
from meterkit.dlms.hdlc.reader import Damage, HdlcReader, Noise
from meterkit.dlms.transfer.general_block import IncomingBlocks
from meterkit.dlms.wrapper import WrapperReader
from meterkit.errors import ErrorKind, MeterError, ProtocolFault

MAX_PUSH: Final = 1 << 18  # octets of one push, in all its frames or blocks
GARBAGE_LIMIT: Final = 8192  # octets without one intact HDLC frame, of which the longest has 2049

#: A wPort of WRAPPER, or an HDLC address.
PushAddress: TypeAlias = int | HdlcAddress


@dataclass(frozen=True, slots=True)
class Heard:
    """One whole APDU, with who sent it to whom."""

    source: PushAddress
    destination: PushAddress
    apdu: bytes


Item: TypeAlias = Heard | MeterError


class PushReader(ABC):
    """Takes one sender's octets.  Any octets give items, in bounded memory; `limit` bounds one push."""

    def __init__(self, limit: int = MAX_PUSH) -> None:
        self.limit = limit
        self.is_lost = False  #: no message will be found in what follows
        self._blocks: IncomingBlocks | None = None

    @property
    @abstractmethod
    def is_waiting(self) -> bool:
        """Whether octets are held that only more of them, or silence, can settle."""

    @abstractmethod
    def feed(self, octets: bytes) -> list[Item]:
        """Take octets as they came, in pieces of any size."""

    @abstractmethod
    def silence(self) -> list[Item]:
        """Take the news that no more octets come for now, or for ever."""

    def _take(self, source: PushAddress, destination: PushAddress, apdu: bytes) -> list[Item]:
        """Give out an APDU; a general block waits for the others."""
        if apdu[:1] != bytes((ApduTag.GENERAL_BLOCK_TRANSFER,)):
            return [Heard(source, destination, apdu)]
        items: list[Item] = []
        try:
            block = decode_apdu(apdu, strict=False)
            assert isinstance(block, GeneralBlockTransfer)
            blocks = self._blocks
            if blocks is None or block.block_number == 1:
                if blocks is not None:
                    items.append(_torn(blocks))
                blocks = IncomingBlocks(self.limit)
            self._blocks = None
            blocks.add(block)
        except ProtocolFault as odd:
            return [*items, odd.error]
        if blocks.is_whole:
            return [*items, Heard(source, destination, blocks.join())]
        self._blocks = blocks
        return items


def _torn(blocks: IncomingBlocks) -> MeterError:
    return MeterError(
        ErrorKind.PROTOCOL, f"a push in general blocks never became whole: {blocks.missing} did not come"
    )


class WrapperPushReader(PushReader):
    """Reads WRAPPER messages; with `is_datagram`, each `feed` is a datagram and stands for itself."""

    def __init__(self, limit: int = MAX_PUSH, *, is_datagram: bool = False) -> None:
        super().__init__(limit)
        self.is_datagram = is_datagram
        self._reader = WrapperReader()

    @property
    def is_waiting(self) -> bool:
        """Whether part of a message is held."""
        return self._reader.is_waiting

    def feed(self, octets: bytes) -> list[Item]:
        """Take octets; where no header is, the rest of a stream is lost."""
        items: list[Item] = []
        if self.is_lost:
            return items
        reader = self._reader
        try:
            messages = reader.feed(octets)
            while messages:
                for message in messages:
                    if message.apdu:
                        header = message.header
                        items += self._take(header.source, header.destination, message.apdu)
                messages = reader.feed(b"") if reader.is_waiting else []
        except ProtocolFault as bad:
            items.append(bad.error)
            self.is_lost = not self.is_datagram
            reader.clear()
        return items + self.silence() if self.is_datagram else items

    def silence(self) -> list[Item]:
        """Give up a message that is not whole."""
        if not self._reader.is_waiting:
            return []
        error = MeterError(ErrorKind.FRAMING, f"a message was cut short: {self._reader.describe()}")
        self._reader.clear()
        self.is_lost = not self.is_datagram
        return [error]


class HdlcPushReader(PushReader):
    """Reads HDLC frames from behind noise; `client` is who we are for frames that are not for everybody."""

    def __init__(self, client: HdlcAddress = HdlcAddress.PUBLIC_CLIENT, limit: int = MAX_PUSH) -> None:
        super().__init__(limit)
        self._client = client
        self._reader = HdlcReader()
        self._pushes = Pushes(client, limit)
        self._garbage = 0  # octets since the last intact frame
        self._is_damaged = False  # a damaged frame was told, and no intact one came since

    @property
    def is_waiting(self) -> bool:
        """Whether part of a frame is held."""
        return self._reader.is_waiting

    def feed(self, octets: bytes) -> list[Item]:
        """Take octets; noise is dropped, a damaged frame told, endless garbage given up."""
        self._garbage += len(octets)
        items = self._sorted(self._reader.feed(octets))
        if self._garbage > GARBAGE_LIMIT:
            self._garbage = 0
            self.is_lost = True
            told = f"no HDLC frame in {GARBAGE_LIMIT} octets; is the port at its speed, and at 8N1?"
            items.append(MeterError(ErrorKind.FRAMING, told))
        return items

    def silence(self) -> list[Item]:
        """Settle a frame that is not whole, or whose closing flag did not come."""
        return self._sorted(self._reader.silence())

    def _sorted(self, found: list[HdlcFrame | Noise | Damage]) -> list[Item]:
        items: list[Item] = []
        for item in found:
            match item:
                case HdlcFrame():
                    self._garbage = 0
                    self._is_damaged = self.is_lost = False
                    items += self._messages(item)
                case Damage(reason):
                    if not self._is_damaged:
                        items.append(MeterError(ErrorKind.CRC, reason))
                    self._is_damaged = True
                    self._pushes.clear()
                case _:  # Noise
                    continue
        return items

    def _messages(self, frame: HdlcFrame) -> list[Item]:
        items: list[Item] = []
        if self._pushes.concerns(frame, connected_to=None):
            for apdu in self._pushes.take(frame):
                items += self._take(frame.source, frame.destination, apdu)
        return items
