"""Who looked at positions: a line in the catalog's audit before any is shown.

Before every endpoint that shows coordinates. Invariants: nothing is shown that could not be noted; at most one line for
each caller, act, target and minute; no place in a line.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from catalog import Catalog, CatalogError
from catalog.audit import Line
from web.caller import Caller
from web.calling import called
from web.problem import come_again

_Look = tuple[str, str, str]
_MOST = 10_000
_AGAIN_MS = 60_000


class Looks:
    """Notes looks at positions."""

    def __init__(self, catalog: Catalog, now_ms: Callable[[], int]) -> None:
        self._catalog, self._now_ms = catalog, now_ms
        self._noted: OrderedDict[_Look, int] = OrderedDict()
        self._noting: WeakValueDictionary[_Look, asyncio.Lock] = WeakValueDictionary()

    def _fresh(self, who: _Look) -> bool:
        now_ms = self._now_ms()
        return now_ms - self._noted.get(who, now_ms - _AGAIN_MS) < _AGAIN_MS

    async def note(self, caller: Caller, action: str, target: str) -> None:
        """Note that this caller looks. Raises Problem where that can't be done."""
        who = (caller.name, action, target)
        if self._fresh(who):
            return
        noting = self._noting.setdefault(who, asyncio.Lock())  # nobody waits for the line of another
        async with noting:
            if self._fresh(who):
                return
            now_ms = self._now_ms()
            try:
                await called(self._catalog.audit.note, Line(now_ms, caller.name, action, target, {}))
            except CatalogError:
                raise come_again("Looks at positions are noted, and the catalog does not answer.", after_s=5) from None
            self._noted[who] = now_ms
            self._noted.move_to_end(who)
            if len(self._noted) > _MOST:
                self._noted.popitem(last=False)
