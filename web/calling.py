"""Calls of the catalog, which block, off the event loop: on threads of their own, and never waited for long.

Under all that asks the catalog as requests and records come. Invariant: a database that hangs keeps only these threads,
and no process from ending; whoever calls hears within seconds that it does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

from catalog import Unreachable

T = TypeVar("T")
P = ParamSpec("P")

_WAIT_S = 8.0
_MOST = 8


class _Threads:
    """Threads that take calls as they come; daemons, as an executor's are waited for when the process ends."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._lock, self._begun = Lock(), False

    def submit(self, do: Callable[[], T]) -> Future[T]:
        """Have something done."""
        with self._lock:
            if not self._begun:
                for number in range(_MOST):
                    Thread(target=self._work, name=f"catalog-{number}", daemon=True).start()
                self._begun = True
        future: Future[T] = Future()
        self._calls.put((future, do))
        return future

    def _work(self) -> None:
        while True:
            _do(*self._calls.get())


def _do(future: Future[Any], do: Callable[[], Any]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(do())
        except BaseException as error:
            future.set_exception(error)


_THREADS = _Threads()


async def called(do: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
    """What a call of the catalog gives. Raises CatalogError; a call that was too slow may still take effect."""
    try:
        async with asyncio.timeout(_WAIT_S):
            return await asyncio.wrap_future(_THREADS.submit(partial(do, *given, **more)))
    except TimeoutError:
        raise Unreachable(f"the catalog has not answered within {_WAIT_S:g} s") from None
