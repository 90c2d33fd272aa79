"""The soak's own measures: a ping is known again in the log, one that is missing is missed, what grows is not flat."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from geofence.ping import Source
from geofence.wire import decode_pings
from tests.soak.copying import Copy
from tests.soak.judging import undelivered
from tests.soak.lasting import limits
from tests.soak.phones import Phones
from tests.soak.served import Sample
from tests.soak.tables import verdict_lines
from tests.torture.oracle import Verdict

PHONES = Phones(count=40, lanes=4, begin_ms=1_750_000_000_000, interval_ms=10_000)


def test_every_ping_is_known_again_by_its_device_and_its_time_and_few_are_late_or_bad() -> None:
    late = 0
    for lane in range(PHONES.lanes):
        sent = json.loads(PHONES.body(lane, 0, 2000))
        assert [PHONES.place(one["device"], one["time_ms"]) for one in sent] == [(lane, at) for at in range(2000)]
        late += sum(one["time_ms"] % 10 for one in sent)
        bad = [one["lon"] == 200 for one in sent]
        assert bad == PHONES.bad(lane, 2000).tolist()
    assert 0 < late < 400
    pings, _, unread = decode_pings([json.dumps(one).encode() for one in sent])
    assert not unread
    assert set(pings.source.tolist()) == {Source.GPS}


def test_what_a_lane_sends_does_not_depend_on_how_it_is_cut_into_requests() -> None:
    whole = json.loads(PHONES.body(1, 0, 90))
    assert whole == [*json.loads(PHONES.body(1, 0, 7)), *json.loads(PHONES.body(1, 7, 90))]


def test_an_acknowledged_ping_that_is_nowhere_is_missed_and_a_refused_one_is_not(tmp_path: Path) -> None:
    with Copy(tmp_path, PHONES, partitions=1) as copy:
        for lane in range(PHONES.lanes):
            copy.seen[lane][:1000] = ~PHONES.bad(lane, 1000)
        assert PHONES.bad(0, 1000).any()
        assert copy.missing([1000] * 4) == 0
        there = int(np.flatnonzero(copy.seen[2][:1000])[10])
        copy.seen[2][there] = False
        assert copy.missing([1000] * 4) == 1
        assert copy.missing([1000, 1000, there, 1000]) == 0


def test_a_webhook_that_misses_an_event_or_turns_two_round_is_found_out(tmp_path: Path) -> None:
    told = [{"id": f"e{n}", "subject": "s-1", "data": {"layer": "town" if n < 3 else "other"}} for n in range(4)]
    with Copy(tmp_path, PHONES, partitions=1) as copy:
        copy.events(0).write_text("".join(json.dumps(one) + "\n" for one in told))
        assert undelivered(copy, "town", {"s-1": ["e0", "e1", "e2"]}) == (0, 0)
        assert undelivered(copy, "town", {"s-1": ["e0", "e2"]}) == (1, 0)
        assert undelivered(copy, "town", {"s-1": ["e1", "e0", "e2"]}) == (0, 1)
        assert undelivered(copy, "town", {"s-1": ["e0", "e1", "e2"], "s-2": ["e9"]}) == (0, 1)


@pytest.mark.parametrize(
    ("what", "grown"),
    [
        ("memory", {"resident": 10**7}),
        ("open files", {"files": 2}),
        ("log", {"log": 3 * 10**7}),
        ("wal", {"wal": 10**7}),
    ],
)
def test_what_grows_is_not_flat(what: str, grown: dict[str, int]) -> None:
    def samples(more: dict[str, int]) -> list[Sample]:
        base = {"resident": 5 * 10**8, "files": 60, "log": 10**9, "wal": 10**7}
        return [
            Sample(10.0 * n, **{name: value + n * more.get(name, 0) for name, value in base.items()}) for n in range(30)
        ]

    assert all(one.kept for one in limits(samples({})))
    assert [one.what for one in limits(samples(grown)) if not one.kept] == [what]


def test_what_is_wrong_is_shown_with_examples() -> None:
    assert any("lost 3" in line for line in verdict_lines(Verdict(lost=3, examples=["lost e1"])))
    assert "  lost e1" in verdict_lines(Verdict(lost=3, examples=["lost e1"]))
