"""Versions as the catalog has them published: loaded before a switch needs them, reported once they are in force.

Beside `worker`, where layers come from the catalog: a `Fences` whose layers all came by switches, and a task that
follows the catalog. Invariants: a catalog that is away stops nothing that runs; what is reported is what was committed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial

from catalog import Catalog, CatalogError
from catalog.fleet import FAILED, LOADING, READY, InForce, Loading, Worker
from geofence.atlas import Atlas
from geofence.control import Switch
from geofence.fence import Fence
from geofence.library import Library, UnknownVersion
from geofence.wire_tracks import PartitionRow
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus, State, Status, tell
from web.calling import called

Load = Callable[[str], Awaitable[Atlas]]  # by a version's hash; raises UnknownVersion and CatalogError

_LOOK_S = 0.25
_SIGN_S = 4.0  # between two signs of life
_AGAIN_S = 30.0  # between two reports of the same
_LEAVE_S = 1.0  # for saying that it leaves; else it is not waited for after a while


class CatalogFences:
    """Fences whose versions are loaded when they are named."""

    def __init__(self, load: Load, settings: WorkerSettings) -> None:
        self.library, self._load = Library(), load
        self.loadings: dict[str, Loading] = {}  # what is said
        self.unsaid: set[str] = set()  # at hand, but that is not said any more
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._make = partial(
            Fence,
            library=self.library,
            consent=settings.consent,
            forget_after_s=settings.forget_after_s,
            max_age_s=settings.max_age_s,
            sweep_devices=settings.sweep_devices,
        )

    async def make(self, kept: PartitionRow | None) -> Fence:
        """A fence with the layers that the kept one had. Raises UnknownVersion and CatalogError."""
        layers = kept.layers if kept is not None else ()
        for key in (key for one in layers for key in (one.before, one.version) if key is not None):
            await self.have(key)
        kinds = [self.library.find(one.layer, one.version, None).version for one in layers]
        return self._make(kinds)

    async def fetch(self, switch: Switch) -> None:
        """Have the version at hand. Raises UnknownVersion and CatalogError."""
        await self.have(switch.version)

    async def have(self, key: str) -> None:
        """Have a version at hand; those who ask for the same one wait for one loading."""
        while key not in self.library:  # it may have been let go of since it was loaded
            if key not in self._under_way:
                self._under_way[key] = asyncio.create_task(self._have(key))
            await asyncio.shield(self._under_way[key])
        self.unsaid.discard(key)
        self.loadings[key] = Loading(READY)

    async def _have(self, key: str) -> None:
        self.loadings[key] = Loading(LOADING)
        try:
            self.library.put(await self._load(key))
        except UnknownVersion as error:
            self.loadings[key] = Loading(FAILED, str(error))
            tell(logging.ERROR, "version_not_loaded", version=key[:12], reason=error)
            raise
        except BaseException:
            del self.loadings[key]  # it is tried again
            raise
        finally:
            del self._under_way[key]
        self.loadings[key] = Loading(READY)
        tell(logging.INFO, "version_loaded", version=key[:12])

    def unsay(self, needed: set[str]) -> None:
        """No longer say of all but these versions that they are at hand."""
        for key in self.loadings.keys() - needed - self._under_way.keys():
            del self.loadings[key]
            if key in self.library:
                self.unsaid.add(key)

    def let_go(self, keys: set[str]) -> None:
        """Let go of versions that nobody counts on any more."""
        self.library.let_go(keys)
        self.unsaid -= keys


class Follower:
    """Follows the catalog, and reports to it."""

    def __init__(self, catalog: Catalog, fences: CatalogFences, status: Status, now_ms: Callable[[], int]) -> None:
        self._catalog, self._fences, self._status, self._now_ms = catalog, fences, status, now_ms
        self.id = f"{socket.gethostname()[:40]}-{os.getpid()}-{now_ms() % 100_000}"
        self._said: tuple[object, ...] = ()
        self._left: set[str] = set()  # versions of which the catalog knows that they are not to be counted on
        self._said_ms = 0
        self._reported: dict[int, list[InForce]] = {}
        self._reported_ms = 0
        self._away = ""

    async def follow(self) -> None:
        """Until it is cancelled; then the worker is no longer among those that are waited for."""
        try:
            while True:
                try:
                    await self._look()
                    self._away = ""
                except CatalogError as error:
                    if not self._away:
                        tell(logging.WARNING, "catalog_away", reason=error)
                    self._away = str(error)
                except Exception as error:  # nobody awaits this task: what kills it would never be heard of
                    reason = f"{type(error).__name__}: {error}"
                    if self._away != reason:
                        tell(logging.ERROR, "following_fault", reason=reason)
                    self._away = reason
                await asyncio.sleep(_LOOK_S)
        finally:
            await self._leave()

    async def _look(self) -> None:
        """Load what is to come, report what has changed, and let go of what nobody needs.

        Whoever publishes asks for a version first and then looks who has it: so it is let go of only if nobody has
        asked for it after it was said that it is not at hand.
        """
        wanted = {one.hash for one in await called(self._catalog.publications.wanted)}
        needed = self._needed(wanted)
        if needed is not None:
            self._fences.let_go(self._left - needed)
        for key in wanted - self._fences.loadings.keys():
            asyncio.ensure_future(self._fences.have(key)).add_done_callback(_passed_over)
        await self._report()
        needed = self._needed(wanted)
        if needed is not None:
            self._fences.unsay(needed)
        unsaid = set(self._fences.unsaid)
        await self._sign()
        self._left = unsaid & self._fences.unsaid

    def _needed(self, wanted: set[str]) -> set[str] | None:
        """The versions that are in force here or are to be; None: what is being restored may need any of them."""
        used = set(wanted)
        for one in self._status.held:
            if one.state is State.RESTORING:
                return None
            used |= {key for its in one.in_force or () for key in (its.version, its.before) if key}
        return used

    async def _report(self) -> None:
        """What is in force on each partition that it holds, where that has changed."""
        if self._now_ms() - self._reported_ms > _AGAIN_S * 1000:  # somebody else may have reported meanwhile
            self._reported, self._reported_ms = {}, self._now_ms()
        for one in self._status.held:
            reports = self._in_force(one)
            if reports is not None and self._reported.get(one.partition) != reports:
                await called(self._catalog.fleet.put_in_force, one.partition, reports)
                self._reported[one.partition] = reports

    def _in_force(self, one: PartitionStatus) -> list[InForce] | None:
        if one.in_force is None:
            return None
        return [
            InForce(one.partition, its.layer, its.number, its.version, its.switched_ms, self.id) for its in one.in_force
        ]

    async def _sign(self) -> None:
        """A sign of life, and which versions are at hand."""
        partitions = tuple(sorted(one.partition for one in self._status.held))
        said, now_ms = (partitions, dict(self._fences.loadings)), self._now_ms()
        if said == self._said and now_ms - self._said_ms < _SIGN_S * 1000:
            return
        worker = Worker(self.id, socket.gethostname(), os.getpid(), now_ms, partitions, said[1])
        await called(self._catalog.fleet.seen, worker)
        self._said, self._said_ms = said, now_ms

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(_LEAVE_S):
                await called(self._catalog.fleet.leave, self.id)
        except (CatalogError, TimeoutError) as error:
            tell(logging.WARNING, "catalog_away", reason=error)


def _passed_over(loading: asyncio.Future[None]) -> None:
    """What a loading ahead of need has raised is in its `Loading`."""
    if not loading.cancelled():
        loading.exception()
