"""Layers: made once, under a name that can stand in a URL, changed only by who has seen the newest."""

from typing import Any

import pytest
from towns import BY, NOW, at_once, checked, draft, publish, town

from catalog import Catalog, Conflict, Missing, Refused
from catalog.layer import Layer


def test_a_layer_is_found_as_it_was_made(catalog: Catalog) -> None:
    made = town(catalog)
    assert (made.name, made.kind, made.tolerance_m, made.accuracy_m) == ("town", "partition", 1.0, 20.0)
    assert catalog.layers.get("town") == made
    other = catalog.layers.create("a.fence-2_x", kind="overlay", tolerance_m=0.5, accuracy_m=5.0, **BY)
    assert catalog.layers.list() == [other, made]
    assert [line.action for line in catalog.audit.lines()] == ["layer.create", "layer.create"]


@pytest.mark.parametrize("name", ["", "Town", ".town", "-a", "a/b", "a b", "a" * 65, "ä", "a\n", "a\x00", "\ud800"])
def test_a_name_that_can_not_stand_in_a_url_is_refused_and_is_no_layer(catalog: Catalog, name: str) -> None:
    with pytest.raises(Refused, match="allowed: 1 to 64 of a-z"):
        town(catalog, name)
    for ask in (catalog.layers.get, catalog.versions.list, catalog.publications.list, catalog.codes.known):
        with pytest.raises(Missing, match="GET /v1/layers lists"):
            ask(name)


@pytest.mark.parametrize(
    ("what", "value"),
    [("kind", "other"), ("tolerance_m", 0.0), ("tolerance_m", float("nan")), ("accuracy_m", 1e6), ("accuracy_m", -1.0)],
)
def test_a_value_that_makes_no_sense_is_refused_with_what_is_allowed(catalog: Catalog, what: str, value: Any) -> None:
    given = {"kind": "partition", "tolerance_m": 1.0, "accuracy_m": 20.0, **BY, what: value}
    with pytest.raises(Refused, match=rf"{what} is .*; allowed"):
        catalog.layers.create("town", **given)
    assert catalog.layers.list() == []


def test_a_name_is_given_once(url: str, catalog: Catalog) -> None:
    came = at_once(url, lambda own, _: town(own))
    assert sum(isinstance(one, Layer) for one in came) == 1
    assert sum(isinstance(one, Conflict) for one in came) == len(came) - 1
    assert len(catalog.audit.lines()) == 1


def test_of_two_who_change_what_both_have_seen_the_second_is_told(catalog: Catalog) -> None:
    seen = town(catalog).revision
    changed = catalog.layers.change("town", tolerance_m=2.0, revision=seen, **BY)
    assert (changed.tolerance_m, changed.accuracy_m) == (2.0, 20.0)
    with pytest.raises(Conflict, match=f"is at revision {changed.revision}, not at {seen}"):
        catalog.layers.change("town", accuracy_m=5.0, revision=seen, **BY)
    assert catalog.layers.get("town") == changed
    assert catalog.layers.change("town", accuracy_m=5.0, **BY).accuracy_m == 5.0
    with pytest.raises(Refused, match="tolerance_m is 0"):
        catalog.layers.change("town", tolerance_m=0.0, **BY)


def test_every_act_in_a_layer_gives_it_a_greater_revision_that_whoever_polls_hears_of(catalog: Catalog) -> None:
    town(catalog)
    town(catalog, "other")
    news = catalog.layers.since(0)
    assert [layer.name for layer in news.layers] == ["town", "other"]
    acts = [
        lambda: draft(catalog),
        lambda: checked(catalog),
        lambda: catalog.versions.change("town", 1, comment="why", **BY),
        lambda: catalog.versions.remove("town", 1, **BY),
        lambda: catalog.publications.plan("town", 2, replaces=None, **BY),
        lambda: catalog.publications.cancel("town", 1, **BY),
        lambda: publish(catalog, 2, None),
    ]
    for act in acts:
        before = catalog.layers.get("town").revision
        act()
        after = catalog.layers.since(news.number)
        assert [layer.name for layer in after.layers] == ["town"]
        assert after.layers[0].revision == after.number > before
        assert catalog.layers.since(after.number).layers == []
        news = after
    assert catalog.layers.get("other").revision < before


def test_no_change_is_passed_over_by_a_poll_however_many_are_made_at_once(url: str, catalog: Catalog) -> None:
    names = [f"town-{number}" for number in range(6)]
    for name in names:
        town(catalog, name)
    last, heard = catalog.layers.since(0).number, dict[str, float]()

    def act(own: Catalog, number: int) -> None:
        nonlocal last
        if number:
            for metres in range(1, 9):
                own.layers.change(names[number], tolerance_m=float(metres), **BY)
            return
        for _ in range(40):
            news = own.layers.since(last)
            heard.update((layer.name, layer.tolerance_m) for layer in news.layers)
            last = news.number

    came = at_once(url, act)
    assert came == [None] * 6
    heard.update((layer.name, layer.tolerance_m) for layer in catalog.layers.since(last).layers)
    assert heard == dict.fromkeys(names[1:], 8.0)


def test_the_audit_says_who_did_what_and_why(catalog: Catalog) -> None:
    town(catalog)
    draft(catalog, comment="first try")
    catalog.versions.remove("town", 1, by="eve", now_ms=NOW + 1)
    checked(catalog)
    catalog.publications.plan("town", 2, replaces=None, comment="go", by="ada", now_ms=NOW)
    lines = {line.action: line for line in reversed(catalog.audit.lines())}  # the newest of each
    assert lines["version.create"].target == "town/2"
    assert (lines["version.delete"].actor, lines["version.delete"].target) == ("eve", "town/1")
    assert lines["version.check"].detail == {"regions": 3, "errors": 0, "warnings": 1, "notes": 2, "hash": "2"}
    plan = lines["publication.plan"]
    assert (plan.actor, plan.target) == ("ada", "town/publications/1")
    assert (plan.detail["version"], plan.detail["comment"]) == (2, "go")
