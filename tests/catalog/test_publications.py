"""Publications: of two admins one is told, one process carries on, and nothing is sent that could be cancelled."""

from typing import Any

import pytest
from towns import BROKEN, BY, NOW, at_once, checked, draft, publish, send, town

from catalog import Catalog, Conflict, Missing, Refused
from catalog.fleet import InForce
from catalog.publication import Publication


@pytest.fixture
def ready(catalog: Catalog) -> Catalog:
    """A layer with three versions that can be published."""
    town(catalog)
    for _ in range(3):
        checked(catalog)
    return catalog


def plan(catalog: Catalog, number: int, replaces: int | None, **more: Any) -> Publication:
    return catalog.publications.plan("town", number, replaces=replaces, **{**BY, **more})


def take(catalog: Catalog, now_ms: int = NOW, holder: str = "one") -> Publication:
    held = catalog.publishing.take(holder, now_ms=now_ms, lease_s=1.0)
    assert held
    return held


def states(catalog: Catalog) -> list[str]:
    return [version.state for version in reversed(catalog.versions.list("town"))]


def test_a_publication_goes_from_planned_to_in_force_and_takes_its_version_along(ready: Catalog) -> None:
    made = plan(ready, 1, None, comment="first", expect=12, by="ada")
    assert (made.number, made.version, made.hash, made.replaces) == (1, 1, "1", None)
    assert (made.state, made.by, made.comment, made.expect, made.at_ms) == ("planned", "ada", "first", 12, NOW)
    held = take(ready)
    assert (held.state, held.holder, states(ready)) == ("preparing", "one", ["checked"] * 3)
    assert ready.publishing.keep(held, now_ms=NOW + 500, lease_s=1)
    assert ready.publishing.send(held, now_ms=NOW + 600)
    assert ready.publications.get("town", 1).state == "sending"
    assert ready.publications.newest_sent() == {}
    assert ready.publishing.sent(held, now_ms=NOW + 700)
    assert states(ready) == ["published", "checked", "checked"]
    assert ready.publishing.done(held, now_ms=NOW + 800)
    found = ready.publications.get("town", 1)
    assert (found.state, found.sent_ms, found.in_force_ms, found.holder) == ("in_force", NOW + 700, NOW + 800, None)
    assert ready.publications.last("town") == found
    assert ready.publishing.take("one", now_ms=NOW + 10**9, lease_s=1) is None
    acts = [line.action for line in reversed(ready.audit.lines()) if line.action.startswith("publication")]
    assert acts == [f"publication.{act}" for act in ("plan", "send", "sent", "in_force")]


def test_publishing_an_old_version_again_takes_the_newer_one_back(ready: Catalog) -> None:
    publish(ready, 1, None)
    publish(ready, 2, 1)
    assert states(ready) == ["superseded", "published", "checked"]
    again = publish(ready, 1, 2)
    assert (again.number, again.version, again.replaces) == (3, 1, 2)
    assert states(ready) == ["published", "superseded", "checked"]
    assert [one.version for one in ready.publications.list("town")] == [1, 2, 1]


def test_of_two_admins_the_second_is_told_who_published_what_meanwhile(ready: Catalog) -> None:
    with pytest.raises(Conflict, match="you replace version 1 of layer 'town', but nothing was published yet"):
        plan(ready, 1, 1)
    publish(ready, 1, None)
    plan(ready, 2, 1, by="ada")
    with pytest.raises(Conflict) as told:
        plan(ready, 3, 1, by="eve")
    for part in ("publication 2", "version 2", "by ada", "is planned", "with replaces 2"):
        assert part in str(told.value)
    with pytest.raises(Conflict, match="you replace no version"):
        plan(ready, 3, None)
    assert len(ready.publications.list("town")) == 2


def test_of_many_who_publish_at_once_one_does(url: str, ready: Catalog) -> None:
    replaces: int | None = None
    for number in (1, 2, 3, 1):

        def act(own: Catalog, who: int, number: int = number, replaces: int | None = replaces) -> Publication:
            return plan(own, number, replaces, by=f"admin-{who}")

        came = at_once(url, act)
        [made] = [one for one in came if isinstance(one, Publication)]
        told = [str(one) for one in came if isinstance(one, Conflict)]
        assert len(told) == 5
        assert all(f"by {made.by}" in one for one in told)
        assert ready.publishing.done(send(ready, made), now_ms=NOW)
        replaces = number
    assert [one.number for one in ready.publications.list("town")] == [4, 3, 2, 1]


def test_only_a_version_without_errors_can_be_published(catalog: Catalog) -> None:
    town(catalog)
    draft(catalog)
    checked(catalog, counts=BROKEN)
    with pytest.raises(Conflict, match="version 1 of layer 'town' is draft: it has to be checked"):
        plan(catalog, 1, None)
    with pytest.raises(Conflict, match="version 2 of layer 'town' has 2 errors: see its report"):
        plan(catalog, 2, None)
    with pytest.raises(Missing, match="has no version 3"):
        plan(catalog, 3, None)
    with pytest.raises(Refused, match="expect is -1"):
        plan(catalog, 2, None, expect=-1)
    assert catalog.publications.list("town") == []
    assert catalog.publications.last("town") is None


def test_one_publication_of_a_layer_is_on_its_way_at_a_time(ready: Catalog) -> None:
    plan(ready, 1, None)
    with pytest.raises(Conflict, match=r"is planned\. Wait until it is in force, or cancel it\."):
        plan(ready, 2, 1)
    held = take(ready)
    with pytest.raises(Conflict, match=r"is preparing\. Wait until it is in force, or cancel it\."):
        plan(ready, 2, 1)
    assert ready.publishing.send(held, now_ms=NOW)
    with pytest.raises(Conflict, match=r"is sending\. Wait until it is in force\."):
        plan(ready, 2, 1, overtake=True)
    assert ready.publishing.sent(held, now_ms=NOW)
    with pytest.raises(Conflict, match="not in force on every partition yet"):
        plan(ready, 2, 1)
    assert ready.publishing.done(held, now_ms=NOW)
    assert plan(ready, 2, 1).number == 2


def test_what_does_not_come_into_force_can_be_overtaken(ready: Catalog) -> None:
    """A version that a worker can't load must not keep an admin from taking it back."""
    first = send(ready, plan(ready, 1, None))
    second = plan(ready, 2, 1, overtake=True)
    held = send(ready, second)
    assert states(ready) == ["superseded", "published", "checked"]
    assert ready.publications.newest_sent()["town"].number == second.number
    assert ready.publishing.done(held, now_ms=NOW)
    assert ready.publishing.done(first, now_ms=NOW)
    assert ready.publications.newest_sent()["town"].number == second.number
    assert states(ready) == ["superseded", "published", "checked"]


def test_the_published_version_is_not_published_again(ready: Catalog) -> None:
    publish(ready, 1, None)
    with pytest.raises(Conflict, match="is the published one already"):
        plan(ready, 1, 1)


def test_a_publication_waits_for_its_time(ready: Catalog) -> None:
    made = plan(ready, 1, None, at_ms=NOW + 5000)
    assert ready.publishing.take("one", now_ms=NOW + 4999, lease_s=1) is None
    assert take(ready, NOW + 5000).number == made.number
    ready.publications.cancel("town", 1, **BY)
    assert plan(ready, 1, None, at_ms=NOW - 5000).at_ms == NOW


def test_what_is_cancelled_is_not_sent_and_its_place_is_free(ready: Catalog) -> None:
    publish(ready, 1, None)
    plan(ready, 2, 1)
    held = take(ready)
    assert ready.publications.cancel("town", 2, by="eve", now_ms=NOW).state == "cancelled"
    before = ready.layers.get("town")
    assert not ready.publishing.keep(held, now_ms=NOW, lease_s=1)
    assert not ready.publishing.send(held, now_ms=NOW)
    assert not ready.publishing.fail(held, "late", now_ms=NOW)
    assert ready.layers.get("town") == before
    assert states(ready) == ["published", "checked", "checked"]
    with pytest.raises(Conflict, match="is cancelled: only one that is planned or preparing"):
        ready.publications.cancel("town", 2, **BY)
    last = ready.publications.last("town")
    assert last
    assert last.number == 1
    assert plan(ready, 3, 1).number == 3
    with pytest.raises(Missing, match="no publication 9"):
        ready.publications.cancel("town", 9, **BY)


def test_what_may_be_in_the_log_can_not_be_cancelled(ready: Catalog) -> None:
    publish(ready, 1, None)
    plan(ready, 2, 1)
    held = take(ready)
    assert ready.publishing.send(held, now_ms=NOW)
    for step in (ready.publishing.sent, ready.publishing.done):
        with pytest.raises(Conflict, match=r"To take it back, publish version 1 again\."):
            ready.publications.cancel("town", 2, **BY)
        assert step(held, now_ms=NOW)
    with pytest.raises(Conflict, match="publish a version without regions"):
        ready.publications.cancel("town", 1, **BY)


def test_cancelling_and_sending_at_once_are_never_both_done(url: str, ready: Catalog) -> None:
    for _ in range(8):
        last = ready.publications.last("town")
        made = plan(ready, 1 if last and last.version == 2 else 2, last.version if last else None)
        held = take(ready)

        def act(own: Catalog, who: int, held: Publication = held) -> Any:
            if who:
                return own.publications.cancel("town", held.number, **BY)
            return own.publishing.send(held, now_ms=NOW)

        sending, cancelled = at_once(url, act, 2)
        state = ready.publications.get("town", made.number).state
        outcome = (sending, isinstance(cancelled, Publication), state)
        assert outcome in ((True, False, "sending"), (False, True, "cancelled"))
        if sending:
            assert ready.publishing.sent(held, now_ms=NOW)
            assert ready.publishing.done(held, now_ms=NOW)


def test_a_publication_that_fails_changes_nothing_and_its_place_is_free(ready: Catalog) -> None:
    publish(ready, 1, None)
    plan(ready, 2, 1)
    assert ready.publishing.fail(take(ready), "the atlas can't be built", now_ms=NOW)
    found = ready.publications.get("town", 2)
    assert (found.state, found.reason, found.holder) == ("failed", "the atlas can't be built", None)
    assert states(ready) == ["published", "checked", "checked"]
    assert ready.publications.newest_sent()["town"].version == 1
    assert plan(ready, 2, 1).number == 3


def test_of_many_who_carry_on_one_has_the_lease(url: str, ready: Catalog) -> None:
    for number, replaces in ((1, None), (2, 1), (3, 2)):
        plan(ready, number, replaces)
        came = at_once(url, lambda own, who: own.publishing.take(f"{who}", now_ms=NOW, lease_s=1))
        [held] = [one for one in came if one is not None]
        assert ready.publishing.send(held, now_ms=NOW)
        assert ready.publishing.sent(held, now_ms=NOW)
        assert ready.publishing.done(held, now_ms=NOW)


@pytest.mark.parametrize("step", ["preparing", "sending", "sent"])
def test_whoever_dies_is_replaced_where_it_was_and_writes_nothing_more(ready: Catalog, step: str) -> None:
    plan(ready, 1, None)
    first = take(ready)
    if step != "preparing":
        assert ready.publishing.send(first, now_ms=NOW)
    if step == "sent":
        assert ready.publishing.sent(first, now_ms=NOW)
    assert ready.publishing.take("two", now_ms=NOW + 999, lease_s=1) is None
    second = take(ready, NOW + 1000, "two")
    assert (second.number, second.state, second.holder) == (1, step, "two")
    publishing = ready.publishing
    for act in (publishing.send, publishing.sent, publishing.done):
        assert not act(first, now_ms=NOW)
    assert not publishing.release(first, again_ms=NOW)
    assert ready.publications.get("town", 1) == second
    if step != "sent":
        assert publishing.send(second, now_ms=NOW)
        assert publishing.sent(second, now_ms=NOW)
    assert publishing.done(second, now_ms=NOW)


def test_what_is_to_be_sent_comes_before_what_is_watched_and_watching_goes_round(ready: Catalog) -> None:
    for name in ("b", "c"):
        town(ready, name)
        checked(ready, name)
        held = send(ready, ready.publications.plan(name, 1, replaces=None, **BY))
        assert ready.publishing.release(held, again_ms=NOW + 100)
    assert ready.publishing.take("one", now_ms=NOW + 99, lease_s=1) is None
    plan(ready, 1, None)
    assert take(ready, NOW + 100).layer == "town"
    watched = [take(ready, NOW + 100 + turn) for turn in range(2)]
    assert {one.layer for one in watched} == {"b", "c"}
    assert ready.publishing.release(watched[0], again_ms=NOW + 300)
    assert ready.publishing.release(watched[1], again_ms=NOW + 200)
    assert not ready.publishing.keep(watched[1], now_ms=NOW + 102, lease_s=1)
    assert [take(ready, NOW + 400).layer for _ in range(2)] == [watched[1].layer, watched[0].layer]


def test_a_catalog_from_a_backup_gives_no_number_that_partitions_have_obeyed(ready: Catalog) -> None:
    ready.fleet.put_in_force(0, [InForce(0, "town", 7, "h", NOW, "w")])
    assert [publish(ready, 1, None).number, publish(ready, 2, 1).number] == [8, 9]
