"""The gate: sessions, connections a second, permits, priority; no loop and no clock."""

from dataclasses import dataclass
from random import Random

from meterkit.fleet.gate import Gate, TokenBucket


@dataclass(eq=False)
class Job:
    name: str
    keys: tuple = ()
    rank: int = 0
    has_session: bool = False
    is_withdrawn: bool = False
    holds_session: bool = False

    def drop_session(self):
        self.holds_session = False


def gate(sessions=100, rate=1e6, burst=10**6, **limits):
    return Gate(sessions, TokenBucket(rate, burst), limits)


def begun(gate, now=0.0):
    """Return the names of all that begin now."""
    names = []
    while isinstance(job := gate.next(now), Job):
        names.append(job.name)
    return names


def test_jobs_begin_in_the_order_they_came():
    one = gate()
    for name in "abc":
        one.put(Job(name))
    assert begun(one) == ["a", "b", "c"]


def test_the_lower_rank_goes_first():
    one = gate()
    for name, rank in (("late", 5), ("early", -5), ("middle", 0)):
        one.put(Job(name, rank=rank))
    assert begun(one) == ["early", "middle", "late"]


def test_no_more_sessions_are_open_than_allowed():
    one = gate(sessions=2)
    jobs = [Job(name) for name in "abc"]
    for job in jobs:
        one.put(job)
    assert begun(one) == ["a", "b"]
    one.release(jobs[0])
    assert begun(one) == ["c"]


def test_a_key_with_two_permits_lets_two_begin_and_others_pass_by():
    one = gate(cell=2)
    jobs = [Job(f"n{number}", (("cell", "north"),)) for number in range(3)]
    for job in [*jobs, Job("south", (("cell", "south"),))]:
        one.put(job)
    assert begun(one) == ["n0", "n1", "south"]
    one.release(jobs[0])
    assert begun(one) == ["n2"]


def test_who_waits_for_a_second_key_leaves_the_first_to_others():
    one = gate(cell=1, gateway=1)
    holder = Job("holder", (("gateway", "g"),))
    one.put(holder)
    assert begun(one) == ["holder"]
    cell = Job("cell only", (("cell", "c"),))
    one.put(cell)
    both = Job("both", (("cell", "c"), ("gateway", "g")))
    one.put(both)
    one.put(Job("next", (("cell", "c"),)))
    assert begun(one) == ["cell only"]
    one.release(cell)  # wakes "both", which the gateway still keeps waiting
    assert begun(one) == ["next"]


def test_new_connections_are_spread_over_time():
    one = gate(rate=10, burst=2)
    for name in "abcd":
        one.put(Job(name))
    assert begun(one) == ["a", "b"]
    assert abs(one.next(0.0) - 0.1) < 1e-9
    assert begun(one, 0.1) == ["c"]
    assert begun(one, 0.2) == ["d"]


def test_a_job_with_a_session_needs_no_connection_and_no_further_session():
    one = gate(sessions=1, rate=1, burst=1)
    one.put(Job("first"))
    assert begun(one) == ["first"]
    one.put(Job("waits"))
    one.put(Job("has one", has_session=True, holds_session=True))
    assert begun(one) == ["has one"]


def test_a_session_that_broke_while_its_job_waited_is_given_back():
    one = gate(sessions=1)
    job = Job("a")
    one.put(job)
    assert begun(one) == ["a"]
    one.release(job, session=False)
    job.has_session = job.holds_session = True
    one.put(job)
    job.has_session = False  # the meter hung up
    assert begun(one) == ["a"]
    assert not job.holds_session
    assert one.open_sessions == 1


def test_who_withdrew_is_passed_over_and_blocks_nobody():
    one = gate(cell=1)
    keys = (("cell", "c"),)
    holder, gone, last = Job("holder", keys), Job("gone", keys), Job("last", keys)
    for job in (holder, gone, last):
        one.put(job)
    assert begun(one) == ["holder"]
    gone.is_withdrawn = True
    one.release(holder)
    assert begun(one) == ["last"]


def test_whatever_the_keys_everybody_begins_at_last_and_no_limit_is_broken():
    random = Random(7)
    for _ in range(30):
        limits = {"cell": random.randint(1, 3), "gateway": random.randint(1, 2)}
        one = gate(sessions=4, **limits)
        jobs = []
        for number in range(60):
            kinds = random.sample(["cell", "gateway", "line"], random.randint(0, 3))
            keys = tuple((kind, str(random.randint(0, 2))) for kind in kinds)
            jobs.append(Job(str(number), keys, random.randint(0, 2)))
            one.put(jobs[-1])
        running, done = [], 0
        while done < len(jobs):
            while isinstance(job := one.next(0.0), Job):
                running.append(job)
            assert len(running) <= 4
            for kind, limit in limits.items():
                held = [key for job in running for key in job.keys if key[0] == kind]
                assert all(held.count(key) <= limit for key in held)
            assert running, "somebody waits, and nobody holds what he waits for"
            one.release(running.pop(random.randrange(len(running))))
            done += 1
        assert len(one) == 0
