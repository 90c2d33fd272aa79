"""A dry run over a real log, beside what publishing then really does."""

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np
from runs import SETTINGS, World
from worlds import SHIFTED, at, overlay, partition, ping, switch, walk

from boundaries.trial.running import Plan, try_out
from geofence.wire_events import decode_binary
from ingest.topics import CHANGES
from service.trial_sources import LogPings, LogTracks

ROW, AFTER, FENCES = partition(), partition(SHIFTED), overlay(dwell_s=100)


def world(folder: Path) -> World:
    return World(folder / "log.db", [ROW, FENCES], [AFTER])


def crowd():
    rng = np.random.default_rng(5)
    spots = rng.uniform(-0.008, 0.032, 400).tolist()
    return [ping((lon, 0.005), 20.0 * k, f"d{k % 40}") for k, lon in enumerate(spots)]


def plan(its: World, before=ROW, **more) -> Plan:
    url = f"sqlite:{its.path}"
    sources = {"tracks": LogTracks(url), "pings": LogPings(url, SETTINGS.value_bytes)} | more
    return Plan(before=before, after=AFTER, partitions=2, known=[ROW], processes=1, **sources)


async def told(its: World):
    """The events of the layer, as readers of the log get them."""
    found = []
    async with its.open(read_only=True) as log:
        for number in range(2):
            async for batch in log.read(CHANGES, number, to_end=True):
                found += [
                    decode_binary({name: text.decode() for name, text in headers}, value)
                    for headers, value in zip(batch.headers, batch.values, strict=True)
                ]
    return [event for event in found if event.data.layer == "row"]


def test_publishing_does_what_the_dry_run_foretold_and_the_dry_run_did_nothing(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour(crowd())
    its.work()
    before = asyncio.run(told(its))
    trial = try_out(plan(its))
    assert asyncio.run(told(its)) == before
    its.pour([switch(AFTER, 9000)])
    its.work()
    border = [event.data for event in asyncio.run(told(its)) if event.data.cause == "boundary"]
    pairs = Counter((one.origin and one.origin.id, one.target and one.target.id) for one in border)
    assert {(one.origin, one.target): one.devices for one in trial.at_once.moves} == pairs
    assert trial.at_once.affected == len(border) > 10
    assert trial.at_once.devices == 40


def test_under_the_version_in_force_the_replay_tells_what_was_told(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour(crowd())
    its.work()
    moved = [event for event in asyncio.run(told(its)) if event.data.cause == "moved"]
    replayed = try_out(plan(its)).replayed
    assert replayed.before.crossings == replayed.unchanged + replayed.moved + replayed.gone == len(moved)
    assert replayed.pings == 400


def test_only_pings_of_the_hours_asked_for_are_replayed(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour([*walk("A 0 B 600 A 1200 B 1800")])
    url = f"sqlite:{its.path}"
    some = LogPings(url, SETTINGS.value_bytes, since_ms=at(1200))
    replayed = try_out(plan(its, tracks=None, pings=some)).replayed
    assert (replayed.pings, replayed.since_ms, replayed.before.crossings) == (2, at(1200), 1)
