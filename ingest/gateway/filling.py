"""Filling an index from a view when it is first asked for; after that the changes of the view keep it.

Under `members` and `places`. Invariant: what changes while it is being filled is not missed, and not undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice

from stream.port import View


class Filling:
    """How far an index is filled."""

    def __init__(self, put: Callable[[bytes, bytes | None], None], at_once: int) -> None:
        """`put` takes a key and its newest value into the index; so many are put before others get a turn."""
        self._put, self._at_once = put, at_once
        self.begun = False  # from then on every change of the view has to be put too
        self._task: asyncio.Task[None] | None = None

    async def ready(self, view: View) -> None:
        """Wait until all that the view holds is in the index; after a failure it is begun again."""
        if self._task is None or (self._task.done() and self._task.exception()):
            self.begun = True
            self._task = asyncio.create_task(self._fill(view))
        await asyncio.shield(self._task)

    async def _fill(self, view: View) -> None:
        keys = iter(list(view.items()))
        while some := list(islice(keys, self._at_once)):
            for key in some:
                self._put(key, view.get(key))
            await asyncio.sleep(0)
