"""Who lives in town: hundreds of devices that cross borders or lie near them, and what they send, well or badly.

Before `feeding`. Invariant: what is drawn depends on the seed alone; only the times come from the clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random

from geofence.control import Consent, Control, Erase
from geofence.ping import Ping
from tests.torture.town import CELL, COLUMNS, ROWS

DEVICES = 400
NOWHERE = 200.0  # a longitude that is refused
METRE = 1 / 111_195.0  # in degrees
_GAITS = (0.0, 0.0, 1.4, 4.0, 12.0)  # metres a second
_RETIRES = 0.0008  # of its pings: a device falls silent for ever, and another one comes


@dataclass(slots=True)
class Walker:
    """A device and where it is."""

    name: str
    lon: float
    lat: float
    gait: float
    seen_ms: int
    goal: tuple[float, float] = (0.0, 0.0)
    consent: bool = True


class Crowd:
    """All devices, in one order of events."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(f"crowd {seed}")
        self._names = 0
        self._walkers = [self._walker(0) for _ in range(DEVICES)]
        self._sent: deque[Ping] = deque(maxlen=2000)

    def item(self, now_ms: int) -> Ping | Control:
        """What comes next: mostly a ping in time; else late, repeated, coarse, out of range, or a control record."""
        draw, one = self._chance.random(), self._chance.randrange(DEVICES)
        if draw < 0.04 and self._sent:
            return self._chance.choice(self._sent)
        if draw < 0.055:
            return self._control(self._walkers[one], now_ms)
        ping = self._ping(one, now_ms, late=draw < 0.095, lost=draw > 0.985)
        self._sent.append(ping)
        return ping

    def _ping(self, one: int, now_ms: int, *, late: bool, lost: bool) -> Ping:
        walker, chance = self._walkers[one], self._chance
        if chance.random() < _RETIRES:
            walker = self._walkers[one] = self._walker(now_ms)
        if not late:
            self._move(walker, now_ms)
        accuracy_m = chance.choice((5.0, 10.0, 10.0, 20.0, 60.0, 300.0, None))
        error = (accuracy_m or 80.0) * METRE / 2
        return Ping(
            device=walker.name,
            lon=NOWHERE if lost else round(walker.lon + chance.gauss(0, error), 7),
            lat=round(walker.lat + chance.gauss(0, error), 7),
            time_ms=now_ms - round(chance.uniform(60_000, 1_800_000) if late else chance.uniform(0, 3000)),
            accuracy_m=accuracy_m,
            user=f"u{one % 50}" if one % 2 else None,
        )

    def _move(self, walker: Walker, now_ms: int) -> None:
        """Towards its goal; those who rest lie within a few metres of a border."""
        way = walker.gait * METRE * max(0, now_ms - walker.seen_ms) / 1000
        walker.seen_ms = now_ms
        east, north = walker.goal[0] - walker.lon, walker.goal[1] - walker.lat
        left = (east * east + north * north) ** 0.5
        if left <= way:
            walker.lon, walker.lat = walker.goal
            if walker.gait:
                walker.goal = self._somewhere()
        elif way:
            walker.lon += east / left * way
            walker.lat += north / left * way

    def _control(self, walker: Walker, now_ms: int) -> Control:
        if self._chance.random() < 0.3:
            return Erase(device=walker.name, at_ms=now_ms)
        walker.consent = not walker.consent
        return Consent(device=walker.name, given=walker.consent, at_ms=now_ms)

    def _walker(self, now_ms: int) -> Walker:
        self._names += 1
        gait = self._chance.choice(_GAITS)
        lon, lat = self._somewhere() if gait else self._on_a_border()
        return Walker(f"phone-{self._names:04d}", lon, lat, gait, now_ms, (lon, lat))

    def _somewhere(self) -> tuple[float, float]:
        return self._chance.uniform(-CELL, (COLUMNS + 1) * CELL), self._chance.uniform(-CELL / 2, (ROWS + 0.5) * CELL)

    def _on_a_border(self) -> tuple[float, float]:
        lon = self._chance.randint(0, COLUMNS) * CELL + self._chance.uniform(-30, 30) * METRE
        return lon, self._chance.uniform(0, ROWS * CELL)
