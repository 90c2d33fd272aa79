"""Does the jobs that administrators have asked for, one after the other, in whichever process takes them.

Run beside the endpoints. What is done is in handlers, by kind; here are leases, progress, ends. Invariants: a job that
was cancelled, or whose lease is lost, is stopped within seconds; one that was under way when its process ends in order
is taken up by another at once, and after a crash when its lease has run out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from boundaries.enduring import endure
from boundaries.errors import BoundaryError
from catalog import Catalog, CatalogError, Conflict, Missing, Refused
from catalog.job import Job
from geofence.library import UnknownVersion
from stream.port import LogError
from web.calling import called

_log = logging.getLogger("geofence.boundaries")
_LEASE_S, _LOOK_S, _SIGN_S = 30.0, 0.3, 1.0


@dataclass(slots=True)
class Progress:
    """How far a job is, as its handler says."""

    stage: str = ""
    done: int = 0
    total: int | None = None

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Say it."""
        self.stage, self.done, self.total = stage, done, total


Handler = Callable[[Job, Progress], Awaitable[Any]]  # gives the job's result; a handler may end its job itself


class Workshop:
    """Takes jobs of the kinds that it has handlers for."""

    def __init__(
        self, catalog: Catalog, handlers: Mapping[str, Handler], holder: str, now_ms: Callable[[], int]
    ) -> None:
        self._catalog, self._handlers, self._holder, self._now_ms = catalog, dict(handlers), holder, now_ms
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be a job to do."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled. A catalog that does not answer is asked again."""
        await endure("jobs", self.step, self._pause)

    async def _pause(self) -> None:
        """Until somebody wakes it, or for a while."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), _LOOK_S)
        self._woken.clear()

    async def step(self) -> bool:
        """Do one job; whether there was one. Raises CatalogError."""
        kinds = list(self._handlers)
        job = await called(self._catalog.jobs.take, self._holder, now_ms=self._now_ms(), lease_s=_LEASE_S, kinds=kinds)
        if job is None:
            return False
        progress = Progress()
        doing = asyncio.ensure_future(self._handlers[job.kind](job, progress))
        try:
            if await self._kept(job, doing, progress):
                await self._end(job, doing)
        except asyncio.CancelledError:
            await _stopped(doing)
            with suppress(CatalogError):
                self._catalog.jobs.give_back(job)
            raise
        finally:
            await _stopped(doing)
        return True

    async def _kept(self, job: Job, doing: asyncio.Future[Any], progress: Progress) -> bool:
        """Hold the lease until it is done; False: it was cancelled or lost. Raises CatalogError once it has run out."""
        until_ms = job.leased_until_ms
        while True:
            await asyncio.wait({doing}, timeout=_SIGN_S)
            if doing.done():
                return True
            its: dict[str, Any] = {"stage": progress.stage, "done": progress.done, "total": progress.total}
            now_ms = self._now_ms()
            try:
                if not await called(self._catalog.jobs.progress, job, **its, now_ms=now_ms, lease_s=_LEASE_S):
                    return False
                until_ms = now_ms + round(_LEASE_S * 1000)
            except CatalogError:
                if now_ms > until_ms:
                    raise

    async def _end(self, job: Job, doing: asyncio.Future[Any]) -> None:
        """Write what came of it."""
        error = doing.exception()
        if error is None:
            await called(self._catalog.jobs.finish, job, doing.result(), now_ms=self._now_ms())
            return
        if isinstance(error, BoundaryError | UnknownVersion | Missing | Refused | Conflict):
            reason = str(error)
        elif isinstance(error, CatalogError | LogError):
            reason = f"It was stopped half-way: {error}. Ask for it again."
        else:
            _log.error("job %s (%s) failed", job.id, job.kind, exc_info=error, extra={"action": "job_failed"})
            reason = "The fault is ours. It was noted in the log."
        await called(self._catalog.jobs.fail, job, reason, now_ms=self._now_ms())


async def _stopped(doing: asyncio.Future[Any]) -> None:
    doing.cancel()
    await asyncio.gather(doing, return_exceptions=True)
