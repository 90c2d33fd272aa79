"""Workers that report to the catalog, and whether each version that was published is in force on every partition.

Invariant: a partition that says nothing is not taken for one that has the version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from boundaries.publishing import PublishingSettings
from catalog import Catalog
from catalog.fleet import FAILED, InForce, Worker
from catalog.publication import FAILED as GIVEN_UP
from catalog.publication import PREPARING, SENDING, Publication
from service.doctor.finding import Finding, error, ok, unknown, warning
from service.doctor.setup import Setup

WORKERS, VERSIONS = "workers", "versions"
_ON_ITS_WAY_MS = 60_000
_SIGN_MS = round(PublishingSettings().worker_s * 1000)  # older signs of life are of workers that are not waited for


async def check_workers(setup: Setup) -> list[Finding]:
    """Who reports, which partitions nobody has, and what a worker could not load."""
    every = await asyncio.to_thread(setup.opened_catalog.fleet.workers)
    workers = [one for one in every if setup.now_ms - one.seen_ms <= _SIGN_MS]
    start = f"geofence worker {setup.places.log_option} {setup.places.catalog_option}"
    if not workers:
        silent = f"; {every[-1].host} was heard of {_ago(setup, every[-1].seen_ms)} ago" if every else ""
        told = f"no worker reports to the catalog{silent}"
        here = ", or all roles of this home by `geofence run`" if setup.places.embedded else ""
        return [error(WORKERS, told, f"Start one{here}. (One with --regions works, but does not report.)", start)]
    return [*_unheld(setup, workers, start), *_not_loaded(setup.opened_catalog, workers), _told(workers)]


async def check_versions(setup: Setup) -> list[Finding]:
    """Whether what was sent is in force everywhere."""
    catalog = setup.opened_catalog
    layers = [layer.name for layer in await asyncio.to_thread(catalog.layers.list)]
    sent = await asyncio.to_thread(catalog.publications.newest_sent)
    reports = await asyncio.to_thread(catalog.fleet.in_force)
    found = [
        one
        for name in layers
        for one in _under_way(setup, (await asyncio.to_thread(catalog.publications.list, name))[:1])
    ]
    for publication in sent.values():
        found += _spread(setup, publication, [one for one in reports if one.layer == publication.layer])
    if found:
        return found
    if setup.partitions is None:
        return [unknown(VERSIONS, "how many partitions there are is not known: see log and topics")]
    if not sent:
        return [ok(VERSIONS, "nothing was published yet")]
    named = ", ".join(f"{one.layer} {one.version}" for one in list(sent.values())[:8])
    return [ok(VERSIONS, f"{len(sent)} in force on all {setup.partitions} partitions: {named}")]


def _told(workers: Sequence[Worker]) -> Finding:
    hosts = ", ".join(f"{one.host} ({len(one.partitions)} partitions)" for one in workers[:8])
    return ok(WORKERS, f"{len(workers)} report: {hosts}")


def _unheld(setup: Setup, workers: Sequence[Worker], start: str) -> Iterator[Finding]:
    held = {partition for one in workers for partition in one.partitions}
    unheld = sorted(set(range(setup.partitions or 0)) - held)
    if unheld:
        told = f"partitions {_listed(unheld)} are nobody's among the workers that report"
        yield error(WORKERS, told, "While partitions are shared out anew, wait a minute; else start a worker.", start)


def _not_loaded(catalog: Catalog, workers: Sequence[Worker]) -> Iterator[Finding]:
    for one in workers:
        for key, loading in one.versions.items():
            if loading.state == FAILED:
                told = f"version {key[:12]} can't be loaded by the worker on {one.host}: {loading.reason}"
                remedy = "Check that version again and publish it anew, or publish the one before."
                yield error(VERSIONS, told, remedy, f"geofence boundaries show {_layer_of(catalog, key)}")


def _layer_of(catalog: Catalog, key: str) -> str:
    return next((one.layer for one in catalog.versions.of_hash(key)), "LAYER")


def _under_way(setup: Setup, newest: Sequence[Publication]) -> Iterator[Finding]:
    """What the newest publication of a layer waits for, or died of."""
    for one in newest:
        named = f"{one.layer}: publication {one.number} (version {one.version})"
        if one.state == GIVEN_UP:
            remedy = "Mend what it says, then publish it again."
            yield warning(VERSIONS, f"{named} failed: {one.reason}", remedy, f"geofence boundaries show {one.layer}")
        elif one.state in (PREPARING, SENDING) and setup.now_ms - max(one.at_ms, one.created_ms) > _ON_ITS_WAY_MS:
            told = f"{named} is {one.state} since {_ago(setup, max(one.at_ms, one.created_ms))}"
            yield warning(VERSIONS, told, "A gateway has to run to carry it on, and workers to load it.")


def _spread(setup: Setup, one: Publication, reports: Sequence[InForce]) -> Iterator[Finding]:
    """Where a publication that was sent is not in force."""
    obeyed = {report.partition for report in reports if report.publication >= one.number}
    missing = sorted(set(range(setup.partitions or 0)) - obeyed)
    if not missing:
        return
    since_ms = one.sent_ms or one.created_ms
    told = (f"{one.layer}: version {one.version} was sent {_ago(setup, since_ms)} ago and is not in force on "
            f"partitions {_listed(missing)}")  # fmt: skip
    if setup.now_ms - since_ms < _ON_ITS_WAY_MS:
        yield warning(VERSIONS, told, "It is on its way: look again in a minute.")
    else:
        remedy = "A worker has to hold each partition and keep up: see the lines on workers and lag; its log says why."
        yield error(VERSIONS, told, remedy, f"geofence boundaries show {one.layer}")


def _ago(setup: Setup, time_ms: int) -> str:
    return f"{max(0, setup.now_ms - time_ms) / 1000:.0f} s"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:12]))
    return shown if len(numbers) <= 12 else f"{shown} and {len(numbers) - 12} more"
