"""A task that nobody awaits, done again and again: it outlives whatever goes wrong, and says so once.

Under what runs beside the endpoints. Invariant: only a cancellation ends it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from catalog import CatalogError
from stream.port import LogError

_log = logging.getLogger("geofence.boundaries")


async def endure(what: str, step: Callable[[], Awaitable[bool]], pause: Callable[[], Awaitable[None]]) -> None:
    """Take steps, with a pause after each that had nothing to do or went wrong. `what`: what waits then."""
    silent = False
    while True:
        try:
            busy, silent = await step(), False
        except Exception as error:
            busy = False
            if not silent and isinstance(error, CatalogError | LogError | OSError):
                _log.warning("%s waits: %s", what, error, extra={"action": f"{what}_waits"})
            elif not silent:
                _log.exception("%s broke off", what, extra={"action": f"{what}_fault"})
            silent = True
        if not busy:
            await pause()
