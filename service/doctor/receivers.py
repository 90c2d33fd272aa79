"""Webhooks: whether their receivers take what is sent, and how far behind each is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from catalog.deliveries import Progress
from catalog.webhook import ACTIVE, DEAD, Webhook
from ingest.topics import CHANGES
from service.doctor.finding import Finding, error, ok, warning
from service.doctor.setup import Setup

WEBHOOKS = "webhooks"
_LATE_MS = 60_000
_FAILING_MS = 60_000


async def check_webhooks(setup: Setup) -> list[Finding]:
    """Each that is dead, failing or late."""
    every = await asyncio.to_thread(setup.opened_catalog.webhooks.list)
    found = [line for one, progress in every for line in _state(setup, one, progress)]
    for one, progress in every:
        if one.state == ACTIVE and setup.log is not None and progress.failing_since_ms is None:
            found += await _late(setup, one, progress)
    if found:
        return found
    active = sum(one.state == ACTIVE for one, _ in every)
    known = "" if setup.log is not None else "; how far behind is not known, as the log is not open"
    return [ok(WEBHOOKS, f"{active} of {len(every)} are active, none fails{known}")]


def _state(setup: Setup, one: Webhook, progress: Progress) -> Iterator[Finding]:
    if one.state == DEAD:
        told = f"webhook {one.id} was switched off: {one.reason}"
        yield warning(WEBHOOKS, told, f"Mend the receiver, then POST /v1/webhooks/{one.id}/resume.")
    since_ms = progress.failing_since_ms
    if one.state == ACTIVE and since_ms is not None and setup.now_ms - since_ms > _FAILING_MS:
        answer = progress.last_status or "no answer"
        told = (f"webhook {one.id} fails since {(setup.now_ms - since_ms) / 1000:,.0f} s, {progress.failures} times, "
                f"last with {answer}")  # fmt: skip
        yield warning(WEBHOOKS, told, "Look at the receiver; events are kept for it while the log keeps them.")


async def _late(setup: Setup, one: Webhook, progress: Progress) -> list[Finding]:
    """Whether events wait for longer than a minute."""
    log, records, oldest_ms = setup.opened_log, 0, 0
    ends = await log.standing(CHANGES, group=setup.places.group)
    for partition, mark in enumerate(progress.marks):
        if partition not in ends or mark >= ends[partition].end:
            continue
        async for batch in log.read(CHANGES, partition, start=mark, to_end=True, most=1):
            records += ends[partition].end - max(mark, ends[partition].begin)
            oldest_ms = max(oldest_ms, setup.now_ms - batch.times_ms[0])
            break
    if oldest_ms <= _LATE_MS:
        return []
    told = f"webhook {one.id} is {records:,} records behind, the oldest {oldest_ms / 1000:,.0f} s old"
    command = f"geofence webhooks {setup.places.log_option} {setup.places.catalog_option}"
    return [error(WEBHOOKS, told, "Have a process run that delivers.", command)]
