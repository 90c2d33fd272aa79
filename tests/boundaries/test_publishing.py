"""A version on its way into force: prepared, sent, in force on every partition, or failed."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from office import PARTITIONS, Office, office
from shapely import box

from boundaries.publishing import PublishingSettings
from catalog import Catalog, open_catalog, upgrade
from geofence.control import Switch
from geofence.ping import Ping
from stream.port import Unavailable

WEST = {"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1)}
EAST = {"a": box(0, 0, 0.2, 1), "b": box(0.2, 0, 2, 1)}  # who rested in the middle of a is in b now
DEVICES = [f"d{number}" for number in range(40)]


def pings(office: Office, lon: float = 0.5) -> list[Ping]:
    """One of each device, far from every border."""
    now_ms = office.now_ms()
    return [Ping(device=device, lon=lon, lat=0.5, time_ms=now_ms, accuracy_m=10.0) for device in DEVICES]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A catalog that is up to date."""
    its = f"sqlite:{tmp_path}/catalog/catalog.db"
    upgrade(its)
    return its


def run(tmp_path: Path, url: str, story) -> None:
    """Tell a story in an office."""

    async def told(catalog: Catalog) -> None:
        async with office(tmp_path, url, catalog) as its:
            await story(its)

    with open_catalog(url) as catalog:
        asyncio.run(told(catalog))


def test_a_version_comes_into_force_and_resting_devices_are_told_once(tmp_path, url):
    async def story(its: Office) -> None:
        async with its.working(), its.publishing():
            first = await its.publish(its.draft(WEST))
            await its.send(pings(its))
            await its.taken()
            second = await its.publish(its.draft(EAST))
            await its.taken()
            assert (first.state, second.state) == ("in_force", "in_force")
            assert {one.publication for one in its.catalog.fleet.in_force("areas")} == {2}
            assert len(its.catalog.fleet.in_force("areas")) == PARTITIONS
            told = Counter(
                (one.data.cause, one.data.target.id) for one in await its.events() if one.data.target is not None
            )  # fmt: skip
            assert told == {("first_fix", "a"): len(DEVICES), ("boundary", "b"): len(DEVICES)}

    run(tmp_path, url, story)


def test_a_version_that_is_taken_back_comes_into_force_again(tmp_path, url):
    async def story(its: Office) -> None:
        async with its.working(), its.publishing():
            west, east = its.draft(WEST), its.draft(EAST)
            for number in (west, east, west):
                assert (await its.publish(number)).state == "in_force"
            assert its.catalog.versions.get("areas", west).state == "published"
            assert its.catalog.versions.get("areas", east).state == "superseded"

    run(tmp_path, url, story)


def test_a_version_that_a_worker_can_not_load_is_not_sent_and_the_one_before_stays(tmp_path, url):
    async def story(its: Office) -> None:
        async with its.working(), its.publishing():
            await its.publish(its.draft(WEST))
            broken = its.draft(EAST)
            folder = its.folder / "atlases"
            folder.rename(its.folder / "away")
            folder.write_bytes(b"no folder")
            found = await its.publish(broken)
            assert found.state == "failed"
            assert "can't load it" in (found.reason or "")
            assert {one.publication for one in its.catalog.fleet.in_force("areas")} == {1}
            assert its.catalog.versions.get("areas", broken).state == "checked"
            await its.send(pings(its))
            await its.taken()
            assert len(await its.events()) == len(DEVICES)  # it works on

    run(tmp_path, url, story)


def test_a_worker_that_starts_later_has_what_was_published(tmp_path, url):
    async def story(its: Office) -> None:
        async with its.publishing():
            planned = asyncio.create_task(its.publish(its.draft(WEST)))
            await its.send(pings(its))
            async with its.working():
                assert (await planned).state == "in_force"
            async with its.working():
                await its.send(pings(its, lon=1.5))
                await its.taken()
                assert {one.version for kept in its.status.held for one in kept.in_force or ()} == {
                    its.catalog.versions.get("areas", 1).hash
                }

    run(tmp_path, url, story)


def test_a_partition_whose_log_was_made_anew_is_told_again(tmp_path, url):
    async def before(its: Office) -> None:
        async with its.working(), its.publishing():
            await its.publish(its.draft(WEST))

    async def after(its: Office) -> None:
        async with its.working(), its.publishing():
            await its.until(
                lambda: all(len(one.in_force or ()) == 1 for one in its.status.held) and its.status.held != []
            )

    run(tmp_path, url, before)
    for file in tmp_path.glob("log.db*"):
        file.unlink()
    run(tmp_path, url, after)


def test_an_old_publication_that_is_written_late_changes_nothing(tmp_path, url):
    async def story(its: Office) -> None:
        async with its.working(), its.publishing():
            west, east = its.draft(WEST), its.draft(EAST)
            await its.publish(west)
            await its.publish(east)
            old = its.catalog.versions.get("areas", west).hash or ""
            await its.order(Switch(layer="areas", version=old, at_ms=its.now_ms(), number=1), None)
            await its.taken()
            assert {one.number for kept in its.status.held for one in kept.in_force or ()} == {2}

    run(tmp_path, url, story)


def test_what_the_log_refuses_is_written_as_soon_as_it_takes_it_again(tmp_path, url):
    async def story(its: Office) -> None:
        order, refused = its.order, []

        async def refuse_once(switch: Switch, partition: int | None) -> None:
            if not refused:
                refused.append(switch)
                raise Unavailable("made up")
            await order(switch, partition)

        its.order = refuse_once
        async with its.working(), its.publishing():
            found = await its.publish(its.draft(WEST))
            assert (found.state, len(refused)) == ("in_force", 1)
            assert found.attempt > 1
            assert found.in_force_ms - found.created_ms < PublishingSettings().lease_s * 1000

    run(tmp_path, url, story)


def test_layers_tell_in_the_same_order_after_a_restart(tmp_path, url):
    async def story(its: Office) -> None:
        begun_ms = its.now_ms() - 3_600_000
        async with its.publishing():
            for turn, lon in enumerate((0.5, 1.5)):
                async with its.working():
                    for layer in ("zones", "areas") if turn == 0 else ():
                        await its.publish(its.draft(WEST, layer=layer), layer=layer)
                    for step in range(5):
                        now_ms = begun_ms + turn * 1_800_000 + step * 60_000
                        await its.send(
                            Ping(device=device, lon=lon, lat=0.5, time_ms=now_ms, accuracy_m=10.0) for device in DEVICES
                        )
                    await its.taken()
        told: dict[str, list[str]] = {}
        for one in await its.events():
            told.setdefault(one.data.device, []).append(one.data.layer)
        assert told == dict.fromkeys(DEVICES, ["zones", "areas"] * 2)

    run(tmp_path, url, story)


def test_a_partition_that_can_not_have_a_version_says_why(tmp_path, url):
    async def story(its: Office) -> None:
        async with its.working():
            await its.order(Switch(layer="areas", version="0" * 64, at_ms=its.now_ms(), number=1), 0)
            await its.until(lambda: any("no version has the hash" in one.reason for one in its.status.held))

    run(tmp_path, url, story)
