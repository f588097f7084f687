"""What the scenarios have in common: calls until the session is lost, and what meters did."""

from functools import cache
from random import Random

from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.security import authentication
from meterkit.emulator.dlms import meter as dlms_meter
from meterkit.emulator.dlms.object_view import ObjectView
from meterkit.emulator.em1000.meter import Em1000EmulatorSession
from meterkit.emulator.household import Household
from meterkit.result import Err

PERFORMED = []  #: octets of writes and actions that emulated DLMS meters performed since it was cleared

_write, _invoke = ObjectView.write, ObjectView.invoke
_judge = Em1000EmulatorSession._judge
_secrets = authentication.secrets


@cache
def _house(seed):
    """The same household for all meters of one seed: its years are counted up once, and it never changes."""
    return Household(seed)


def _noting_write(self, one, index, octets):
    result = _write(self, one, index, octets)
    if result is DataAccessResult.SUCCESS:
        PERFORMED.append(("write", str(one.obis), index, octets))
    return result


def _noting_invoke(self, one, index, parameters):
    result = _invoke(self, one, index, parameters)
    if result[0] is ActionResult.SUCCESS:
        PERFORMED.append(("action", str(one.obis), index, parameters))
    return result


def note_what_dlms_meters_perform():
    """Forget what was performed; from now on all of it is noted."""
    PERFORMED.clear()
    dlms_meter.Household = _house
    ObjectView.write, ObjectView.invoke = _noting_write, _noting_invoke


def _noting_judge(self, payload):
    PERFORMED.append(("login", payload))
    return _judge(self, payload)


def note_what_em1000_meters_judge():
    """Forget what was performed; from now on every login that a meter judges is noted."""
    PERFORMED.clear()
    Em1000EmulatorSession._judge = _noting_judge


class _Dice:
    """Stands in for `secrets`, where challenges are drawn."""

    def __init__(self):
        self.token_bytes = Random(1).randbytes


def draw_the_same_challenges():
    """Let challenges of both ends be the same in every run, so that a failure can be had again."""
    authentication.secrets = _Dice()


def undo():
    """Leave emulators and challenges as they were."""
    ObjectView.write, ObjectView.invoke = _write, _invoke
    dlms_meter.Household = Household
    Em1000EmulatorSession._judge = _judge
    authentication.secrets = _secrets


async def one_by_one(client, *calls):
    """Await the calls in order, until one of them ends the session; return the Results."""
    results = []
    for call in calls:
        results.append(await call())
        if isinstance(results[-1], Err) and not client.is_connected:
            break
    return results
