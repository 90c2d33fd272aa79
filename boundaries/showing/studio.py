"""A process that draws, so that whoever serves others meanwhile keeps its event loop and its lock to itself.

Under `pictures`. Invariants: so many pieces of work at most wait; a process that dies is replaced, and who waited for
it is told to come again; the process never outlives its parent.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from typing import Any

from boundaries.errors import BoundaryError
from web.problem import Problem, come_again

_WAITING, _WITHIN_S = 32, 120.0
_DIE_WITH_PARENT = 1  # of prctl


class Studio:
    """One process, begun with its first work."""

    def __init__(self, waiting: int = _WAITING) -> None:
        self._most, self._waiting = waiting, 0
        self._pool: ProcessPoolExecutor | None = None

    async def draw(self, function: str, *given: Any) -> Any:
        """What a function gives that is named by its place: it is imported there alone. Raises Problem."""
        if self._waiting >= self._most:
            raise come_again("Too many pictures are being drawn here. Ask again.", after_s=2)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin)
        pool, self._waiting = self._pool, self._waiting + 1
        try:
            async with asyncio.timeout(_WITHIN_S):
                return await asyncio.wrap_future(pool.submit(_do, function, given))
        except BrokenProcessPool:
            self._forget(pool)
            raise come_again("What drew this has ended, perhaps for want of memory. Ask again.", after_s=5) from None
        except TimeoutError:
            raise come_again(f"It was not drawn within {_WITHIN_S:g} s. Ask again later.", after_s=30) from None
        except BoundaryError as error:
            raise Problem(409, "Can't be shown", str(error)) from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the process when it has done what it is at."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _forget(self, pool: ProcessPoolExecutor) -> None:
        """Have the next one asked for begin a new process."""
        if self._pool is pool:
            self._pool = None
        pool.shutdown(wait=False, cancel_futures=True)


def _do(function: str, given: tuple[Any, ...]) -> Any:
    module, _, name = function.rpartition(".")
    return getattr(import_module(module), name)(*given)


def _begin() -> None:
    """In the process: signals of a terminal are for its parent, with which it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
