"""The session table, read aloud."""

import pytest

from meterkit.errors import ErrorKind
from meterkit.psem.services import ServiceCode
from meterkit.psem.state import TRANSITIONS, USUAL, SessionState, after, check

BASE, ID, SESSION = SessionState.BASE, SessionState.ID, SessionState.SESSION


def test_the_way_in_and_the_way_out():
    state = BASE
    for code, expected in (
        (ServiceCode.IDENTIFY, ID),
        (ServiceCode.NEGOTIATE + 1, ID),
        (ServiceCode.LOGON, SESSION),
        (ServiceCode.SECURITY, SESSION),
        (ServiceCode.READ_FULL, SESSION),
        (ServiceCode.WAIT, SESSION),
        (ServiceCode.LOGOFF, ID),
        (ServiceCode.LOGON, SESSION),
        (ServiceCode.TERMINATE, BASE),
    ):
        assert check(state, code) is None
        state = after(state, code)
        assert state is expected


def test_identify_starts_anew_from_id_but_not_from_a_session():
    assert after(ID, ServiceCode.IDENTIFY) is ID
    assert check(SESSION, ServiceCode.IDENTIFY) is not None


def test_terminate_and_disconnect_are_always_possible():
    for state in SessionState:
        for code in (ServiceCode.TERMINATE, ServiceCode.DISCONNECT):
            assert check(state, code) is None
            assert after(state, code) is BASE


@pytest.mark.parametrize("code", [*range(0x30, 0x3A), 0x3E, 0x3F, *range(0x40, 0x4A), 0x4F, 0x51, 0x52, 0x53])
def test_tables_and_security_need_a_session(code):
    assert check(SESSION, code) is None
    for state in (BASE, ID):
        error = check(state, code)
        assert error is not None
        assert error.kind is ErrorKind.STATE
        with pytest.raises(ValueError, match="out of order"):
            after(state, code)


@pytest.mark.parametrize("code", [*range(0x60, 0x6C), 0x50, 0x71])
def test_the_channel_is_settled_before_the_session(code):
    assert [check(state, code) is None for state in (BASE, ID, SESSION)] == [False, True, False]


def test_the_message_says_what_is_missing():
    error = check(ID, ServiceCode.READ_OFFSET)
    assert error is not None
    assert error.message == "read offset belongs to state session; the state is id: nobody is logged on"
    error = check(SESSION, ServiceCode.NEGOTIATE)
    assert error is not None
    assert error.message == "negotiate belongs to state id; the state is session: a session is open"


def test_extensions_belong_to_the_session():
    assert check(SESSION, 0x99) is None
    assert after(SESSION, 0x99) is SESSION
    assert check(BASE, 0x99) is not None


def test_every_service_is_in_the_table():
    assert {code for row in TRANSITIONS.values() for code in row} == set(ServiceCode)


def test_what_is_usual_in_a_session_is_allowed_there_and_changes_no_state_anywhere():
    assert {ServiceCode.READ_FULL, ServiceCode.SECURITY, ServiceCode.WAIT, 0x99} <= USUAL
    assert {ServiceCode.LOGON, ServiceCode.LOGOFF, ServiceCode.TERMINATE, ServiceCode.NEGOTIATE}.isdisjoint(
        USUAL
    )
    for code in USUAL:
        assert check(SESSION, code) is None
        for state in (state for state in SessionState if check(state, code) is None):
            assert after(state, code) is state
