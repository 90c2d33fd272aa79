"""A world for the rule alone: strips of regions side by side, 1 km wide, and a device that is told where it is.

Region n reaches from n to n + 1 kilometres east; so a table of (second, metres east, accuracy) is all a case needs.
Stay east of 0: -1 and -2 say other things. Run as a program it prints what a fixed day of pings comes to, for comparing
compiled code with plain Python.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from geofence.hysteresis import (
    BALANCED,
    CAUSES,
    CROSSING,
    EVIDENCE,
    MOTION,
    OUTCOMES,
    TRAIL,
    TRAIL_LENGTH,
    UNKNOWN,
    Rule,
    cap_m,
    new_evidence,
    new_motion,
    step,
)

METRES_PER_DEGREE = 111_195.0802
START_MS = 1_700_000_000_000
WIDTH_M = 1000.0
NAN = float("nan")


class Told(NamedTuple):
    """One crossing, in seconds and strips; None is not known yet."""

    at_s: float
    origin: int | None
    target: int
    cause: str
    occurred_s: float


def rows(dtype: np.dtype[Any], count: int = 1) -> Any:
    """Zeroed rows whose fields read as attributes."""
    return np.zeros(count, dtype).view(np.recarray)


class Device:
    """The state of one device, and what happened to it."""

    def __init__(self, rule: Rule = BALANCED, *, start: int = UNKNOWN) -> None:
        self.motion, self.evidence, self.trail = rows(MOTION), rows(EVIDENCE), rows(TRAIL, TRAIL_LENGTH)
        self.rule, self.out = rule.packed(), rows(CROSSING, TRAIL_LENGTH)
        self.outcomes: list[str] = []
        self.told: list[Told] = []
        new_motion(self.motion[0])
        new_evidence(self.evidence[0], start)

    @property
    def region(self) -> int:
        return int(self.evidence[0].region)

    def state(self) -> bytes:
        """Everything remembered; entries beyond the trail's end are nothing."""
        trail = self.trail[: self.evidence[0].entries]
        return bytes(self.motion.tobytes() + self.evidence.tobytes() + trail.tobytes())

    def ping(self, at_s: float, east_m: float, accuracy_m: float = 10.0, confidence: float = NAN) -> str:
        """One ping; gives its outcome."""
        strip = int(np.floor(east_m / WIDTH_M))
        margin_m = min(east_m - strip * WIDTH_M, (strip + 1) * WIDTH_M - east_m)
        home = self.region * WIDTH_M
        home_m = max(home - east_m, east_m - home - WIDTH_M, 0.0)
        cap = cap_m(accuracy_m, confidence, self.rule[0])
        margin_m, home_m = min(margin_m, cap), min(home_m, cap)
        time_ms = START_MS + round(at_s * 1000)
        outcome, count = step(
            self.motion[0], self.evidence[0], self.trail, east_m / METRES_PER_DEGREE, 0.0, accuracy_m, confidence,
            0, time_ms, strip, margin_m, home_m, self.rule[0], self.out,
        )  # fmt: skip
        for crossing in self.out[:count]:
            origin = None if crossing.region_from == UNKNOWN else int(crossing.region_from)
            occurred_s = (crossing.occurred_ms - START_MS) / 1000
            self.told.append(
                Told((time_ms - START_MS) / 1000, origin, int(crossing.region_to), CAUSES[crossing.cause], occurred_s)
            )
        self.outcomes.append(OUTCOMES[outcome])
        return self.outcomes[-1]

    def pings(self, table: Iterable[tuple[float, ...]]) -> "Device":
        """Several pings; gives the device."""
        for row in table:
            self.ping(*row)
        return self

    @property
    def moves(self) -> list[tuple[int | None, int]]:
        return [(one.origin, one.target) for one in self.told]


def at_rest(
    east_m: float, *, since_s: float = -600, until_s: float = -30, every_s: float = 30
) -> list[tuple[float, float]]:
    """Good pings of a device that stays put, a few metres apart."""
    times = np.arange(since_s, until_s + 1, every_s)
    return [(float(at_s), east_m + 3.0 * (i % 3)) for i, at_s in enumerate(times)]


def driven(
    from_m: float, to_m: float, *, since_s: float, speed_mps: float, every_s: float
) -> list[tuple[float, float]]:
    """Good pings of a device that drives from here to there."""
    count = int(abs(to_m - from_m) / speed_mps / every_s) + 1
    way = speed_mps * every_s * (1 if to_m > from_m else -1)
    return [(since_s + i * every_s, from_m + i * way) for i in range(count)]


def _day() -> str:
    rng = np.random.default_rng(7)
    device, digest = Device(), hashlib.sha256()
    at_s, east_m = 0.0, 1_000_500.0
    for _ in range(4000):
        at_s += float(rng.choice([-5.0, 0.0, 1.0, 5.0, 30.0, 120.0]))
        east_m += float(rng.normal(0, 60)) + float(rng.normal(0, 9000)) * float(rng.random() < 0.03)
        accuracy_m = float(rng.choice([NAN, 0.0, 5.0, 30.0, 90.0, 400.0, 1500.0]))
        device.ping(at_s, east_m, accuracy_m, float(rng.choice([NAN, 0.5, 0.95])))
        digest.update(device.state() + device.out.tobytes())
    return f"{len(device.told)} {digest.hexdigest()}"


if __name__ == "__main__":
    print(_day(), "compiled" if hasattr(step, "py_func") else "plain")
