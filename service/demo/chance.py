"""Chance that is a function of its keys: the same keys give the same number, whenever and in whatever order asked.

Below everything else of the pretend phones. Invariant: nothing is remembered between two calls, so that a phone goes on
after a restart as if there had been none.
"""

from __future__ import annotations

import hashlib
import math
from statistics import NormalDist

_BELL = NormalDist()


def drawn(*keys: object) -> float:
    """A number between 0 and 1, neither of them."""
    digest = hashlib.blake2b("\0".join(map(str, keys)).encode(), digest_size=6).digest()
    return (int.from_bytes(digest, "little") + 0.5) / 2**48


def normal(*keys: object) -> float:
    """A number of the standard normal distribution."""
    return _BELL.inv_cdf(drawn(*keys))


def wander(*keys: object, time_s: float, lasts_s: float) -> float:
    """A smooth error of variance 1 that is much the same for about `lasts_s`, and another one later."""
    knot = math.floor(time_s / lasts_s)
    share = time_s / lasts_s - knot
    before, after = normal(*keys, knot), normal(*keys, knot + 1)
    return (before * (1.0 - share) + after * share) / math.hypot(share, 1.0 - share)
