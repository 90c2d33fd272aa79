"""Calls of the catalog, which block, off the event loop: on threads of their own, and never waited for long.

Under all of the gateway that asks the catalog as requests come. Invariant: a database that hangs keeps only these
threads; whoever calls hears within seconds that it does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from catalog import Unreachable

T = TypeVar("T")
P = ParamSpec("P")

_WAIT_S = 8.0
_THREADS = ThreadPoolExecutor(8, thread_name_prefix="catalog")


async def called(do: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
    """What a call of the catalog gives. Raises CatalogError; a call that was too slow may still take effect."""
    call = asyncio.get_running_loop().run_in_executor(_THREADS, partial(do, *given, **more))
    try:
        async with asyncio.timeout(_WAIT_S):
            return await call
    except TimeoutError:
        raise Unreachable(f"the catalog has not answered within {_WAIT_S:g} s") from None
