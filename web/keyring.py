"""The keys in memory, followed from the catalog: what every request is checked against.

Between `catalog`, which blocks, and `access`, which may not. Invariants: a key that was revoked anywhere is refused
here within `keys_s` seconds and a request, and one that was made is known to whoever asks for it, however many ask at
once; while the catalog does not answer, what is known goes on to hold.
"""

from __future__ import annotations

import asyncio
import logging
import time

from catalog import Catalog, CatalogError, Unreachable
from catalog.keys import KeptKey, Key
from catalog.secret import key_id, same
from web.calling import called

_APART_S = 0.05  # between looks, however many unknown keys come
_LOOK_S = 10.0  # for a look, and those that are waited for before it
_log = logging.getLogger("geofence.web")


class Keyring:
    """All keys."""

    def __init__(self, catalog: Catalog, keys_s: float) -> None:
        self._catalog, self._keys_s = catalog, keys_s
        self._kept: dict[str, KeptKey] = {}
        self._number, self._looked = 0, time.monotonic()
        self._began = -_APART_S
        self._looking = asyncio.Lock()
        self._coming: asyncio.Task[None] | None = None  # a look that has not begun: it sees all that was made until now

    async def look(self) -> None:
        """Learn what has changed until now; who asks before a look begins shares it. Raises CatalogError."""
        if self._coming is None:
            self._coming = asyncio.create_task(self._look())
        await asyncio.shield(self._coming)

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S), self._looking:
                await asyncio.sleep(self._began + _APART_S - time.monotonic())
                self._began, self._coming = time.monotonic(), None
                news = await called(self._catalog.keys.since, self._number)
                self._kept.update({kept.key.id: kept for kept in news.keys})
                self._number, self._looked = news.number, time.monotonic()
        except TimeoutError:
            raise Unreachable(f"keys could not be looked at within {_LOOK_S:g} s") from None
        finally:
            if self._coming is asyncio.current_task():
                self._coming = None

    def __len__(self) -> int:
        return len(self._kept)

    def age_s(self) -> float:
        """Seconds since the catalog last answered."""
        return time.monotonic() - self._looked

    async def follow(self) -> None:
        """Look every `keys_s`, for ever."""
        while True:
            await asyncio.sleep(self._keys_s)
            try:
                await self.look()
            except CatalogError as error:
                _log.warning(
                    "the catalog does not answer, keys stay as they were: %s", error, extra={"action": "catalog_away"}
                )

    async def find(self, text: str) -> Key | None:
        """The key that this is the text of, valid or not; one that is not known is looked for. Raises CatalogError."""
        found = key_id(text)
        if found is None:
            return None
        if found not in self._kept:
            await self.look()
        kept = self._kept.get(found)
        return kept.key if kept is not None and same(text, kept.hash) else None
