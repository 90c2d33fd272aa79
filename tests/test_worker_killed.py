"""The worker's process killed with -9, at each point of its life and at random, and started again: nothing shows."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from runs import World
from test_worker import POINTS, script, world
from worlds import SHIFTED, at, partition, ping, switch, walk

from geofence.wire_events import decode_event

KILLED = -signal.SIGKILL


def in_a_process(do: Callable[[], None], *, kill_after_s: float | None = None) -> int:
    """Do something in a process of its own, which may be killed meanwhile; how it ended."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            do()
            status = 0
        finally:
            os._exit(status)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def work_and_die_at(its: World, point: str, visit: int) -> int:
    """Run a worker that is killed at the given visit of a point; 0 if it never came there."""
    visits = 0

    def at_point(here: str) -> None:
        nonlocal visits
        visits += here == point
        if visits == visit:
            os.kill(os.getpid(), signal.SIGKILL)

    return in_a_process(lambda: its.work(at_point))


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_it_goes_on_as_if_nothing_had_been(tmp_path: Path, point: str) -> None:
    its = world(tmp_path)
    its.pour(script())
    kills = [work_and_die_at(its, point, visit) for visit in (1, 2, 3, 2, 1)]
    assert set(kills) <= {0, KILLED}
    assert KILLED in kills
    its.work()
    its.check_against_replay(tmp_path)


def test_killed_at_random_it_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    chance, its = random.Random(4), world(tmp_path)
    hits = 0
    for round_ in range(8):
        its.pour(crowd(round_))
        for _ in range(4):
            hits += in_a_process(its.work, kill_after_s=chance.uniform(0.0, 0.15)) == KILLED
    its.work()
    told = its.check_against_replay(tmp_path)
    assert hits > 10, "the kills came too late to prove anything"
    assert len(told) == 40


def test_killed_in_the_midst_of_a_switch_every_device_moves_once(tmp_path: Path) -> None:
    its = world(tmp_path)
    devices = [f"d{number:02d}" for number in range(40)]
    its.pour(
        [*(step for device in devices for step in walk("A 0 A 60 A 120", device)), switch(partition(SHIFTED), 200)]
    )
    kills = [work_and_die_at(its, "after commit", visit) for visit in (3, 2, 2, 2, 2, 2)]
    assert kills.count(KILLED) == 6
    its.work()
    told = its.check_against_replay(tmp_path)
    for device in devices:
        causes = [decode_event(line).data.cause for line in told[device]]
        assert causes.count("boundary") == 1


def crowd(round_: int) -> list:
    """Forty devices that go from square to square."""
    place = "ABCB"[round_ % 4]
    steps = [(place, 600 * round_ + 60 * k) for k in range(5)]
    pings = [ping(here, second + number / 100, f"d{number}") for number in range(40) for here, second in steps]
    assert all(one.time_ms >= at(0) for one in pings)
    return sorted(pings, key=lambda one: one.time_ms)
