"""What explaining says where retention, or a bound, has taken the beginning of a device's track."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from runs import SETTINGS, World
from worlds import SHIFTED, partition, ping

from geofence.atlas import Atlas
from geofence.control import Consent, Control, Erase, Switch
from geofence.explanation import Asked, Explanation
from geofence.ping import Ping
from geofence.region import Version
from geofence.track_reading import RowRead
from geofence.wire_tracks import Said
from geofence.witness import Told
from ingest.retained import Bounds, Retained, Sent
from ingest.retrieving import Reading
from ingest.settings import WorkerSettings
from service.explain import begin_of
from service.explain_log import Gone, Versions, explained
from service.explain_text import lines_of

ROW, AFTER = partition(), partition(SHIFTED)
NOW_MS = time.time_ns() // 1_000_000
OLD_MS, NEW_MS = NOW_MS - 30 * 3_600_000, NOW_MS - 3_600_000  # retention keeps a day
ALL = Asked(last_ms=10**9)


def pings(begin_ms: int, places: str, device: str = "d") -> list[Ping]:
    """A ping a minute."""
    found = [ping(place, 0, device) for place in places.split()]
    return [msgspec.structs.replace(one, time_ms=begin_ms + 60_000 * k) for k, one in enumerate(found)]


def walked(
    folder: Path, *new: Ping | Control, settings: WorkerSettings = SETTINGS, old: str = "A A A A B B B"
) -> World:
    """A log whose device has gone from A to B long ago; what came since is `new`. Everything was worked on."""
    given = [Consent(device="d", given=True, at_ms=OLD_MS - 1)] if settings.consent == "required" else []
    switch = Switch(layer="row", version=ROW.hash, at_ms=OLD_MS - 2, number=1)
    world = World(folder / "log.db", [ROW], [AFTER], settings)
    world.pour([switch, *given, *pings(OLD_MS, old)])
    world.work()
    world.pour(new or pings(NEW_MS, "B B B B C C C"))
    world.work()
    return world


def cut(world: World) -> None:
    """Have retention take what is past its time."""

    async def upkeep() -> None:
        async with world.open() as log:
            before = await log.standing("pings", group="t")
            await log.upkeep()  # type: ignore[attr-defined]
            after = await log.standing("pings", group="t")
        assert any(after[number].begin > one.begin for number, one in before.items())

    asyncio.run(upkeep())


def read(
    world: World, asked: Asked = ALL, *, bounds: Bounds | None = None, sent: Sent | None = None, **more: object
) -> tuple[Retained, Explanation]:
    """What is retained of the device, and what is said of it."""
    atlases = {version.hash: Atlas(version) for version in (ROW, AFTER)}

    async def explain() -> tuple[Retained, Explanation]:
        async with world.open(read_only=True) as log:
            reading = Reading(log, "d", 65_536, bounds or Bounds(), **more)  # type: ignore[arg-type]
            found = await reading.read(asked.at_ms, asked.event)
            versions = Versions(begin_of((), atlases), sent or {"row": [(1, ROW.hash)]})
            return found, await explained(reading, found, versions, world.settings, asked)

    return asyncio.run(explain())


def events_of(world: World) -> list[dict[str, object]]:
    return [msgspec.json.decode(event) for event in world.events()["d"]]


def moves(told: Sequence[Told]) -> list[tuple[str, str | None, str | None]]:
    return [(one.id, one.origin and one.origin.id, one.target and one.target.id) for one in told]


def test_a_track_that_is_whole_is_explained_as_it_was_told_and_nothing_is_noted(tmp_path: Path) -> None:
    world = walked(tmp_path)
    _, found = read(world)
    assert [one.id for one in found.told] == [event["id"] for event in events_of(world)]
    assert (found.cut_short, found.notes) == ({}, ())


def test_a_track_whose_beginning_is_gone_is_said_so_and_its_events_have_the_ids_that_were_told(tmp_path: Path) -> None:
    world = walked(tmp_path)
    cut(world)
    first, _, last = events_of(world)
    _, found = read(world)
    assert found.cut_short == {"row": OLD_MS}
    assert "the beginning of its track" in found.notes[0]
    assert f"Note: {found.notes[0]}" in list(lines_of(found, pretty=False))
    assert moves(found.told) == [("", None, "B"), (last["id"], "B", "C")]
    assert found.told[0].words.startswith("Only in this replay, no such event was told: ")
    _, asked = read(world, Asked(event=str(last["id"])))
    assert asked.told[-1].id == last["id"]
    with pytest.raises(Gone, match=r"it was told \(row changed, confirmed .*\), but the pings .* not all left") as gone:
        read(world, Asked(event=str(first["id"])))
    assert gone.value.known
    assert "older records are gone" in str(gone.value)
    with pytest.raises(Gone, match="nor is it among the events of this device") as gone:
        read(world, Asked(event="0" * 32))
    assert not gone.value.known


def test_a_device_that_came_after_what_is_gone_is_whole(tmp_path: Path) -> None:
    world = walked(tmp_path, *pings(NEW_MS, "A A A A B B B"), old="")
    world.pour([])
    cut(world)
    found, said = read(world)
    assert found.gone > 0
    assert (said.cut_short, said.notes) == ({}, ())
    assert [one.id for one in said.told] == [event["id"] for event in events_of(world)]


def test_a_consent_that_retention_took_still_counts(tmp_path: Path) -> None:
    world = walked(tmp_path, settings=replace(SETTINGS, consent="required"))
    cut(world)
    _, found = read(world)
    assert "rejected" not in {step.outcome for step in found.steps}
    assert found.told[-1].id == events_of(world)[-1]["id"]


def test_a_withdrawal_that_retention_took_still_counts(tmp_path: Path) -> None:
    world = walked(tmp_path)
    found, _ = read(world)
    assert [one for one in found.orders({}) if isinstance(one, Consent)] == []
    found.gone, found.row = 1, RowRead(None, Said.WITHDRAWN, None, ())
    (said,) = [one for one in found.orders({}) if isinstance(one, Consent)]
    assert (said.device, said.given) == ("d", False)
    found.consented = Consent(device="d", given=False, at_ms=NEW_MS)  # it came later: until then pings were taken
    (said,) = [one for one in found.orders({}) if isinstance(one, Consent)]
    assert said.given


def test_what_is_explained_at_a_gateway_begins_after_an_erasure(tmp_path: Path) -> None:
    erase = Erase(device="d", at_ms=NEW_MS + 400_000)
    world = walked(tmp_path, *pings(NEW_MS, "B B B B"), erase, *pings(NEW_MS + 500_000, "C C C"))
    _, whole = read(world)
    assert {one.region.id for step in whole.steps for one in step.located if one.region} == {"A", "B", "C"}
    _, found = read(world, forgetting=True)
    assert {one.region.id for step in found.steps for one in step.located if one.region} == {"C"}
    assert found.told[-1].id == events_of(world)[-1]["id"]


@pytest.mark.parametrize(("sent", "before"), [([(1, ROW.hash), (2, AFTER.hash)], ROW), ([(2, AFTER.hash)], None)])
def test_the_version_before_the_first_switch_that_is_left_is_the_catalogs(
    sent: list[tuple[int, str]], before: Version | None, tmp_path: Path
) -> None:
    switch = Switch(layer="row", version=AFTER.hash, at_ms=NEW_MS + 300_000, number=2)
    world = walked(tmp_path, *pings(NEW_MS, "B B B B"), switch, *pings(NEW_MS + 400_000, "B B B"))
    cut(world)
    found, said = read(world, sent={"row": sent})
    assert [one.version for one in found.orders({"row": sent})] == ([before.hash] if before else [])
    versions = {step.version for step in said.steps if step.seen}
    assert versions == ({ROW.hash, AFTER.hash} if before else {AFTER.hash})


def test_what_a_bound_leaves_out_is_said(tmp_path: Path) -> None:
    world = walked(tmp_path)
    last = events_of(world)[-1]
    _, few = read(world, bounds=Bounds(records=6))
    assert few.cut_short == {"row": OLD_MS}
    assert "the newest 6 are looked at" in few.notes[-1]
    assert not any("may be read at once" in note for note in few.notes)
    assert few.told[-1].id == last["id"]
    _, small = read(world, bounds=Bounds(items=9))
    assert "older pings of the device were left out: the newest 9 pings" in small.notes[-1]
    assert small.told[-1].id == last["id"]
    _, brief = read(world, Asked(at_ms=OLD_MS + 120_000), bounds=Bounds(records=8))
    assert any("which is as much as may be read at once" in note for note in brief.notes)


def test_an_event_further_back_than_the_bound_is_found_by_its_time(tmp_path: Path) -> None:
    world = walked(tmp_path)
    crossing = events_of(world)[1]
    found, said = read(world, Asked(event=str(crossing["id"])), bounds=Bounds(records=8))
    assert found.passed_over == 0
    assert said.told[-1].id == crossing["id"]
    with pytest.raises(Gone, match="nor is it among the events of this device that the log keeps") as never:
        read(world, Asked(event="0" * 32), bounds=Bounds(records=8))
    with pytest.raises(Gone, match="whether it was told is not known, the partition has more events than") as unknown:
        read(world, Asked(event="0" * 32), bounds=Bounds(records=1))
    assert (never.value.known, unknown.value.known) == (False, True)


def test_what_is_kept_of_a_device_holds_nothing_of_the_others(tmp_path: Path) -> None:
    others = [one for k in range(40) for one in pings(NEW_MS, "A A A A A", f"other-{k}")]
    world = walked(tmp_path, *others, *pings(NEW_MS, "B B B B C C C"))
    found, _ = read(world)
    kept = [one for one in found.heard if hasattr(one, "lon")]
    assert len(kept) == 14
    assert all(len(one.lon.base if one.lon.base is not None else one.lon) == 1 for one in kept)
