"""A login at an emulated EM1000, whose responder is our own and no meter's."""

from meterkit.em1000 import Em1000Session
from meterkit.emulator import EmulatorTransport
from meterkit.emulator.em1000 import Em1000MeterEmulator
from meterkit.emulator.em1000 import test_only_responder as respond
from meterkit.testing import Scenario
from tests.reliability.rig import PERFORMED, note_what_em1000_meters_judge, one_by_one


class Em1000Login(Scenario):
    name = "EM1000: connect, login"
    delay = 3.0  # the session waits 2 s for an answer
    limit = 200.0

    def line(self):
        note_what_em1000_meters_judge()
        return EmulatorTransport(Em1000MeterEmulator(), is_noisy=True)

    async def use(self, line):
        async with Em1000Session(line) as session:
            results = [await session.connect()]
            results += await one_by_one(session, lambda: session.login(respond))
        return [result.map(_told) for result in results]

    def performed(self):
        return list(PERFORMED)


def _told(reply):
    """The answer itself; stray octets that came beside it are told as such, and vary with the line."""
    return None if reply is None else reply.payload


SCENARIOS = (Em1000Login,)
