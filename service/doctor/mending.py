"""`--fix`: what can be mended without a risk.

Beside `examination`. Invariant: nothing is deleted and no setting of what exists is changed: missing topics are made
(and the embedded log with them, if there is none), and the catalog's schema is made or brought up to date.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from catalog import CatalogError, upgrade
from ingest.topics import PINGS, topics
from service.doctor.finding import Finding, Level
from service.doctor.places import CATALOG, LOG
from service.doctor.setup import Places
from service.doctor.topics import TOPICS
from service.doctor.waiting import Daemons, within
from service.logs import default_partitions, open_log
from service.settings.secret import without_password
from service.source import Unusable
from stream.port import LogError
from stream.port import Unusable as NoTopic

_PATIENCE = 6  # times what a check has: making is slower than looking


async def mend(places: Places, found: list[Finding]) -> list[str]:
    """Mend what can be, and say for each what was done or why not."""
    asyncio.get_running_loop().set_default_executor(Daemons())
    wrong = {one.check for one in found if one.level is Level.ERROR}
    said = []
    if places.catalog_url is not None and CATALOG in wrong:
        said.append(
            await _tried("the catalog was not upgraded", asyncio.to_thread(upgrade, places.catalog_url), places)
        )
    if places.log_url is not None and (TOPICS in wrong or (LOG in wrong and places.embedded)):
        said.append(await _tried("no topics were made", _make_topics(places.log_url), places))
    return said


async def _make_topics(url: str) -> str:
    async with open_log(url) as log:
        try:
            many = await log.partitions(PINGS)
        except NoTopic:
            many = default_partitions(url)
        made = await log.create(topics(many))
    return f"topics made: {', '.join(made)}, with {many} partitions" if made else "no topics were made: all are there"


async def _tried(failed: str, doing: Coroutine[Any, Any, str], places: Places) -> str:
    try:
        return without_password(str(await within(doing, _PATIENCE * places.within_s)))
    except TimeoutError:
        return f"{failed}: no answer within {_PATIENCE * places.within_s:g} s"
    except (LogError, CatalogError, Unusable, OSError) as error:
        return f"{failed}: {without_password(str(error))}"
