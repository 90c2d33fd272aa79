"""How the core compiles what runs once a ping.

Beside everything that has a loop. Numba counts the references to every array that a function is given or takes from a
tuple, in memory that all threads share: 30 % of the core's time. A kernel only looks at arrays, and makes none, so it
needs no counting. Invariant: whoever calls a kernel holds on to the arrays, and a kernel returns none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that allocates nothing; kept on disk."""
    compiled: Callable[P, R] = njit(cache=True, _nrt=False)(function)  # type: ignore[call-overload]
    return compiled
