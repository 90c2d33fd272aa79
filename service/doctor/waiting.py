"""Answers within a time, or none: what hangs is left behind.

Under `examination`. Invariant: neither a call that never returns nor a coroutine that won't be cancelled keeps who
waits longer than was said, nor the process from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

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


async def threaded(function: Callable[..., T], *given: Any) -> T:
    """What a call that blocks returns, from a thread that ends with the process."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def call() -> None:
        try:
            result = function(*given)
        except BaseException as error:
            _tell(loop, answer, error=error)
        else:
            _tell(loop, answer, result=result)

    threading.Thread(target=call, daemon=True).start()
    return await answer


def _tell(
    loop: asyncio.AbstractEventLoop,
    answer: asyncio.Future[Any],
    *,
    result: Any = None,
    error: BaseException | None = None,
) -> None:
    def put() -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    if not loop.is_closed():
        loop.call_soon_threadsafe(put)


def _passed_over(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
