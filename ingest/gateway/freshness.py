"""How old an answer from views may be, known and not guessed.

Asked by every endpoint that answers from a view. Invariant: whatever was committed before the age told is in the views;
an answer never waits long for it, so that while the log is away the age grows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from stream.port import LogError, View

_log = logging.getLogger("geofence.gateway")


class Freshness:
    """Asks views whether they have caught up, for all who want to know at the same time once."""

    def __init__(self, views: Sequence[View], *, good_s: float = 0.2, patience_s: float = 0.5) -> None:
        """Views that have just caught up. An age up to `good_s` is as good as none."""
        self._views, self._good_s, self._patience_s = views, good_s, patience_s
        self._clock = asyncio.get_running_loop().time
        self._fresh = self._clock()
        self._asking: asyncio.Task[None] | None = None

    async def age_ms(self) -> int:
        """All that was committed so many milliseconds ago is in the views."""
        if self._clock() - self._fresh > self._good_s:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            await asyncio.wait((self._asking,), timeout=self._patience_s)
        return round((self._clock() - self._fresh) * 1000)

    def known_age_s(self) -> float:
        """The same in seconds, as it is known without asking."""
        return self._clock() - self._fresh

    async def _ask(self) -> None:
        begun = self._clock()
        try:
            await asyncio.gather(*(view.caught_up() for view in self._views))
        except LogError as error:
            _log.warning("the views can't catch up: %s", error, extra={"action": "views_behind"})
            return
        self._fresh = begun
