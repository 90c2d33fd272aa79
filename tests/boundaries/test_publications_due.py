"""What a gateway tells of publications that are due: for how long, and nothing once they are in force."""

from __future__ import annotations

import asyncio
from pathlib import Path

from office import Office, office
from test_publishing import EAST, WEST

from catalog import Catalog, Unreachable, open_catalog, upgrade
from service.publications_due import PublicationsDue, publications_due

MINUTE_MS = 60_000


def told(due: PublicationsDue) -> dict[str, float]:
    """Each layer with its seconds."""
    return {one.labels["layer"]: one.value for family in due.collect() for one in family.samples}


def story(tmp_path: Path, tell) -> None:
    url = f"sqlite:{tmp_path}/catalog/catalog.db"
    upgrade(url)

    async def run(catalog: Catalog) -> None:
        async with office(tmp_path, url, catalog) as its:
            await tell(its)

    with open_catalog(url) as catalog:
        asyncio.run(run(catalog))


def test_one_that_nobody_carries_on_is_told_with_its_age_and_one_of_later_is_not(tmp_path: Path) -> None:
    async def tell(its: Office) -> None:
        now_ms, first = its.now_ms(), its.draft(WEST)
        other = its.draft(WEST, layer="others")
        by = {"comment": "because", "by": "test", "now_ms": now_ms, "replaces": None}
        its.catalog.publications.plan("areas", first, **by)
        its.catalog.publications.plan("others", other, at_ms=now_ms + 10 * MINUTE_MS, **by)
        clock = [now_ms]
        due = PublicationsDue(its.catalog, lambda: clock[0])
        assert told(due) == {}
        clock[0] += MINUTE_MS
        assert await due.look() is False
        assert told(due) == {"areas": 60.0}
        clock[0] += 11 * MINUTE_MS
        assert told(due) == {"areas": 720.0}
        await due.look()
        assert told(due) == {"areas": 720.0, "others": 120.0}

    story(tmp_path, tell)


def test_one_that_is_in_force_is_told_no_more_and_one_that_is_sent_to_nobody_is(tmp_path: Path) -> None:
    async def tell(its: Office) -> None:
        async with publications_due(its.catalog, its.now_ms) as due:
            async with its.working(), its.publishing():
                await its.publish(its.draft(WEST))
            await due.look()
            assert told(due) == {}
            second = its.draft(EAST)
            its.catalog.publications.plan(
                "areas", second, replaces=1, comment="because", by="test", now_ms=its.now_ms(), expect=0
            )
            async with its.publishing():
                await its.until(lambda: its.catalog.publications.get("areas", 2).state == "sent")
                await due.look()
                assert told(due).keys() == {"areas"}

    story(tmp_path, tell)


def test_while_the_catalog_is_away_what_was_known_goes_on_growing(tmp_path: Path) -> None:
    async def tell(its: Office) -> None:
        now_ms, number = its.now_ms(), its.draft(WEST)
        its.catalog.publications.plan("areas", number, replaces=None, comment="b", by="t", now_ms=now_ms)
        clock = [now_ms]
        due = PublicationsDue(its.catalog, lambda: clock[0])
        await due.look()

        def away(**_: object) -> None:
            raise Unreachable("nobody answers")

        its.catalog.publications.due = away  # type: ignore[method-assign,assignment]
        clock[0] += MINUTE_MS
        try:
            await due.look()
        except Unreachable:
            assert told(due) == {"areas": 60.0}
        else:
            raise AssertionError("it should have said that the catalog is away")

    story(tmp_path, tell)
