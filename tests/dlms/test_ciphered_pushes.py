"""Pushes of secured meters, heard without an association: opened, verified, refused."""

import asyncio
import threading

import pytest

from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.notification import DataNotification
from meterkit.dlms.push.desk import PushDesk
from meterkit.dlms.push.listener import PushListener
from meterkit.dlms.push.opening import MAX_SENDERS, PushOpener
from meterkit.dlms.push.protection import PushProtection
from meterkit.dlms.push.queue import PushQueue
from meterkit.dlms.push.reader import Heard
from meterkit.dlms.secured.counter_store import MemoryCounterStore, SqliteCounterStore
from meterkit.dlms.secured.key_provider import EVERY_METER, MemoryKeys
from meterkit.dlms.security import (
    Cipher,
    CounterBlock,
    Envelope,
    GeneralCipher,
    GeneralSigner,
    KeyInUse,
    KeyKind,
    KeyMaterial,
    KeyScheme,
    ProtectionKey,
    Security,
    SecurityPolicy,
    dedicated_key,
)
from meterkit.dlms.security.general_headers import GeneralCiphering, GeneralHeader, IdentifiedKey
from meterkit.dlms.security.headers import GeneralCiphered
from meterkit.dlms.security.key_agreement import generate_key
from meterkit.dlms.security.keys import public_key_octets
from meterkit.errors import ErrorKind, MeterFailure, ProtocolFault, fault
from tests.dlms.security.material import AK, BOTH, CLIENT, EK, METER, OTHER_KEY, SUITE_0, SUITE_1, SUITE_2
from tests.dlms.security.material import LAST as LAST_COUNTER
from tests.dlms.test_push import listening, taken
from tests.dlms.test_push_reader import PUSH, blocks, wrapped

BROADCAST = b"\x33" * 16
MASTER = b"\x44" * 16
EVENT = bytes.fromhex("c2000003 0100010800ff 02 0600000001")
PEER = "10.0.0.7:51234"
UNICAST, AUTHENTICATION = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION
KNOWN = {UNICAST: EK, AUTHENTICATION: AK}
POLICIES = [Security.AUTHENTICATION, Security.ENCRYPTION, BOTH]


@pytest.fixture
def anyio_backend():
    return "asyncio"


def provider(known=KNOWN, meter=EVERY_METER):
    return MemoryKeys({(meter, kind): key for kind, key in known.items()})


def opener(known=KNOWN, **settings):
    settings.setdefault("counters", MemoryCounterStore())
    return PushOpener(PushProtection(keys=provider(known), **settings))


class Meter:
    """One that pushes, by the codec alone."""

    def __init__(self, suite=SUITE_0, encryption=EK, authentication=AK, applied=BOTH, first=1):
        times = suite.key_size // 16
        self.key = ProtectionKey(suite, encryption * times, authentication * times)
        self.counters = CounterBlock(first, LAST_COUNTER)
        self.in_use = KeyInUse(UNICAST, self.key, self.counters)
        self.policy = SecurityPolicy(suite, applied, Security.NONE)

    def glo(self, apdu=PUSH, *, title=True, envelope=Envelope.GENERAL, broadcast=None, dedicated=None):
        wide = None
        if broadcast is not None:
            wide = KeyInUse(
                KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
                self.key.with_encryption_key(broadcast),
                CounterBlock(1, LAST_COUNTER),
            )
        cipher = Cipher(
            METER,
            self.policy,
            self.in_use,
            envelope=envelope,
            broadcast=wide,
            sends_broadcast=broadcast is not None,
            dedicated=dedicated,
        )
        sealed = cipher.protect(apdu)
        if title or envelope is Envelope.SERVICE:
            return sealed
        return GeneralCiphered(b"", GeneralCiphered.decode(sealed).content).encode()

    def general(self, apdu=PUSH, scheme=KeyScheme.IDENTIFIED, material=None, to=CLIENT):
        cipher = GeneralCipher(METER, to, self.policy, self.in_use, scheme=scheme, material=material)
        return cipher.protect(apdu)


def words_of(raised):
    return str(raised.value.error)


def refused(end, octets, *expected, peer=PEER):
    with pytest.raises(ProtocolFault) as raised:
        end.open(peer, octets)
    assert raised.value.error.kind is ErrorKind.SECURITY
    for one in expected:
        assert one in words_of(raised)


# ------------------------------------------------------------------ envelopes
@pytest.mark.parametrize("applied", POLICIES, ids=lambda one: one.name.lower())
@pytest.mark.parametrize("suite", [SUITE_0, SUITE_1, SUITE_2])
def test_general_glo_ciphering_is_opened(suite, applied):
    times = suite.key_size // 16
    known = {kind: key * times for kind, key in KNOWN.items()}
    opened = opener(known, security=applied, suite=suite).open(PEER, Meter(suite, applied=applied).glo())
    # Without a tag anybody may have sent it.
    assert (opened.apdu, opened.sender) == (PUSH, None if applied is Security.ENCRYPTION else METER)


def test_an_event_notification_in_its_own_envelope_is_opened_by_configuration():
    sealed = Meter().glo(EVENT, envelope=Envelope.SERVICE)
    assert sealed[0] == 0xCA
    refused(opener(), sealed, "a system title expected", PEER)
    opened = opener(senders=METER).open(PEER, sealed)
    assert (opened.apdu, opened.sender) == (EVENT, METER)


@pytest.mark.parametrize("senders", [METER, {"10.0.0.7": METER}, {PEER: METER}], ids=["all", "host", "peer"])
def test_an_empty_system_title_is_resolved_by_configuration(senders):
    assert opener(senders=senders).open(PEER, Meter().glo(title=False)).sender == METER


def test_an_empty_system_title_that_nobody_knows_is_refused_in_words():
    refused(opener(senders={"10.0.0.8": METER}), Meter().glo(title=False), "it is empty", PEER)


def test_hosts_of_the_sixth_version_are_known_without_their_brackets():
    assert PushProtection(keys=provider(), senders={"::1": METER}).sender_at("[::1]:4059") == METER


def test_a_push_by_the_broadcast_key_is_opened():
    sealed = Meter().glo(broadcast=BROADCAST)
    known = KNOWN | {KeyKind.GLOBAL_BROADCAST_ENCRYPTION: BROADCAST}
    assert opener(known).open(PEER, sealed).apdu == PUSH
    refused(opener(), sealed, "global broadcast encryption key", "MemoryKeys has none")


def test_a_dedicated_key_is_refused_for_there_is_no_association():
    meter = Meter()
    sealed = meter.glo(dedicated=dedicated_key(b"\x66" * 16, meter.in_use))
    refused(opener(), sealed, "a dedicated key")


@pytest.mark.parametrize("to", [CLIENT, b""], ids=["us", "everybody"])
def test_general_ciphering_by_an_identified_key_is_opened(to):
    meter = Meter()
    header = GeneralHeader(transaction_id=b"\x01", originator=METER, recipient=to)
    content = meter.key.protect(0x30, METER, 1, PUSH, header.encode())
    for info in (None, IdentifiedKey(0)):
        octets = GeneralCiphering(header, info, content).encode()
        assert opener(system_title=CLIENT).open(PEER, octets).apdu == PUSH


def test_general_ciphering_by_the_identified_broadcast_key_is_opened():
    header = GeneralHeader(originator=METER, recipient=b"")
    content = ProtectionKey(SUITE_0, BROADCAST, AK).protect(0x70, METER, 1, PUSH, header.encode())
    octets = GeneralCiphering(header, IdentifiedKey(1), content).encode()
    known = {KeyKind.GLOBAL_BROADCAST_ENCRYPTION: BROADCAST, AUTHENTICATION: AK}
    assert opener(known).open(PEER, octets).apdu == PUSH


def test_general_ciphering_for_somebody_else_is_refused():
    octets = Meter().general(to=b"SOMEBODY")
    refused(opener(system_title=CLIENT), octets, CLIENT.hex(), b"SOMEBODY".hex())
    assert opener().open(PEER, octets).apdu == PUSH  # who we are is not configured


def test_a_wrapped_key_is_unwrapped_by_the_master_key():
    meter, known = Meter(), {KeyKind.MASTER: MASTER, AUTHENTICATION: AK}
    material = KeyMaterial(master_key=MASTER)
    assert opener(known).open(PEER, meter.general(scheme=KeyScheme.WRAPPED, material=material)).apdu == PUSH
    sealed = meter.general(scheme=KeyScheme.WRAPPED, material=KeyMaterial(master_key=OTHER_KEY))
    refused(opener(known), sealed, "the wrapped key doesn't open")
    refused(opener(KNOWN), sealed, "the master key is needed")


@pytest.mark.parametrize("suite", [SUITE_1, SUITE_2])
@pytest.mark.parametrize("scheme", [KeyScheme.ONE_PASS, KeyScheme.STATIC], ids=lambda one: one.name)
def test_a_key_is_agreed_on_as_the_push_says(suite, scheme):
    ours, theirs, signing = (generate_key(suite) for _ in range(3))
    meter = Meter(suite)
    material = KeyMaterial(own_agreement=theirs, peer_agreement=ours.public_key(), own_signing=signing)
    number = ours.private_numbers().private_value
    known = {
        AUTHENTICATION: AK * (suite.key_size // 16),
        KeyKind.AGREEMENT: number.to_bytes(suite.coordinate_size, "big"),
        KeyKind.SERVER_AGREEMENT: public_key_octets(theirs),
        KeyKind.SERVER_SIGNING: public_key_octets(signing),
    }
    end = opener(known, suite=suite, system_title=CLIENT)
    octets = meter.general(scheme=scheme, material=material)
    assert end.open(PEER, octets).apdu == PUSH
    refused(end, octets, "transaction id")
    assert end.open(PEER, meter.general(scheme=scheme, material=material)).apdu == PUSH


@pytest.mark.parametrize("applied", [Security.ENCRYPTION])
def test_a_key_that_a_message_tells_is_of_no_worth_without_a_tag(applied):
    octets = Meter(applied=applied).general(scheme=KeyScheme.WRAPPED, material=KeyMaterial(master_key=MASTER))
    known = {KeyKind.MASTER: MASTER, AUTHENTICATION: AK}
    refused(opener(known, security=applied), octets, "a tag expected")


# ------------------------------------------------------------------ signatures
def signed(apdu, number=1, title=METER, signing=None):
    signing = signing or generate_key(SUITE_1)
    counters = CounterBlock(number, number + 9)
    signer = GeneralSigner(SUITE_1, title, CLIENT, signing, signing.public_key(), counters)
    return signer.protect(apdu), {KeyKind.SERVER_SIGNING: public_key_octets(signing)}


def test_a_signed_push_is_opened_and_taken_once():
    octets, key = signed(Meter(SUITE_1).glo())
    end = opener(KNOWN | key, suite=SUITE_1, is_signed=True)
    assert end.open(PEER, octets).apdu == PUSH
    refused(end, octets, "general-signing", "seen before")


def test_a_signature_alone_is_enough_where_no_more_is_demanded():
    octets, key = signed(PUSH)
    end = opener(key, suite=SUITE_1, is_signed=True, security=Security.NONE)
    assert end.open(PEER, octets).sender == METER
    refused(opener(KNOWN | key, suite=SUITE_1), octets, "authentication and encryption", "without protection")


def test_a_push_without_the_signature_that_is_demanded_is_refused():
    octets, key = signed(PUSH)
    refused(
        opener(KNOWN | key, suite=SUITE_1, is_signed=True), Meter(SUITE_1).glo(), "a signed push expected"
    )
    refused(opener({}, suite=SUITE_1, security=Security.NONE), octets, "the server signing key is needed")
    refused(opener(key, security=Security.NONE), octets, "suite 0 has no signatures")


def test_an_altered_signature_is_refused():
    octets, key = signed(PUSH)
    altered = octets[:-1] + bytes((octets[-1] ^ 1,))
    refused(opener(key, suite=SUITE_1, security=Security.NONE), altered, "does not verify")


def test_one_meter_cannot_sign_what_another_ciphered():
    octets, key = signed(Meter(SUITE_1).glo(), title=b"IMPOSTOR")
    refused(opener(KNOWN | key, suite=SUITE_1), octets, b"IMPOSTOR".hex(), METER.hex())


# ------------------------------------------------------------------ policy, keys, replays
def test_a_push_in_clear_is_refused_with_what_was_expected_and_what_came():
    refused(opener(), PUSH, "authentication and encryption, suite 0 expected", "data-notification")


def test_a_push_in_clear_is_taken_where_nothing_is_demanded():
    end = opener(security=Security.NONE)
    assert end.open(PEER, PUSH).sender is None
    assert end.open(PEER, Meter().glo()).sender == METER


@pytest.mark.parametrize("applied", POLICIES[:2], ids=lambda one: one.name.lower())
def test_less_than_demanded_is_refused(applied):
    refused(opener(), Meter(applied=applied).glo(), "authentication and encryption", applied.words)


def test_another_suite_is_refused():
    refused(opener(), Meter(SUITE_1).glo(), "suite 0 expected", "suite 1")


def test_a_push_played_back_is_refused_also_by_the_next_program(tmp_path):
    octets = Meter(first=7).glo()
    store = SqliteCounterStore(tmp_path / "counters.db")
    assert opener(counters=store).open(PEER, octets).apdu == PUSH
    refused(opener(counters=store), octets, "8 or higher expected, 7 came")
    again = SqliteCounterStore(tmp_path / "counters.db")
    refused(opener(counters=again), octets, "8 or higher expected, 7 came")


def test_the_ids_of_messages_that_tell_their_key_are_kept_too(tmp_path):
    meter, known = Meter(first=2**31), {KeyKind.MASTER: MASTER, AUTHENTICATION: AK}
    octets = meter.general(scheme=KeyScheme.WRAPPED, material=KeyMaterial(master_key=MASTER))
    assert opener(known, counters=SqliteCounterStore(tmp_path / "c.db")).open(PEER, octets).apdu == PUSH
    refused(opener(known, counters=SqliteCounterStore(tmp_path / "c.db")), octets, "seen before")


@pytest.mark.parametrize("number", [0, 1, 2**32 - 1, 2**32, 2**40 + 5, 2**64 - 1])
def test_an_id_of_eight_octets_is_kept_whole(number):
    from meterkit.dlms.push.sender_keys import SenderKeys

    keys = SenderKeys(PushProtection(keys=provider()), MemoryCounterStore(), METER)
    assert keys.highest_transaction("x") is None
    keys.note_transaction("x", number)
    assert keys.highest_transaction("x") == number
    with pytest.raises(ProtocolFault, match="8 octets"):
        keys.note_transaction("x", 2**64)


def test_what_was_altered_moves_no_counter():
    end, octets = opener(), Meter(first=9).glo()
    refused(end, octets[:-1] + bytes((octets[-1] ^ 1,)), "the tag does not verify", "general-glo-ciphering")
    assert end.open(PEER, octets).apdu == PUSH


def test_each_meter_has_counters_of_its_own():
    end, octets = opener(), Meter(first=9).glo()
    assert end.open(PEER, octets).apdu == PUSH
    key = ProtectionKey(SUITE_0, EK, AK)
    other = GeneralCiphered(b"METER002", key.protect(0x30, b"METER002", 1, PUSH)).encode()
    assert end.open(PEER, other).sender == b"METER002"


def test_pending_keys_open_pushes_too_while_keys_are_changed():
    fresh = Meter(encryption=OTHER_KEY, authentication=b"\x77" * 16)
    known = KNOWN | {KeyKind.OTHER_ENCRYPTION: OTHER_KEY, KeyKind.OTHER_AUTHENTICATION: b"\x77" * 16}
    end = opener(known)
    octets = fresh.glo()
    assert end.open(PEER, Meter(first=50).glo()).apdu == PUSH
    assert end.open(PEER, octets).apdu == PUSH
    refused(end, octets, "2 or higher expected, 1 came")
    refused(opener(), octets, "the tag does not verify")


def test_keys_are_asked_for_by_title_or_by_the_name_that_the_meter_was_given():
    named = MemoryKeys({("cellar", kind): key for kind, key in KNOWN.items()})
    titled = provider(meter=METER.hex().upper())
    octets = Meter().glo()
    for keys, meters in ((named, {METER: "cellar"}), (titled, {})):
        protection = PushProtection(keys=keys, meters=meters, counters=MemoryCounterStore())
        assert PushOpener(protection).open(PEER, octets).apdu == PUSH
    missing = PushOpener(PushProtection(keys=titled, meters={METER: "loft"}, counters=MemoryCounterStore()))
    refused(missing, octets, "meter loft: the global unicast encryption key is needed")


def test_no_error_shows_a_key():
    known = {UNICAST: EK + b"\x00", AUTHENTICATION: AK}
    with pytest.raises(ProtocolFault) as raised:
        opener(known).open(PEER, Meter().glo())
    assert "17 octets, suite 0 wants 16" in words_of(raised)
    assert EK.hex() not in words_of(raised).lower()
    assert EK.hex() not in repr(PushProtection(keys=provider()))


def test_our_own_title_as_the_sender_is_refused():
    refused(opener(system_title=METER), Meter().glo(), "our own system title")


@pytest.mark.parametrize(
    "wrong", [{"system_title": b"short"}, {"senders": b"short"}, {"senders": {"h": b"x"}}]
)
def test_titles_that_are_none_are_refused_at_once(wrong):
    with pytest.raises(ValueError, match="8"):
        PushProtection(keys=provider(), **wrong)


# ------------------------------------------------------------------ blocks within
def test_blocks_that_are_ciphered_one_by_one_are_put_together():
    end, meter = opener(), Meter()
    pieces = blocks(PUSH, 20)
    assert [end.open(PEER, meter.glo(piece)) for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    opened = end.open(PEER, meter.glo(pieces[-1]))
    assert (opened.apdu, opened.sender) == (PUSH, METER)


def test_blocks_that_nothing_vouches_for_are_never_put_among_verified_ones():
    first, *rest = blocks(PUSH, 20)
    end = opener(security=Security.ENCRYPTION)
    anybody = Meter(applied=Security.ENCRYPTION, first=1)
    assert end.open(PEER, anybody.glo(first)) is None
    meter = Meter(first=100)
    assert [end.open(PEER, meter.glo(piece)) for piece in rest] == [None] * len(rest)  # block 1 is missing
    *_, whole = [end.open(PEER, meter.glo(piece)) for piece in (first, *rest)]
    assert (whole.apdu, whole.sender) == (PUSH, METER)


def test_a_place_is_named_once():
    end, meter = opener(), Meter()
    octets = meter.glo()
    with pytest.raises(ProtocolFault) as raised:
        end.open(PEER, octets[:-1] + bytes((octets[-1] ^ 1,)))
    assert raised.value.error.where == "db general-glo-ciphering"
    end.open(PEER, octets)
    with pytest.raises(ProtocolFault) as raised:
        end.open(PEER, octets)
    assert raised.value.error.where == "db general-glo-ciphering: global unicast encryption key"
    general = meter.general()
    with pytest.raises(ProtocolFault) as raised:
        end.open(PEER, general[:-1] + bytes((general[-1] ^ 1,)))
    assert raised.value.error.where == "dd general-ciphering"


def test_unfinished_blocks_of_many_senders_are_bounded():
    end = opener(security=Security.NONE)
    key = ProtectionKey(SUITE_0, EK, AK)
    first = GeneralBlockTransfer(False, True, 0, 1, 0, b"x").encode()
    for number in range(MAX_SENDERS + 5):
        title = b"MET%05d" % number
        end.open(PEER, GeneralCiphered(title, key.protect(0x30, title, 1, first)).encode())
    assert len(end._blocks) == MAX_SENDERS


# ------------------------------------------------------------------ the listener
@pytest.mark.anyio
async def test_the_listener_opens_pushes_and_goes_on_after_one_that_is_refused():
    meter = Meter()
    protection = PushProtection(keys=provider(), counters=MemoryCounterStore())
    async with listening(protection=protection) as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        one, two = meter.glo(), meter.glo()
        for octets in (one, one, PUSH, *blocks(two, 30)):
            writer.write(wrapped(octets))
        first, again, clear, last = await taken(listener, 4)
        writer.close()
    push = first.unwrap()
    assert isinstance(push.notification, DataNotification)
    assert (push.raw, push.sender, push.source) == (PUSH, METER, 1)
    assert again.error.kind is clear.error.kind is ErrorKind.SECURITY
    assert "2 or higher expected, 1 came" in again.error.message
    assert "127.0.0.1" in again.error.where
    assert "from 1 to 64" in again.error.where
    assert "without protection" in clear.error.message
    assert last.unwrap().raw == PUSH


@pytest.mark.anyio
async def test_without_a_protection_a_ciphered_push_is_an_error_and_a_plain_one_has_no_sender():
    async with listening() as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(wrapped(Meter().glo()) + wrapped(PUSH))
        ciphered, plain = await taken(listener, 2)
        writer.close()
    assert ciphered.error.kind is ErrorKind.SECURITY
    assert "a plain APDU expected" in ciphered.error.message
    assert plain.unwrap().sender is None


@pytest.mark.anyio
async def test_errors_of_the_line_are_told_as_they_are():
    protection = PushProtection(keys=provider(), counters=MemoryCounterStore())
    async with listening(protection=protection) as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET / HTTP/1.1")
        [result] = await taken(listener, 1)
        writer.close()
    assert result.error.kind is ErrorKind.FRAMING


class SlowKeys:
    """A provider that waits until it is let go."""

    def __init__(self):
        self.may_go_on, self.asked = threading.Event(), 0

    def key(self, meter, kind):
        self.asked += kind is UNICAST
        assert self.may_go_on.wait(30)
        return KNOWN.get(kind)


@pytest.mark.anyio
async def test_a_push_that_is_being_opened_is_not_lost_when_the_taker_is_cancelled():
    keys, queue = SlowKeys(), PushQueue(10)
    desk = PushDesk(queue, PushProtection(keys=keys, counters=MemoryCounterStore()))
    desk.prepare()
    queue.put(PEER, [Heard(1, 64, Meter().glo())])
    taker = asyncio.ensure_future(desk.take())
    await asyncio.sleep(0)
    taker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taker
    keys.may_go_on.set()
    assert (await desk.take()).unwrap().raw == PUSH
    assert keys.asked == 1
    assert await desk.take() is None


@pytest.mark.anyio
async def test_a_provider_that_fails_is_an_error_of_that_push_alone():
    class Broken:
        def key(self, meter, kind):
            raise fault(ErrorKind.SECURITY, "the keyring does not open")

    queue = PushQueue(10)
    desk = PushDesk(queue, PushProtection(keys=Broken(), counters=MemoryCounterStore()))
    desk.prepare()
    queue.put(PEER, [Heard(1, 64, Meter().glo())])
    assert "the keyring does not open" in (await desk.take()).error.message


@pytest.mark.anyio
async def test_a_provider_with_a_mistake_in_it_is_told_once_and_the_next_push_is_opened():
    class Mistaken:
        asked = 0

        def key(self, meter, kind):
            self.asked += 1
            if self.asked == 1:
                raise LookupError("no such row")
            return KNOWN.get(kind)

    queue = PushQueue(10)
    desk = PushDesk(queue, PushProtection(keys=Mistaken(), counters=MemoryCounterStore()))
    desk.prepare()
    meter = Meter()
    queue.put(PEER, [Heard(1, 64, meter.glo()), Heard(1, 64, meter.glo())])
    with pytest.raises(LookupError):
        await desk.take()
    assert (await desk.take()).unwrap().raw == PUSH
    assert await desk.take() is None


@pytest.mark.anyio
async def test_without_a_place_for_counters_nothing_is_listened_to(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    listener = PushListener.tcp("127.0.0.1", 0, protection=PushProtection(keys=provider()))
    with pytest.raises(MeterFailure) as raised:
        await listener.__aenter__()
    assert raised.value.error.kind is ErrorKind.SECURITY
