"""Checks of what can be reached: settings, and whether the log and the catalog answer.

First of all checks: the others need what is opened here. Invariant: nothing is made or changed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack

from catalog import Catalog, CatalogError, Outdated, Refused, open_catalog
from ingest.topics import PINGS
from service.doctor.finding import Finding, error, ok, unknown, warning
from service.doctor.setup import Places
from service.doctor.waiting import within
from service.logs import open_log
from service.settings.secret import without_password
from service.settings.values import set_ones, settled
from service.source import Unusable
from stream import port

LOG, CATALOG, SETTINGS = "log", "catalog", "settings"


def check_settings() -> Iterator[Finding]:
    """Whether every setting of every role can be used."""
    found = settled(os.environ, {})
    for one in found.wrong:
        yield error(SETTINGS, one, "Correct it; roles that read it refuse to start.", "geofence config --check")
    for name in found.unread:
        yield warning(
            SETTINGS, f"{name} is set, but nobody reads it", "Unset it, or correct its name.", "geofence config"
        )
    if not found.wrong:
        many, where = len(list(set_ones(found))), f", {found.file} among others" if found.file else ""
        yield ok(SETTINGS, f"{many} of {len(found.valued)} are set{where}")


async def reach_log(places: Places, opened: AsyncExitStack) -> tuple[port.Log | None, int | None, Finding]:
    """The log, open to be read, and how many partitions its pings have; None where that can't be had."""
    if places.log_url is None:
        return None, None, warning(LOG, "it was not said where the log is", "Say --log URL, or set GEOFENCE_LOG.")
    shown, command = without_password(places.log_url), ""
    if places.embedded:
        remedy = "Correct the address, or make it."
        command = f"geofence topics create {places.log_option}"
    else:
        remedy = "Start the brokers, or correct the address and the GEOFENCE_KAFKA_ settings."
    try:
        log = await within(opened.enter_async_context(open_log(places.log_url, read_only=True)), places.within_s)
    except TimeoutError:
        told = f"{shown} did not answer within {places.within_s:g} s"
        return None, None, error(LOG, told, remedy, command)
    except (port.LogError, Unusable, OSError) as fault:
        return None, None, error(LOG, without_password(str(fault)), remedy, command)
    try:
        many = await within(log.partitions(PINGS), places.within_s)
    except port.Unusable:
        return log, None, ok(LOG, f"{shown} answers")  # the topics' own check tells the rest
    except (port.Unavailable, TimeoutError) as fault:
        told = str(fault) or f"{shown} did not answer within {places.within_s:g} s"
        return None, None, error(LOG, without_password(told), remedy)
    return log, many, ok(LOG, f"{shown} answers; {PINGS} has {many} partitions")


async def reach_catalog(places: Places, opened: AsyncExitStack) -> tuple[Catalog | None, Finding]:
    """The catalog, if its schema is the one of this program."""
    if places.catalog_url is None:
        return None, unknown(
            CATALOG, "it was not said where the catalog is", "Say --catalog URL, or set GEOFENCE_CATALOG."
        )
    shown = without_password(places.catalog_url)
    try:
        catalog = await within(asyncio.to_thread(_open, places.catalog_url, opened), places.within_s)
    except TimeoutError:
        told = f"{shown} did not answer within {places.within_s:g} s"
        return None, error(CATALOG, told, "Start the database, or correct the address.")
    except Outdated as fault:
        command = f"geofence catalog upgrade {places.catalog_option}"
        said = without_password(str(fault)).partition(". ")[0]
        if "does not know" in said:
            return None, error(CATALOG, said, "A newer program has upgraded it. Update this program.")
        return None, error(CATALOG, said, "Upgrade it before roles of this release start.", command)
    except (CatalogError, OSError) as fault:
        remedy = "Correct the address." if isinstance(fault, Refused) else "Start the database, or correct the address."
        return None, error(CATALOG, without_password(str(fault)), remedy)
    return catalog, ok(CATALOG, f"{shown} answers, at the version of this program")


def _open(url: str, opened: AsyncExitStack) -> Catalog:
    context = open_catalog(url)
    catalog = context.__enter__()
    opened.push(lambda *error: bool(context.__exit__(*error)))
    return catalog
