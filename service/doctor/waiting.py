"""Answers within a time, or none: what hangs is left behind.

Under `examination`. Invariant: neither a call that never returns nor a coroutine that won't be cancelled keeps who
waits longer than was said, nor the process from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def within(coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
    """What it returns. Raises TimeoutError; it is cancelled then, and not waited for."""
    task = asyncio.ensure_future(coroutine)
    done, _ = await asyncio.wait((task,), timeout=seconds)
    if not done:
        task.cancel()
        task.add_done_callback(_passed_over)
        raise TimeoutError
    return task.result()


class Daemons(ThreadPoolExecutor):
    """A thread for each call, which ends with the process: whoever stops using this waits for none of them."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin the call."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=call, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing: what hangs is not waited for."""


def _passed_over(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
