"""The job `dry_run`: has a program of its own try a version out, and follows it.

A handler of `boundaries.workshop`. Invariant: when the job is cancelled the program is killed; nothing that it read is
kept but its result.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from boundaries.errors import BoundaryError, Stopped
from boundaries.loading import Loader
from boundaries.workshop import Progress
from catalog import Catalog
from catalog.job import Job
from ingest.topics import PINGS
from service.dry_run import Order, Said
from stream.port import Log
from web.calling import called

DRY_RUN = "dry_run"
MOST_HOURS = 7 * 24.0
_LINE_BYTES = 64 << 20  # the result is one


class DryRuns:
    """Does dry runs."""

    def __init__(self, catalog: Catalog, loader: Loader, log: Log, log_url: str, now_ms: Callable[[], int]) -> None:
        self._catalog, self._loader, self._log, self._log_url = catalog, loader, log, log_url
        self._now_ms = now_ms

    async def __call__(self, job: Job, progress: Progress) -> Any:
        """Try a version out in place of the published one, or of the one that is asked for."""
        order = await self._order(job, progress)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "service.dry_run"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        try:
            if child.stdin is not None:
                child.stdin.write(msgspec.json.encode(order))
                child.stdin.close()
            return await _followed(child, progress)
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()

    async def _order(self, job: Job, progress: Progress) -> Order:
        """What the program has to do; its versions are on the shelf then."""
        after = await called(self._catalog.versions.get, job.layer, job.version)
        before = await self._before(job)
        reported = await called(self._catalog.fleet.in_force, job.layer)
        keys = {after.hash or "", before, *(one.hash for one in reported)}
        for done, key in enumerate(sorted(keys)):
            progress("compiling", done, len(keys))
            await self._loader.load(key)
        hours = job.asked.get("hours")
        return Order(
            log=self._log_url,
            shelf=str(self._loader.folder),
            before=before,
            after=after.hash or "",
            known=sorted(keys),
            partitions=await self._log.partitions(PINGS),
            since_ms=None if not hours else self._now_ms() - round(hours * 3_600_000),
        )

    async def _before(self, job: Job) -> str:
        """The hash of the version that it would replace."""
        number = job.asked.get("against")
        if number is None:
            last = await called(self._catalog.publications.last, job.layer)
            if last is None:
                raise BoundaryError(
                    f"layer {job.layer!r} has no published version: nothing changes for anyone. Publish it."
                )
            return last.hash
        found = await called(self._catalog.versions.get, job.layer, number)
        if found.hash is None:
            raise BoundaryError(
                f"version {number} of layer {job.layer!r} has errors; choose one that can be published."
            )
        return found.hash


async def _followed(child: asyncio.subprocess.Process, progress: Progress) -> Any:
    """The result."""
    while child.stdout is not None and (line := await child.stdout.readline()):
        said = msgspec.json.decode(line, type=Said)
        if said.failed:
            raise BoundaryError(said.failed)
        if said.result is not None:
            return said.result
        progress(said.stage, said.done, said.total)
    raise Stopped("The dry run ended without a word, perhaps for want of memory. Try fewer hours.")
