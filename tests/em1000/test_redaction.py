"""Challenge and response leave no recording that was asked to hide them, however the line cut them."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.em1000 import CapturedSecret, Em1000Session, Redactor, decode_capture
from meterkit.emulator import EmulatorTransport
from meterkit.emulator.em1000 import Em1000EmulatorConfiguration, Em1000MeterEmulator
from meterkit.emulator.em1000 import test_only_responder as respond
from meterkit.options import Em1000Options
from meterkit.recording import Direction, Recorded
from meterkit.transport.recorder import RecordingTransport
from tests.em1000.vectors import FRAMES
from tests.virtual_clock import VIRTUAL_CLOCK

SENT, RECEIVED, OVERHEARD = Direction.SENT, Direction.RECEIVED, Direction.OVERHEARD


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def test_challenge_and_response_are_hidden_with_their_checks():
    redactor = Redactor()
    assert redactor(SENT, FRAMES[0]) == "aa010fdec2"
    assert redactor(RECEIVED, FRAMES[1] + b"\xff\xff") == "aa09ff" + ".." * 10 + "ffff"
    assert redactor(SENT, FRAMES[2]) == "aa0601" + ".." * 7
    assert redactor(RECEIVED, FRAMES[3]) == FRAMES[3].hex()
    assert redactor(RECEIVED, FRAMES[4]) == FRAMES[4].hex()


def test_eight_octets_that_are_no_challenge_stay():
    redactor = Redactor()
    assert redactor(RECEIVED, FRAMES[1]) == FRAMES[1].hex()


@pytest.mark.parametrize("cuts", list(combinations(range(len(FRAMES[2])), 2)))
def test_a_frame_torn_over_records_hides_its_secret_all_the_same(cuts):
    a, b = cuts
    redactor = Redactor()
    frame = FRAMES[2]
    assert redactor(SENT, frame[:a]) + redactor(SENT, frame[a:b]) + redactor(SENT, frame[b:]) == (
        "aa0601" + ".." * 7
    )


@given(st.binary(max_size=20))
def test_noise_in_front_gives_no_secret_away(noise):
    redactor = Redactor()
    assert redactor(OVERHEARD, noise + FRAMES[2]).endswith(".." * 7)


@pytest.mark.anyio
@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("noise", [b"", b"\xaa\xc8", b"\xaa"])
async def test_a_recorded_login_can_be_shown_to_anybody(echo, noise):
    secrets, lines = [], []

    def keep(challenge):
        secrets.extend([challenge, respond(challenge)])
        return secrets[1]

    meter = Em1000MeterEmulator(Em1000EmulatorConfiguration(echo=echo, noise=noise))
    line = RecordingTransport(EmulatorTransport(meter), lines.append, redactor=Redactor())
    async with Em1000Session(line, Em1000Options(echo=echo)) as session:
        (await session.connect()).unwrap()
        (await session.login(keep)).unwrap()
    text = "".join(lines)
    for secret in secrets:
        assert secret.hex() not in "".join(Recorded.parse(line).hex for line in text.splitlines())
    items = decode_capture(text).items
    assert sum(isinstance(item, CapturedSecret) for item in items) == (3 if echo else 2)
