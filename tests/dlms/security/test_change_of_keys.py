"""One key while it changes: which keys are tried, whose counter moves, and what is said of an old message."""

from __future__ import annotations

import pytest

from meterkit.dlms.security import (
    ExpectedKey,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    Security,
    StaleCounter,
    dedicated_key,
)
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import ANSWER, METER, OTHER_KEY, in_use, key

OLD, NEW = key(), key(encryption=OTHER_KEY)
ANOTHER_AK = key(authentication=OTHER_KEY)
HEADER = b"header"


def sealed(by: ProtectionKey, counter: int, control: int = 0x30) -> bytes:
    """A message of the meter's."""
    return by.protect(control, METER, counter, ANSWER, HEADER)


def taken(own: KeyInUse, content: bytes) -> bytes:
    """What is inside, with its counter noted, as a cipher does it."""
    plain, accept = own.unprotect(content, METER, HEADER)
    accept(int.from_bytes(content[1:5], "big"))
    return plain


def stale(own: KeyInUse, content: bytes) -> StaleCounter:
    with pytest.raises(StaleCounter) as refused:
        taken(own, content)
    return refused.value


def expecting(new: ProtectionKey = NEW, *, counts_anew: bool = True) -> KeyInUse:
    own = in_use(of=OLD)
    own.expected = ExpectedKey(new, counts_anew)
    return own


# ------------------------------------------------------------------ the former key
def test_the_former_key_goes_on_with_its_own_counter_while_the_new_one_has_not_come() -> None:
    own = in_use(of=OLD)
    own.received = 7
    own.change(NEW)
    assert taken(own, sealed(OLD, 8)) == ANSWER
    assert (own.received, own.previous_received) == (None, 8)
    told = stale(own, sealed(OLD, 8))
    assert (told.came, told.expected) == (8, 9)
    assert str(told.error) == (
        "former global unicast encryption key: invocation counter 9 or higher expected, 8 came: "
        "the message was seen before, or its sender lost count [security]"
    )


def test_the_first_message_by_the_new_key_ends_the_former_one() -> None:
    own = in_use(of=OLD)
    own.change(NEW, 3)
    assert taken(own, sealed(NEW, 4)) == ANSWER
    assert (own.received, own.previous) == (4, None)
    with pytest.raises(ProtocolFault, match="the tag does not verify"):
        own.unprotect(sealed(OLD, 9), METER, HEADER)


def test_a_message_without_a_tag_is_read_by_the_key_in_use_and_ends_nothing() -> None:
    own = in_use(of=NEW)
    own.change(OLD)
    encrypted = Security.ENCRYPTION.value
    assert taken(own, sealed(OLD, 1, encrypted)) == ANSWER
    assert own.previous is NEW
    assert taken(own, sealed(NEW, 2, encrypted)) != ANSWER  # nobody can tell that it was another key


def test_no_octets_are_refused_whatever_is_under_way() -> None:
    own = expecting()
    own.change(NEW)
    with pytest.raises(ProtocolFault, match="5 octets at least expected") as refused:
        own.unprotect(b"", METER)
    assert refused.value.error.kind is ErrorKind.DECODE


# ------------------------------------------------------------------ the expected key
def test_the_expected_key_counts_anew_and_shuts_the_one_in_use_out() -> None:
    own = expecting()
    assert taken(own, sealed(OLD, 500)) == ANSWER
    assert own.expected is not None
    assert not own.expected.has_come
    for counter in (0, 1, 2):
        assert taken(own, sealed(NEW, counter)) == ANSWER
    assert (own.received, own.expected.received, own.expected.has_come) == (500, 2, True)
    told = stale(own, sealed(NEW, 2))
    assert (told.came, told.expected) == (2, 3)
    assert str(told.error).startswith("new global unicast encryption key: invocation counter 3 or higher")
    with pytest.raises(ProtocolFault, match="the tag does not verify"):
        own.unprotect(sealed(OLD, 501), METER, HEADER)


def test_an_expected_key_that_differs_in_its_authentication_key_goes_on_counting() -> None:
    own = expecting(ANOTHER_AK, counts_anew=False)
    own.received = 5
    told = stale(own, sealed(ANOTHER_AK, 5))
    assert (told.came, told.expected) == (5, 6)
    assert own.expected is not None
    assert not own.expected.has_come  # a message played back shows nothing
    assert taken(own, sealed(ANOTHER_AK, 6)) == ANSWER
    assert (own.received, own.expected.received, own.expected.has_come) == (6, None, True)


def test_a_message_by_the_expected_key_that_comes_after_the_change_counts_for_the_key_in_use() -> None:
    own = expecting()
    _, accept = own.unprotect(sealed(NEW, 4), METER, HEADER)
    own.change(NEW)
    accept(4)
    assert own.received == 4


def test_in_the_middle_of_a_change_expected_and_former_keys_are_both_tried() -> None:
    own = in_use(of=OLD)
    own.change(ANOTHER_AK)
    own.expected = ExpectedKey(NEW, True)
    assert taken(own, sealed(OLD, 1)) == ANSWER
    assert (own.received, own.previous_received, own.expected.received) == (None, 1, None)
    assert taken(own, sealed(NEW, 1)) == ANSWER
    assert (own.received, own.previous_received, own.expected.received) == (None, 1, 1)


# ------------------------------------------------------------------ a dedicated key
def test_a_dedicated_key_is_named_in_errors() -> None:
    own = dedicated_key(OTHER_KEY, in_use())
    assert own.kind is KeyKind.DEDICATED
    assert taken(own, sealed(own.key, 1)) == ANSWER
    assert stale(own, sealed(own.key, 1)).error.where == "dedicated key"
