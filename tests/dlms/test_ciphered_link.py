"""The ciphered link and the association on it, by hand: blocks, pushes, refusals, counters."""

import pytest

from meterkit.dlms.association import Association
from meterkit.dlms.secured.link import LOW, CipheredLink, ciphered
from meterkit.dlms.security import (
    Cipher,
    CounterBlock,
    Envelope,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    Security,
    SecurityPolicy,
    SecuritySuite,
)
from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.link import Broken, Failed, Message, Notice, Transmit
from tests.dlms.association_rig import EVERYTHING, Lower

BOTH = Security.AUTHENTICATION_ENCRYPTION
OURS, METERS = b"MKC00001", b"MKT00001"
KEY = ProtectionKey(SecuritySuite.SUITE_0, bytes(range(16)), bytes(range(16, 32)))
GET = bytes.fromhex("c001c1 0003 0100010800ff 02 00")
GOT = bytes.fromhex("c401c1 00 06 00001391")
PUSH = bytes.fromhex("0f 00000001 00 1105")


def cipher(title, peer, **options):
    unicast = KeyInUse(KeyKind.GLOBAL_UNICAST_ENCRYPTION, KEY, CounterBlock(1, 10_000))
    policy = SecurityPolicy(SecuritySuite.SUITE_0, BOTH, BOTH)
    return Cipher(title, policy, unicast, peer_title=peer, **options)


class Joined:
    """A client's association on a ciphered link, and the meter's cipher."""

    def __init__(self, **options):
        self.lower = Lower()
        self.link = CipheredLink(self.lower, **options)
        self.link.use(cipher(OURS, METERS))
        self.meter = cipher(METERS, OURS)
        self.association = Association(self.link)
        self.association.configure(EVERYTHING, 0)

    def come(self, *messages):
        self.lower.incoming = [
            message if isinstance(message, Notice) else Message(message) for message in messages
        ]
        return self.association.receive(b"?")

    def ask(self):
        (sent,) = self.association.send(GET)
        assert isinstance(sent, Transmit)
        assert self.meter.unprotect(sent.octets) == GET


def general_block(number, data, *, is_last):
    return bytes((0xE0, 0x80 * is_last | 0x40 * (not is_last) | 1, 0, number, 0, 0, len(data))) + data


def test_what_goes_down_is_protected_and_what_comes_up_is_verified():
    joined = Joined()
    joined.ask()
    assert joined.come(joined.meter.protect(GOT)) == [Message(GOT)]


def test_an_answer_in_clear_fails_the_exchange_and_leaves_the_link_well():
    joined = Joined()
    joined.ask()
    (event,) = joined.come(GOT)
    assert isinstance(event, Failed)
    assert event.error.kind is ErrorKind.SECURITY
    joined.ask()
    assert joined.come(joined.meter.protect(GOT)) == [Message(GOT)]


def test_a_refusal_in_clear_passes():
    joined = Joined()
    joined.ask()
    assert joined.come(b"\xd8\x01\x05") == [Message(b"\xd8\x01\x05")]


@pytest.mark.parametrize("bit", range(0, 8 * 30, 7))
def test_an_altered_answer_is_never_taken(bit):
    joined = Joined()
    joined.ask()
    answer = bytearray(joined.meter.protect(GOT))
    at = bit // 8 % len(answer)
    answer[at] ^= 1 << bit % 8
    assert not any(isinstance(event, Message) and event.octets == GOT for event in joined.come(bytes(answer)))


def test_blocks_of_a_protected_answer_are_joined_and_then_verified():
    joined = Joined()
    joined.ask()
    answer = joined.meter.protect(GOT)
    first, last = (
        general_block(1, answer[:9], is_last=False),
        general_block(2, answer[9:], is_last=True),
    )
    assert joined.come(first, last)[-1] == Message(GOT)


def test_blocks_in_clear_that_join_to_an_answer_in_clear_are_an_error():
    joined = Joined()
    joined.ask()
    events = joined.come(general_block(1, GOT[:4], is_last=False), general_block(2, GOT[4:], is_last=True))
    assert isinstance(events[-1], Failed)
    assert events[-1].error.kind is ErrorKind.SECURITY


def protected_block(joined, number, data, *, is_last):
    joined.meter.envelope = Envelope.GENERAL
    return joined.meter.protect(general_block(number, data, is_last=is_last))


def test_blocks_that_are_protected_one_by_one_need_no_more():
    joined = Joined()
    joined.ask()
    first = protected_block(joined, 1, GOT[:4], is_last=False)
    last = protected_block(joined, 2, GOT[4:], is_last=True)
    assert joined.come(first, last)[-1] == Message(GOT)


def test_one_block_in_clear_among_protected_ones_is_an_error():
    joined = Joined()
    joined.ask()
    first = general_block(1, GOT[:4], is_last=False)
    last = protected_block(joined, 2, GOT[4:], is_last=True)
    events = joined.come(first, last)
    assert isinstance(events[-1], Failed)
    assert events[-1].error.kind is ErrorKind.SECURITY


def test_a_protected_push_is_a_notice_and_one_in_clear_is_dropped():
    joined = Joined()
    joined.meter.envelope = Envelope.GENERAL
    assert joined.come(Notice(joined.meter.protect(PUSH))) == [Notice(PUSH)]
    assert joined.come(Notice(PUSH)) == []


def test_a_protected_push_in_blocks_is_verified_once_it_is_joined():
    joined = Joined()
    joined.meter.envelope = Envelope.GENERAL
    sealed = joined.meter.protect(PUSH)
    assert joined.come(Notice(general_block(1, sealed, is_last=True))) == [Notice(PUSH)]
    assert joined.come(Notice(general_block(1, PUSH, is_last=True))) == []


def test_a_datagram_that_comes_twice_is_dropped_and_told_if_no_answer_comes():
    joined = Joined(drops_repeats=True)
    joined.ask()
    answer = joined.meter.protect(GOT)
    assert joined.come(answer) == [Message(GOT)]
    joined.ask()
    assert joined.come(answer) == []
    joined.lower.silence = [Broken(MeterError(ErrorKind.TIMEOUT, "nothing came"))]
    (event,) = joined.association.timed_out()
    assert isinstance(event, Broken)
    assert "invocation counter" in event.error.message


def test_more_counters_are_asked_for_before_the_last_are_used():
    asked = []
    joined = Joined()
    counters = joined.link.cipher.unicast.counters
    joined.link.running_low = lambda: asked.append(counters.left)
    counters.skip_to(10_000 - LOW - 1)
    joined.link.protect(GET)
    assert asked == []
    joined.link.protect(GET)
    assert asked == [LOW - 1]


def test_what_nobody_answers_is_protected_too():
    joined = Joined()
    unconfirmed = bytes.fromhex("c10181 0001 0000600100ff 02 00 1105")
    sent, done = joined.association.send(unconfirmed)
    assert done == Message(b"")
    assert joined.meter.unprotect(sent.octets) == unconfirmed
    joined.link.cipher.unicast.counters.void()
    (event,) = joined.association.send(unconfirmed)
    assert isinstance(event, Failed)
    assert event.error.kind is ErrorKind.SECURITY


@pytest.mark.parametrize("lets_go", [True, False])
def test_whether_another_message_may_be_sent_into_silence_is_the_lower_links_to_say(lets_go):
    joined = Joined()
    assert not joined.link.forgo()
    joined.lower.forgo = lambda: lets_go
    assert joined.link.forgo() is lets_go


def test_a_meter_that_speaks_only_when_asked_is_asked_through_the_cipher():
    class PolledLower(Lower):
        def enquire(self):
            return [Transmit(b"RR")]

        def ask_on(self):
            return [Transmit(b"RR P")]

    lower = PolledLower()
    link = ciphered(lower)
    link.use(cipher(OURS, METERS))
    association, meter = Association(link), cipher(METERS, OURS)
    association.configure(EVERYTHING, 0)
    assert association.enquire() == [Transmit(b"RR")]
    lower.incoming = [Message(b"")]  # a sign of life: nothing was said, so nothing is deciphered
    assert association.receive(b"?") == [Message(b"")]
    association.send(GET)
    lower.incoming = [Message(meter.protect(GOT.replace(b"\xc1", b"\xc2", 1)))]
    assert association.receive(b"?") == [Transmit(b"RR P")]
    lower.incoming = [Message(meter.protect(GOT))]
    assert association.receive(b"?") == [Message(GOT)]


def test_a_link_that_is_not_polled_stays_so_under_a_cipher():
    assert type(ciphered(Lower())) is CipheredLink


def test_what_comes_before_there_are_keys_is_refused():
    link = CipheredLink(Lower())
    link.lower.incoming = [Message(GOT)]
    (event,) = link.receive(b"?")
    assert isinstance(event, Failed)
    assert (event.error.kind, event.error.message) == (
        ErrorKind.STATE,
        f"a message came before any keys are in use: {GOT[:8].hex(' ')}; connect first",
    )


def test_without_a_counter_nothing_is_sent():
    joined = Joined()
    joined.link.cipher.unicast.counters.void()
    (event,) = joined.association.send(GET)
    assert isinstance(event, Failed)
    assert event.error.kind is ErrorKind.SECURITY
    assert not joined.association.is_pending


def test_without_keys_nothing_is_sent():
    joined = Joined()
    joined.link.use(None)
    (event,) = joined.association.send(GET)
    assert isinstance(event, Failed)
    with pytest.raises(ProtocolFault, match="no keys"):
        joined.link.protect(GET)
