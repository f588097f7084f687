"""Opens pushes that are ciphered or signed, one at a time: each layer verified, none missing.

    DB | title | content            general-glo-ciphering; an empty title by configuration
    CA, ...                         glo-event-notification-request and the like
    DD | header | key-info | ...    general-ciphering: identified, wrapped or agreed keys
    DF | header | APDU | signature  general-signing, around any of these
    E0 ...                          general blocks within: put together once each is opened

What goes by a dedicated key belongs to an association, and is refused.  Blocks, for keys and counters are on
disk.  Source: Green Book 9.2, 9.4.6.13, 9.5.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.dlms.push.protection import PushProtection
from meterkit.dlms.push.reader import MAX_PUSH
from meterkit.dlms.push.sender_keys import SenderKeys
from meterkit.dlms.secured.counter_supply import default_store
from meterkit.dlms.security import CounterStore, GeneralCipher, KeyInUse, KeyScheme, Security, SecurityPolicy
from meterkit.dlms.security.control import AUTHENTICATED, BROADCAST
from meterkit.dlms.security.general_cipher import check_addresses
from meterkit.dlms.security.general_headers import (
    ONE_PASS,
    AgreedKey,
    GeneralCiphering,
    GeneralHeader,
    GeneralSigning,
    IdentifiedKey,
    WrappedKey,
)
from meterkit.dlms.security.headers import IS_DEDICATED, PLAIN, GeneralCiphered, unwrap, wrong_inner
from meterkit.dlms.security.keys import verify
from meterkit.dlms.security.policy import check_titles
from meterkit.dlms.security.protect import HEAD_SIZE
from meterkit.dlms.security.suites import SYSTEM_TITLE_SIZE
from meterkit.dlms.security.transactions import SIZE, Transactions
from meterkit.dlms.transfer.general_block import IncomingBlocks
from meterkit.errors import ErrorKind, ProtocolFault, fault

MAX_SENDERS: Final = 64  # whose unfinished blocks are kept
_DEEPEST: Final = 4  # layers of one push; ours: the standard has two
_NOBODY: Final = bytes(SYSTEM_TITLE_SIZE)  # who a push is for where neither it nor the configuration says


@dataclass(frozen=True, slots=True)
class OpenedPush:
    """What a push holds."""

    apdu: bytes
    sender: bytes | None  #: the system title that a tag or a signature vouches for; None: nothing does


@dataclass(slots=True)
class _Layers:
    """What was taken off so far."""

    octets: bytes
    sender: bytes | None = None
    is_signed: bool = False
    is_ciphered: bool = False
    has_tag: bool = False

    @property
    def verified_sender(self) -> bytes | None:
        """Who it is from, if that is certain."""
        return self.sender if self.is_signed or self.has_tag else None


class PushOpener:
    """Opens the pushes of any number of meters, one at a time.

    Errors of making one: `ProtocolFault` SECURITY there is no place for counters.
    """

    def __init__(self, protection: PushProtection) -> None:
        self.protection = protection
        self._policy = SecurityPolicy(protection.suite, Security.NONE, protection.security)
        self._store: CounterStore = protection.counters or default_store()
        #: Unfinished ones, by who sent them and who that is for certain.
        self._blocks: OrderedDict[tuple[bytes | None, bytes | None], IncomingBlocks] = OrderedDict()

    def open(self, peer: str, octets: bytes) -> OpenedPush | None:
        """Return what a push from `peer` holds; None for a block of it that is not the last.

        Errors: `ProtocolFault` SECURITY a layer is missing, or isn't right; no key; seen before; PROTOCOL
        blocks that don't belong together; DECODE octets that are no such APDU.
        """
        layers = _Layers(octets)
        for _ in range(_DEEPEST):
            tag = layers.octets[0] if layers.octets else 0
            if not _is_layer(tag):
                break
            try:
                self._take_off(peer, tag, layers)
            except ProtocolFault as refused:
                error, name = refused.error, apdu_name(layers.octets)
                raise ProtocolFault(error if error.where == name else error.at(name)) from None
        self._check(layers)
        if layers.octets[:1] == bytes((ApduTag.GENERAL_BLOCK_TRANSFER,)):
            return self._block(layers)
        return OpenedPush(layers.octets, layers.verified_sender)

    def _check(self, layers: _Layers) -> None:
        """Make sure that nothing that is demanded was left out."""
        if not layers.is_ciphered and self.protection.security is not Security.NONE:
            raise self._policy.plain(layers.octets)
        if not layers.is_signed and self.protection.is_signed:
            told = f"a signed push expected, {apdu_name(layers.octets)} came without a signature"
            raise fault(ErrorKind.SECURITY, told)

    def _block(self, layers: _Layers) -> OpenedPush | None:
        """Put a block to those of its sender; the blocks were verified one by one.

        Those that nothing vouches for are put to others of the kind, never among verified ones.
        """
        block = decode_apdu(layers.octets, strict=False)
        assert isinstance(block, GeneralBlockTransfer)
        pile = layers.sender, layers.verified_sender
        blocks = self._blocks.pop(pile, None)
        if blocks is None or block.block_number == 1:
            blocks = IncomingBlocks(MAX_PUSH)
        blocks.add(block)
        if blocks.is_whole:
            return OpenedPush(blocks.join(), layers.verified_sender)
        self._blocks[pile] = blocks
        if len(self._blocks) > MAX_SENDERS:
            self._blocks.popitem(last=False)
        return None

    # ---------------------------------------------------------------- one layer
    def _take_off(self, peer: str, tag: int, layers: _Layers) -> None:
        if tag in IS_DEDICATED:
            raise fault(
                ErrorKind.SECURITY, "a global key expected, a dedicated key, of some association, was used"
            )
        octets = layers.octets
        if tag == ApduTag.GENERAL_SIGNING:
            layers.octets, sender = self._verified(octets)
            layers.is_signed = True
        else:
            content, layers.octets, sender = (
                self._general(octets)
                if tag == ApduTag.GENERAL_CIPHERING
                else self._global(peer, tag, octets, layers.sender)
            )
            layers.is_ciphered = True
            layers.has_tag |= bool(content[0] & AUTHENTICATED)
        if layers.sender is not None and sender != layers.sender:
            told = f"system title {layers.sender.hex()} expected, as around it, {sender.hex()} came"
            raise fault(ErrorKind.SECURITY, told)
        layers.sender = sender

    def _global(self, peer: str, tag: int, octets: bytes, around: bytes | None) -> tuple[bytes, bytes, bytes]:
        """Return what was ciphered, what it is in clear, and the sender."""
        plain_tag = PLAIN.get(tag)
        title = b""
        if plain_tag is None:
            envelope = GeneralCiphered.decode(octets)
            content, title = envelope.content, envelope.system_title
        else:
            content = unwrap(octets)
        sender = title or around or self.protection.sender_at(peer)
        if sender is None:
            raise fault(
                ErrorKind.SECURITY, f"a system title expected, it is empty, and `senders` has none for {peer}"
            )
        sender = self._known(sender)
        plain = self._open(sender, content, b"", is_broadcast=False)
        if plain_tag is not None and plain[:1] != bytes((plain_tag,)):
            raise wrong_inner(octets, plain)
        return content, plain, sender

    def _open(self, sender: bytes, content: bytes, header: bytes, *, is_broadcast: bool) -> bytes:
        """Return what is under a key that both ends have, its counter noted."""
        control = self._control(content)
        keys = SenderKeys(self.protection, self._store, sender)
        first: ProtocolFault | None = None
        for one in keys.candidates(is_broadcast=is_broadcast or bool(control & BROADCAST)):
            try:
                plain = one.in_use.key.unprotect(content, sender, header)
            except ProtocolFault as refused:
                first = first or refused
                continue
            one.in_use.accept(int.from_bytes(content[1:HEAD_SIZE], "big"))
            keys.note(one)
            return plain
        raise first or fault(ErrorKind.SECURITY, "a key expected, none is known")

    def _control(self, content: bytes) -> int:
        if len(content) < HEAD_SIZE:
            raise fault(ErrorKind.DECODE, f"{HEAD_SIZE} octets at least expected, {len(content)} came")
        self._policy.check(content[0])
        return content[0]

    # ---------------------------------------------------------------- general-ciphering, general-signing
    def _general(self, octets: bytes) -> tuple[bytes, bytes, bytes]:
        """Return what was ciphered, what it is in clear, and the sender."""
        apdu = GeneralCiphering.decode(octets)
        sender, own = self._addressed(apdu.header)
        info = apdu.key_info
        if info is None or isinstance(info, IdentifiedKey):
            is_broadcast = info == IdentifiedKey(1)
            plain = self._open(sender, apdu.content, apdu.header.encode(), is_broadcast=is_broadcast)
            return apdu.content, plain, sender
        scheme = KeyScheme.WRAPPED
        if isinstance(info, AgreedKey):
            scheme = KeyScheme.ONE_PASS if info.key_parameters == ONE_PASS else KeyScheme.STATIC
        keys = SenderKeys(self.protection, self._store, sender)
        is_wrapped, is_static = isinstance(info, WrappedKey), scheme is KeyScheme.STATIC
        material = keys.material(is_wrapped=is_wrapped, is_static=is_static)
        first: ProtocolFault | None = None
        for carrier in keys.carriers():
            try:
                cipher = GeneralCipher(own, sender, self._policy, carrier, scheme=scheme, material=material)
                cipher.transactions = Transactions()
                cipher.transactions.received = keys.highest_transaction(_CIPHERED)
                plain = self._by_told_key(cipher, octets, apdu.content, carrier)
            except ProtocolFault as refused:
                first = first or refused
                continue
            keys.note_transaction(_CIPHERED, cipher.transactions.received or 0)
            return apdu.content, plain, sender
        raise first or fault(ErrorKind.SECURITY, "a key expected, none is known")

    def _by_told_key(self, cipher: GeneralCipher, octets: bytes, content: bytes, carrier: KeyInUse) -> bytes:
        _check_id(GeneralCiphering.decode(octets).header)
        if not self._control(content) & AUTHENTICATED:
            # Anybody who has seen one such key-info could say anything: no tag, and no counter either.
            raise fault(ErrorKind.SECURITY, f"a tag expected beside a {cipher.scheme.value} key, none came")
        return cipher.unprotect(octets)

    def _verified(self, octets: bytes) -> tuple[bytes, bytes]:
        apdu = GeneralSigning.decode(octets)
        sender, _ = self._addressed(apdu.header)
        _check_id(apdu.header)
        if not self.protection.suite.has_public_keys:
            raise fault(ErrorKind.SECURITY, "suite 0 has no signatures: suite 1 or 2 expected")
        keys = SenderKeys(self.protection, self._store, sender)
        verify(self.protection.suite, keys.signing(), apdu.signature, apdu.signed, apdu_name(octets))
        transactions = Transactions()
        transactions.received = keys.highest_transaction(_SIGNED)
        transactions.accept(apdu.header.transaction_id)
        keys.note_transaction(_SIGNED, transactions.received or 0)
        return apdu.content, sender

    def _addressed(self, header: GeneralHeader) -> tuple[bytes, bytes]:
        """Return who a message is from and who it is for, who are allowed to be that."""
        sender = self._known(header.originator)
        own = self.protection.system_title or header.recipient or _NOBODY
        if len(own) != SYSTEM_TITLE_SIZE:
            told = f"a recipient of {SYSTEM_TITLE_SIZE} octets expected, {own.hex()} came"
            raise fault(ErrorKind.SECURITY, told)
        check_addresses(header, own, sender)
        return sender, own

    def _known(self, title: bytes) -> bytes:
        return check_titles(self.protection.system_title or _NOBODY, title)


_CIPHERED, _SIGNED = "general-ciphering", "general-signing"


def _check_id(header: GeneralHeader) -> None:
    if len(header.transaction_id) > SIZE:
        told = f"a transaction id of {SIZE} octets at most expected, {header.transaction_id.hex()} came"
        raise fault(ErrorKind.SECURITY, told)


def _is_layer(tag: int) -> bool:
    try:
        return ApduTag(tag).is_ciphered
    except ValueError:
        return False
