"""All checks over one set-up, side by side, each within its time.

Above the families of checks. Invariants: no check keeps the others waiting, nor anybody longer than its time; one that
can't run as something that it needs is away is told as unknown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from catalog import CatalogError
from service.doctor.clocks import CLOCK, check_catalog_clock, check_log_clock, check_worker_clocks
from service.doctor.disk import DISK, check_disk
from service.doctor.finding import Finding, Level, error, unknown
from service.doctor.fleet import VERSIONS, WORKERS, check_versions, check_workers
from service.doctor.lag import LAG, check_lag
from service.doctor.places import CATALOG, LOG, SETTINGS, check_settings, reach_catalog, reach_log
from service.doctor.receivers import WEBHOOKS, check_webhooks
from service.doctor.setup import Places, Setup
from service.doctor.topics import TOPICS, check_topics
from service.doctor.waiting import Daemons, within
from service.settings.secret import without_password
from stream.port import LogError

_END_S = 1.0  # for closing what was opened


@dataclass(frozen=True, slots=True)
class Check:
    """One check, and what has to be open for it."""

    name: str
    run: Callable[[Setup], Awaitable[Sequence[Finding]]]
    needs: tuple[str, ...] = ()


CHECKS = (
    Check(TOPICS, check_topics, (LOG,)),
    Check(CLOCK, check_log_clock, (LOG,)),
    Check(CLOCK, check_catalog_clock, (CATALOG,)),
    Check(CLOCK, check_worker_clocks, (CATALOG,)),
    Check(WORKERS, check_workers, (CATALOG,)),
    Check(VERSIONS, check_versions, (CATALOG,)),
    Check(LAG, check_lag, (LOG,)),
    Check(WEBHOOKS, check_webhooks, (CATALOG,)),
)
_ORDER = (SETTINGS, LOG, TOPICS, CATALOG, CLOCK, DISK, WORKERS, VERSIONS, LAG, WEBHOOKS)


async def examine(places: Places) -> list[Finding]:
    """What every check says, in the order in which to read it."""
    asyncio.get_running_loop().set_default_executor(Daemons())
    opened = AsyncExitStack()
    try:
        setup, found = await _opened(places, opened)
        lines = await asyncio.gather(*(_checked(one, setup) for one in CHECKS))
        for some in lines:
            found += some
    finally:
        await _close(opened)
    return sorted(_once(found), key=lambda one: _ORDER.index(one.check))


async def _opened(places: Places, opened: AsyncExitStack) -> tuple[Setup, list[Finding]]:
    """What could be opened, and what was found meanwhile without it."""
    (log, many, of_log), (catalog, of_catalog), settings, disk = await asyncio.gather(
        reach_log(places, opened),
        reach_catalog(places, opened),
        _listed(SETTINGS, places, check_settings),
        _listed(DISK, places, check_disk, places),
    )
    setup = Setup(places, time.time_ns() // 1_000_000, log, many, catalog)
    return setup, [*settings, of_log, of_catalog, *disk]


async def _listed(name: str, places: Places, check: Callable[..., Iterable[Finding]], *given: Any) -> Sequence[Finding]:
    """What a check says that only looks at this machine."""
    return await _guarded(name, asyncio.to_thread(lambda: list(check(*given))), places.within_s)


async def _checked(one: Check, setup: Setup) -> Sequence[Finding]:
    there = {LOG: setup.log, CATALOG: setup.catalog}
    missing = [name for name in one.needs if there[name] is None]
    if missing:
        return [unknown(one.name, f"needs the {missing[0]}, which is not open: see its line")]

    async def run() -> Sequence[Finding]:
        return await one.run(setup)

    return await _guarded(one.name, run(), setup.places.within_s)


async def _guarded(name: str, running: Coroutine[Any, Any, Sequence[Finding]], seconds: float) -> Sequence[Finding]:
    """What a check says; what stops it is a finding too."""
    remedy = "See whether the log, the catalog and the disk are overloaded; --within gives more time."
    try:
        return await within(running, seconds)
    except TimeoutError:
        return [error(name, f"did not answer within {seconds:g} s", remedy)]
    except (LogError, CatalogError, OSError) as fault:
        return [error(name, without_password(str(fault)), remedy)]


def _once(found: Iterable[Finding]) -> list[Finding]:
    """The same thing is said once; what is unknown of a family is not said beside what is known to be wrong."""
    kept = list(dict.fromkeys(found))
    wrong = {one.check for one in kept if one.level in (Level.WARNING, Level.ERROR)}
    return [one for one in kept if one.level is not Level.UNKNOWN or one.check not in wrong]


async def _close(opened: AsyncExitStack) -> None:
    try:
        await within(opened.aclose(), _END_S)
    except (TimeoutError, LogError, CatalogError, OSError):
        return  # it was only read
