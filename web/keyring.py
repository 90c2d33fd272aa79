"""The keys in memory, followed from the catalog: what every request is checked against.

Between `catalog`, which blocks, and `access`, which may not. Invariant: a key that was revoked anywhere is refused here
within `keys_s` seconds and a request; while the catalog does not answer, what is known goes on to hold.
"""

from __future__ import annotations

import asyncio
import logging
import time

from catalog import Catalog, CatalogError, Unreachable
from catalog.keys import KeptKey, Key
from catalog.secret import key_id, same
from web.calling import called
from web.limits import Buckets

_UNKNOWN_RATE = 20.0  # unknown keys a second that the catalog is asked for
_LOOK_S = 10.0  # for a look, and those that are waited for before it
_log = logging.getLogger("geofence.web")


class Keyring:
    """All keys."""

    def __init__(self, catalog: Catalog, keys_s: float) -> None:
        self._catalog, self._keys_s = catalog, keys_s
        self._kept: dict[str, KeptKey] = {}
        self._number, self._looked = 0, time.monotonic()
        self._unknown = Buckets(_UNKNOWN_RATE, _UNKNOWN_RATE, time.monotonic)
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Learn what has changed. Raises CatalogError."""
        try:
            async with asyncio.timeout(_LOOK_S), self._looking:
                news = await called(self._catalog.keys.since, self._number)
                self._kept.update({kept.key.id: kept for kept in news.keys})
                self._number, self._looked = news.number, time.monotonic()
        except TimeoutError:
            raise Unreachable(f"keys could not be looked at within {_LOOK_S:g} s") from None

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
                _log.warning("the catalog does not answer, keys stay as they were: %s", error)

    async def find(self, text: str) -> Key | None:
        """The key that this is the text of, valid or not; one that is not known is looked for, if not too often."""
        found = key_id(text)
        if found is None:
            return None
        if found not in self._kept and not self._unknown.take("any"):
            try:
                await self.look()
            except CatalogError as error:
                _log.warning("the catalog does not answer, new keys are not known: %s", error)
        kept = self._kept.get(found)
        return kept.key if kept is not None and same(text, kept.hash) else None
