"""What explains for a gateway: has a program of its own replay a device, a few at a time, and hands its answer on.

Given to `ingest.gateway.explaining`. Invariants: nothing is replayed in the gateway's own process, so that pings do not
wait for it; a program that takes too long, and one whose asker has gone, is killed; no place is in any log.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from boundaries.loading import Loader
from catalog import Catalog
from geofence.library import UnknownVersion
from ingest.gateway.explaining import Question
from ingest.gateway.settings import GatewaySettings
from ingest.retained import Bounds
from ingest.settings import WorkerSettings
from service.explain import asked_of
from service.explain_child import Order, Said
from service.explain_published import sent_of
from service.source import Unusable
from web.asking import asked
from web.problem import Problem, come_again

_log = logging.getLogger("geofence.gateway")
_LINE_BYTES = 256 << 20  # the answer is one; `explain_pings` bounds it far below
_TITLES = {400: "Can't be", 404: "Not retained", 410: "Not retained"}


class Explainers:
    """Explains devices."""

    def __init__(
        self, catalog: Catalog, loader: Loader, log_url: str, settings: GatewaySettings, worker: WorkerSettings
    ) -> None:
        """`worker`: the options under which the log's events were told."""
        self._catalog, self._loader, self._log_url = catalog, loader, log_url
        self._settings, self._worker, self._busy = settings, worker, 0

    async def __call__(self, question: Question, /) -> bytes:
        """The answer. Raises Problem."""
        try:
            asked_of(question.at, question.last, question.event, question.presets, prefix="")
        except Unusable as error:
            raise Problem(400, "Can't be", str(error)) from None
        if self._busy >= self._settings.explanations:
            raise come_again("Another explanation is being made.", after_s=2)
        self._busy += 1
        try:
            async with asyncio.timeout(self._settings.explain_s):
                return await self._explained(question)
        except TimeoutError:
            detail = f"It took longer than {self._settings.explain_s:g} s. Ask for one layer and one preset."
            raise come_again(detail, after_s=30) from None
        finally:
            self._busy -= 1

    async def _explained(self, question: Question) -> bytes:
        order = await self._order(question)
        async with _child(order) as child:
            said = await _line(child)
            if said.needs:
                await self._have(said.needs)
                await _tell(child, b"")
                said = await _line(child)
        if said.status == 503:
            _log.warning("an explanation failed: %s", said.failed, extra={"action": "explain_failed"})
            raise come_again(f"It can't be explained now: {said.failed}.", after_s=10)
        if said.failed:
            raise Problem(said.status, _TITLES[said.status], said.failed)
        return said.answer

    async def _order(self, question: Question) -> bytes:
        settings = self._settings
        try:
            sent = await asked(sent_of, self._catalog, question.layers)
        except Unusable as error:
            raise Problem(400, "No such layer", str(error)) from None
        bounds = Bounds(settings.explain_records, settings.explain_pings, settings.explain_s / 3)
        its = {name: getattr(question, name) for name in ("device", "row", "at", "last", "event", "form")}
        return msgspec.json.encode(
            Order(
                log=self._log_url,
                shelf=str(self._loader.folder),
                sent=sent,
                some=bool(question.layers),
                presets=list(question.presets),
                worker=self._worker,
                bounds=bounds,
                memory_bytes=settings.explain_memory_bytes,
                **its,
            )
        )

    async def _have(self, keys: list[str]) -> None:
        """Have versions on the shelf. Raises Problem."""
        try:
            for key in keys:
                await self._loader.load(key)
        except UnknownVersion as error:
            raise come_again(f"A version that was in force can't be had: {error}.", after_s=30) from None


@asynccontextmanager
async def _child(order: bytes) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program with its order; killed in the end."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.explain_child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    try:
        await _tell(child, order)
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _tell(child: asyncio.subprocess.Process, line: bytes) -> None:
    if child.stdin is not None:
        with suppress(ConnectionError):  # it has ended; `_line` tells
            child.stdin.write(line + b"\n")
            await child.stdin.drain()


async def _line(child: asyncio.subprocess.Process) -> Said:
    line = await child.stdout.readline() if child.stdout is not None else b""
    if not line.endswith(b"\n"):
        return Said(failed="its program ended without an answer", status=503)
    return msgspec.json.decode(line, type=Said)
