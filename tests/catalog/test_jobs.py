"""Jobs: one process at a time, in order, taken over when it dies, and never written by who lost it."""

from typing import Any

import pytest
from towns import BY, NOW, at_once, draft, town

from catalog import Catalog, Conflict, Missing
from catalog.job import Job
from catalog.jobs import KEPT_MS


def ask(catalog: Catalog, kind: str = "check", version: int = 1, **asked: Any) -> Job:
    return catalog.jobs.create(kind, layer="town", version=version, asked=asked, **BY)


def take(catalog: Catalog, now_ms: int = NOW, holder: str = "one") -> Job:
    held = catalog.jobs.take(holder, now_ms=now_ms, lease_s=1.0)
    assert held
    return held


def go_on(catalog: Catalog, held: Job, now_ms: int, done: int = 1) -> bool:
    return catalog.jobs.progress(held, stage="reading", done=done, total=10, now_ms=now_ms, lease_s=1.0)


@pytest.fixture
def town_of_two(catalog: Catalog) -> Catalog:
    """A layer with two drafts."""
    town(catalog)
    draft(catalog)
    draft(catalog)
    return catalog


def test_a_job_goes_from_waiting_to_done_and_says_how_far_it_is(town_of_two: Catalog) -> None:
    jobs = town_of_two.jobs
    made = ask(town_of_two, "dry_run", hours=24)
    assert (made.state, made.asked, made.by, made.created_ms, made.is_open) == (
        "waiting", {"hours": 24}, "tests", NOW, True,
    )  # fmt: skip
    held = take(town_of_two, NOW + 5)
    assert (held.id, held.state, held.holder, held.started_ms) == (made.id, "running", "one", NOW + 5)
    assert go_on(town_of_two, held, NOW + 900, done=7)
    found = jobs.get(made.id)
    assert (found.stage, found.done, found.total, found.leased_until_ms) == ("reading", 7, 10, NOW + 1900)
    assert jobs.finish(held, {"changed": 3}, now_ms=NOW + 950)
    found = jobs.get(made.id)
    assert (found.state, found.result, found.ended_ms, found.holder) == ("done", {"changed": 3}, NOW + 950, None)
    assert not found.is_open
    assert jobs.take("one", now_ms=NOW + 10**6, lease_s=1) is None
    assert jobs.newest("dry_run", layer="town", version=1) == found
    assert jobs.newest("dry_run", layer="town", version=2) is None


def test_the_oldest_of_the_kinds_asked_for_comes_first(town_of_two: Catalog) -> None:
    made = [ask(town_of_two, kind, version) for kind, version in (("a", 1), ("b", 1), ("a", 2))]
    held = town_of_two.jobs.take("one", now_ms=NOW, lease_s=1, kinds=["b"])
    assert held
    assert held.id == made[1].id
    assert [take(town_of_two).id, take(town_of_two).id] == [made[0].id, made[2].id]


def test_each_of_many_takers_gets_another_job_or_none(url: str, town_of_two: Catalog) -> None:
    for _ in range(5):
        made = {ask(town_of_two, kind, version).id for kind in "ab" for version in (1, 2)}
        came = at_once(url, lambda own, number: own.jobs.take(f"{number}", now_ms=NOW, lease_s=1), 6)
        held = [one for one in came if one is not None]
        assert sorted(one.id for one in held) == sorted(made)
        assert all(town_of_two.jobs.finish(one, None, now_ms=NOW) for one in held)


def test_who_lost_a_lease_writes_nothing_more(town_of_two: Catalog) -> None:
    ask(town_of_two)
    first = take(town_of_two)
    assert town_of_two.jobs.take("two", now_ms=NOW + 999, lease_s=1) is None
    second = take(town_of_two, NOW + 1000)
    assert second.id == first.id
    assert not go_on(town_of_two, first, NOW + 1001)
    assert not town_of_two.jobs.finish(first, "stale", now_ms=NOW + 1001)
    assert not town_of_two.jobs.fail(first, "stale", now_ms=NOW + 1001)
    assert not town_of_two.jobs.give_back(first)
    assert town_of_two.jobs.get(first.id) == second


def test_who_is_late_and_was_not_replaced_goes_on(town_of_two: Catalog) -> None:
    ask(town_of_two)
    held = take(town_of_two)
    assert go_on(town_of_two, held, NOW + 5000)
    assert town_of_two.jobs.take("two", now_ms=NOW + 5999, lease_s=1) is None


def test_work_that_ends_three_processes_is_failed_and_stops_no_other(town_of_two: Catalog) -> None:
    deadly, other = ask(town_of_two), ask(town_of_two, version=2)
    for life in range(3):
        assert take(town_of_two, NOW + 1000 * life).id == deadly.id
    assert take(town_of_two, NOW + 3000).id == other.id
    found = town_of_two.jobs.get(deadly.id)
    assert (found.state, found.reason, found.ended_ms) == ("failed", "it ended its process three times", NOW + 3000)


def test_a_job_that_is_given_back_is_no_death(town_of_two: Catalog) -> None:
    made = ask(town_of_two)
    for _ in range(5):
        held = take(town_of_two)
        assert held.id == made.id
        assert town_of_two.jobs.give_back(held)
        assert not go_on(town_of_two, held, NOW)
    assert town_of_two.jobs.get(made.id).state == "waiting"


@pytest.mark.parametrize("running", [False, True])
def test_a_job_that_is_cancelled_stops_whoever_does_it(town_of_two: Catalog, running: bool) -> None:
    made = ask(town_of_two)
    held = take(town_of_two) if running else None
    cancelled = town_of_two.jobs.cancel(made.id, by="ada", now_ms=NOW + 9)
    assert (cancelled.state, cancelled.ended_ms) == ("cancelled", NOW + 9)
    if held:
        assert not go_on(town_of_two, held, NOW + 10)
        assert not town_of_two.jobs.finish(held, "late", now_ms=NOW + 10)
    assert town_of_two.jobs.take("two", now_ms=NOW + 10**6, lease_s=1) is None
    with pytest.raises(Conflict, match="is cancelled: only one that is waiting or running"):
        town_of_two.jobs.cancel(made.id, **BY)
    line = town_of_two.audit.lines()[0]
    assert (line.actor, line.action, line.target, line.detail["job"]) == ("ada", "job.cancel", "town/1", made.id)


def test_finishing_and_cancelling_at_once_end_it_once(url: str, town_of_two: Catalog) -> None:
    for _ in range(6):
        made = ask(town_of_two)
        held = take(town_of_two)

        def act(own: Catalog, number: int, held: Job = held) -> Any:
            return own.jobs.cancel(held.id, **BY) if number else own.jobs.finish(held, 1, now_ms=NOW)

        finished, cancelled = at_once(url, act, 2)
        state = town_of_two.jobs.get(made.id).state
        assert (finished, isinstance(cancelled, Job), state) in ((True, False, "done"), (False, True, "cancelled"))


def test_one_of_a_kind_is_open_for_a_version(url: str, town_of_two: Catalog) -> None:
    came = at_once(url, lambda own, _: ask(own))
    [made] = [one for one in came if isinstance(one, Job)]
    assert sum(isinstance(one, Conflict) and made.id in str(one) for one in came) == 5
    ask(town_of_two, version=2)
    ask(town_of_two, "dry_run")
    assert town_of_two.jobs.fail(take(town_of_two), "no\x00t \ud800 readable", now_ms=NOW)
    assert town_of_two.jobs.get(made.id).reason == "not ? readable"
    assert ask(town_of_two).id != made.id


def test_there_is_no_job_without_a_version_and_none_of_a_strange_name(town_of_two: Catalog) -> None:
    with pytest.raises(Missing, match="no version 3"):
        ask(town_of_two, version=3)
    for wrong in ("", "nobody", "\x00", "ä"):
        with pytest.raises(Missing, match="there is no job"):
            town_of_two.jobs.get(wrong)


def test_a_sweep_leaves_what_is_open_or_recent_and_the_newest_of_each_kind(town_of_two: Catalog) -> None:
    jobs = town_of_two.jobs

    def ended(kind: str, version: int, *, done: bool, at_ms: int = NOW) -> str:
        ask(town_of_two, kind, version)
        held = take(town_of_two)
        assert jobs.finish(held, {}, now_ms=at_ms) if done else jobs.fail(held, "no", now_ms=at_ms)
        return held.id

    old = [ended("check", 1, done=True), ended("check", 1, done=False)]
    kept = [
        ended("check", 1, done=True),  # the newest that was done
        ended("check", 1, done=False),  # the newest
        ended("dry_run", 1, done=True),
        ended("check", 2, done=True, at_ms=NOW + 1),
        ended("check", 2, done=True, at_ms=NOW + 1),
        ask(town_of_two, "dry_run", 2).id,
    ]
    assert jobs.sweep(now_ms=NOW + KEPT_MS) == 2
    left = {job.id for job in jobs.list("town")}
    assert left == set(kept)
    assert left.isdisjoint(old)
    newest = jobs.newest("check", layer="town", version=1)
    assert newest
    assert newest.id == kept[1]
    done = jobs.newest("check", layer="town", version=1, state="done")
    assert done
    assert done.id == kept[0]
    assert [job.id for job in jobs.list("town", 1)] == [kept[2], kept[1], kept[0]]
