"""The lanes of a cipher for usual messages, and the general ways behind them: nobody can tell them apart.

Each message goes to two ciphers that are alike, one of which has no lanes.  What both say, and where both
stand afterwards, has to be the same: for random services, for messages altered, cut and played back, and for
every state that keys can be in.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterkit.dlms.security import (
    Cipher,
    CounterBlock,
    Envelope,
    ExpectedKey,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    Security,
    SecurityPolicy,
    SecuritySuite,
)
from meterkit.dlms.security.headers import DED, GLO
from meterkit.errors import MeterError, ProtocolFault
from tests.dlms.security.material import AK, ANSWER, BOTH, CLIENT, EK, GET, METER, OTHER_KEY, key

UNICAST, DEDICATED, BROADCAST = (
    KeyKind.GLOBAL_UNICAST_ENCRYPTION,
    KeyKind.DEDICATED,
    KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
)
THIRD_KEY = bytes.fromhex("a7" * 16)
NOW = 100  # the counter of what is sent, and the highest that came where one did


class WithoutLanes(Cipher):
    """The general ways alone."""

    def protect(self, apdu: bytes) -> bytes:
        return self._protect_any(apdu)

    def unprotect(self, octets: bytes) -> bytes:
        return self._unprotect_any(octets)


@dataclass(frozen=True)
class State:
    """What a cipher is like before a message."""

    suite: SecuritySuite = SecuritySuite.SUITE_0
    applied: Security = BOTH
    required: Security = BOTH
    envelope: Envelope = Envelope.SERVICE
    is_general_granted: bool = False
    has_dedicated: bool = False
    has_broadcast: bool = False
    sends_broadcast: bool = False
    has_authentication_key: bool = True
    has_counters: bool = True
    left: int = 5
    received: int | None = None
    is_changing: bool = False  # the key before this one is still tried
    is_expecting: bool = False  # another one may come
    has_come: bool = False  # it has: nothing by the key in use any more
    knows_peer: bool = True
    encryption: bytes = EK

    def cipher(self, kind: type[Cipher], title: bytes, peer: bytes) -> Cipher:
        """Return a new cipher in this state."""
        counters = CounterBlock(NOW, NOW + self.left) if self.has_counters else None
        unicast = KeyInUse(UNICAST, self._key(self.encryption), counters, self.received)
        if self.is_changing:
            unicast.previous, unicast.previous_received = self._key(THIRD_KEY), self.received
        if self.is_expecting or self.has_come:
            unicast.expected = ExpectedKey(self._key(OTHER_KEY), counts_anew=True, has_come=self.has_come)
        made = kind(
            title,
            SecurityPolicy(self.suite, self.applied, self.required),
            unicast,
            peer_title=peer if self.knows_peer else None,
            dedicated=self._other(DEDICATED) if self.has_dedicated else None,
            broadcast=self._other(BROADCAST) if self.has_broadcast or self.sends_broadcast else None,
            envelope=self.envelope,
            sends_broadcast=self.sends_broadcast,
        )
        made.is_general_granted = self.is_general_granted
        return made

    def _other(self, kind: KeyKind) -> KeyInUse:
        return KeyInUse(kind, self._key(OTHER_KEY), CounterBlock(NOW, NOW + self.left), self.received)

    def _key(self, encryption: bytes) -> ProtectionKey:
        return key(self.suite, encryption, AK if self.has_authentication_key else None)


STATES = st.builds(
    State,
    suite=st.sampled_from(SecuritySuite),
    applied=st.sampled_from((BOTH, BOTH, *Security)),
    required=st.sampled_from((BOTH, BOTH, *Security)),
    envelope=st.sampled_from(Envelope),
    is_general_granted=st.booleans(),
    has_dedicated=st.booleans(),
    has_broadcast=st.booleans(),
    sends_broadcast=st.booleans(),
    has_authentication_key=st.sampled_from((True, True, False)),
    has_counters=st.sampled_from((True, True, False)),
    left=st.sampled_from((0, 1, 5)),
    received=st.sampled_from((None, 0, NOW - 1, NOW, NOW + 1, 2**32 - 1)),
    is_changing=st.booleans(),
    is_expecting=st.booleans(),
    has_come=st.booleans(),
    knows_peer=st.sampled_from((True, True, False)),
)
TAGS = sorted(
    {*GLO, *GLO.values(), *DED.values(), 0x60, 0x61, 0x62, 0x63, 0xD8, 0xDB, 0xDC, 0xDD, 0xDF, 0xE0}
)
APDUS: st.SearchStrategy[bytes] = st.one_of(
    st.sampled_from((GET, ANSWER, b"")),
    st.builds(bytes.__add__, st.sampled_from([bytes((tag,)) for tag in TAGS]), st.binary(max_size=300)),
    st.binary(max_size=140),
)


#: All there is to a state, one thing at a time.
ODDITIES: list[dict[str, Any]] = [
    *({"suite": suite} for suite in SecuritySuite if suite is not SecuritySuite.SUITE_0),
    *({way: security} for way in ("applied", "required") for security in Security if security is not BOTH),
    {"envelope": Envelope.GENERAL},
    *({name: True} for name in ("is_general_granted", "has_dedicated", "has_broadcast", "sends_broadcast")),
    *({name: False} for name in ("has_authentication_key", "has_counters", "knows_peer")),
    *({"left": left} for left in (0, 1)),
    *({"received": received} for received in (0, NOW - 1, NOW, 2**32 - 1)),
    *({name: True} for name in ("is_changing", "is_expecting", "has_come")),
]
PAIRS = [State(**{**one, **other}) for one in ({}, *ODDITIES) for other in ({}, *ODDITIES)]
SENDERS = [
    *(State(**oddity) for oddity in ({}, *ODDITIES)),
    *(State(encryption=other) for other in (OTHER_KEY, THIRD_KEY)),
]
INITIATE, INITIATED = b"\x01" + bytes(9), b"\x08" + bytes(9)


def outcome(cipher: Cipher, way: str, octets: bytes) -> tuple[bytes | MeterError, object]:
    """Return what a cipher says to a message, and how it stands then."""
    said: bytes | MeterError
    kind: type[Exception] | None = None
    try:
        said = cipher.protect(octets) if way == "out" else cipher.unprotect(octets)
    except ProtocolFault as refused:
        said, kind = refused.error, type(refused)
    keys = [in_use for in_use in (cipher.unicast, cipher.dedicated, cipher.broadcast) if in_use is not None]
    stand = [
        (
            one.received,
            None if one.counters is None else repr(one.counters),
            one.previous is None,
            one.previous_received,
            None if one.expected is None else (one.expected.received, one.expected.has_come),
        )
        for one in keys
    ]
    return said, (kind, stand)


def alike(state: State, way: str, octets: bytes) -> bytes | MeterError:
    """Make sure that both ciphers do the same, and return what they say."""
    usual = outcome(state.cipher(Cipher, CLIENT, METER), way, octets)
    general = outcome(state.cipher(WithoutLanes, CLIENT, METER), way, octets)
    assert usual == general
    return usual[0]


@pytest.mark.parametrize("apdu", [GET, ANSWER, INITIATE, INITIATED, b"\x60\x00", b"\xd9\x00", b""])
def test_any_two_oddities_at_once_change_nothing_of_what_goes_out(apdu: bytes) -> None:
    for state in PAIRS:
        alike(state, "out", apdu)


@pytest.mark.parametrize("apdu", [ANSWER, INITIATED, b"\xd8\x01\x02"])
def test_any_two_oddities_at_once_change_nothing_of_what_comes_in(apdu: bytes) -> None:
    came = {apdu}
    for sender in SENDERS:
        with suppress(ProtocolFault):
            came.add(sender.cipher(Cipher, METER, CLIENT).protect(apdu))
    for octets in came:
        for state in PAIRS:
            alike(state, "in", octets)


@pytest.mark.parametrize("is_sent_dedicated", [False, True])
@pytest.mark.parametrize("is_dedicated", [False, True])
def test_a_message_under_any_other_tag_is_refused_alike(is_dedicated: bool, is_sent_dedicated: bool) -> None:
    octets = State(has_dedicated=is_sent_dedicated).cipher(Cipher, METER, CLIENT).protect(ANSWER)
    taken: list[int] = []
    for tag in range(256):
        said = alike(State(has_dedicated=is_dedicated), "in", bytes((tag,)) + octets[1:])
        if said == ANSWER:
            taken.append(tag)
    is_known = is_dedicated or not is_sent_dedicated
    assert taken == ([octets[0]] if is_known else [])


def test_without_an_authentication_key_no_tag_is_right() -> None:
    state, counted = State(has_authentication_key=False), NOW.to_bytes(4, "big")
    sealed = key().seal(METER + counted, ANSWER, b"")
    said = alike(state, "in", bytes((0xCC, 5 + len(sealed), 0x30)) + counted + sealed)
    assert isinstance(said, MeterError)
    assert "no authentication key is known" in said.message


def test_a_key_of_another_suite_than_the_policys_is_as_good_either_way() -> None:
    for kind in (Cipher, WithoutLanes):
        client = State(suite=SecuritySuite.SUITE_1).cipher(kind, CLIENT, METER)
        client.unicast.key = key(SecuritySuite.SUITE_0)
        meter = State(suite=SecuritySuite.SUITE_1).cipher(Cipher, METER, CLIENT)
        assert meter.unprotect(client.protect(GET)) == GET
        assert client.unprotect(meter.protect(ANSWER)) == ANSWER


@given(state=STATES, apdu=APDUS)
@example(State(), GET)
@example(State(), bytes((0xC0,)) + bytes(109))  # the last size with a length of one octet
@example(State(), bytes((0xC0,)) + bytes(110))
def test_what_goes_out_is_the_same_by_the_lane_and_by_the_general_way(state: State, apdu: bytes) -> None:
    alike(state, "out", apdu)


@given(
    state=STATES,
    senders=STATES,
    apdu=APDUS,
    changes=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 255)), max_size=2),
    cut=st.one_of(st.just(0), st.integers(-3, 20)),
    is_same=st.booleans(),
)
def test_what_comes_in_is_taken_and_refused_alike_by_the_lane_and_by_the_general_way(
    state: State,
    senders: State,
    apdu: bytes,
    changes: list[tuple[int, int]],
    cut: int,
    is_same: bool,
) -> None:
    try:
        octets = (state if is_same else senders).cipher(Cipher, METER, CLIENT).protect(apdu)
    except ProtocolFault:
        octets = apdu
    altered = bytearray(octets)
    for at, bits in changes:
        if at < len(altered):
            altered[at] ^= bits
    octets = bytes(altered) + bytes(-cut) if cut < 0 else bytes(altered[: len(altered) - cut])
    alike(state, "in", octets)


@given(state=STATES, octets=APDUS)
def test_any_octets_are_taken_and_refused_alike(state: State, octets: bytes) -> None:
    alike(state, "in", octets)


@pytest.mark.parametrize("plain", [ANSWER, bytes((0xC4,)) + bytes(109), bytes((0xC4,)) + bytes(110)])
@pytest.mark.parametrize("received", [None, NOW - 1, NOW, NOW + 1])
@pytest.mark.parametrize("is_dedicated", [False, True])
def test_every_flipped_bit_and_every_cut_are_refused_alike(
    plain: bytes, received: int | None, is_dedicated: bool
) -> None:
    state = State(received=received, has_dedicated=is_dedicated)
    octets = State(has_dedicated=is_dedicated).cipher(Cipher, METER, CLIENT).protect(plain)
    is_new = received is None or received < NOW
    assert (alike(state, "in", octets) == plain) is is_new
    for bit in range(8 * min(len(octets), 24)):
        altered = bytearray(octets)
        altered[bit // 8] ^= 1 << bit % 8
        assert isinstance(alike(state, "in", bytes(altered)), MeterError)
    for size in range(len(octets)):
        assert isinstance(alike(state, "in", octets[:size]), MeterError)


def test_a_message_played_back_is_refused_by_both_once_it_came() -> None:
    meter, octets = State().cipher(Cipher, METER, CLIENT), b""
    for kind in (Cipher, WithoutLanes):
        client = State().cipher(kind, CLIENT, METER)
        octets = octets or meter.protect(ANSWER)
        assert client.unprotect(octets) == ANSWER
        assert client.unicast.received == NOW
        with pytest.raises(ProtocolFault, match="invocation counter 101 or higher expected, 100 came"):
            client.unprotect(octets)


def test_the_usual_messages_never_come_to_the_general_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Cipher, octets: bytes) -> bytes:
        raise AssertionError(octets.hex())

    monkeypatch.setattr(Cipher, "_protect_any", never)
    monkeypatch.setattr(Cipher, "_unprotect_any", never)
    for state in (State(), State(has_dedicated=True), State(required=Security.NONE)):
        client, meter = state.cipher(Cipher, CLIENT, METER), state.cipher(Cipher, METER, CLIENT)
        assert meter.unprotect(client.protect(GET)) == GET
        assert client.unprotect(meter.protect(ANSWER)) == ANSWER
