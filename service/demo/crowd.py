"""The crowd: the pings of all pretend phones, in order of time.

Between the phones and whoever sends. Invariant: what a phone reports at a time is a function of the seed and of the
time since `begin_ms` alone; a crowd made anew with the same two goes on as if it had never stopped.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from geofence.ping import Ping
from service.demo.chance import drawn
from service.demo.fixes import fix_of
from service.demo.phones import NEIGHBOURS, Neighbour, Phone, phones

SEED = 1
OPENING_MS = 40  # at the start every phone reports once, each so long after the one before
JITTER = 0.1  # of the interval, to both sides


class Crowd:
    """All phones, from a moment on.

    `begin_ms` is when they set out for the first time: remember it, and give the same one after a restart. `since_ms`
    is when this crowd starts to report (`begin_ms` unless said).
    """

    def __init__(
        self, seed: int, begin_ms: int, *, since_ms: int | None = None, among: Sequence[Phone] | None = None
    ) -> None:
        self.seed, self.begin_ms = seed, begin_ms
        self._phones = list(phones() if among is None else among)
        self._due: list[tuple[int, int, int]] = []  # time, phone, which of its reports comes after this one
        self._start(begin_ms if since_ms is None else max(begin_ms, since_ms))

    def names(self) -> list[str]:
        """The devices, each of which needs a consent record first where consent is required."""
        return [phone.name for phone in self._phones]

    def neighbours(self) -> list[Neighbour]:
        """Who rests beside a border, of which layer, and how many metres from it."""
        names = set(self.names())
        return [one for one in NEIGHBOURS if one.name in names]

    def next_ms(self) -> int:
        """When the next ping is due."""
        return self._due[0][0]

    def pings_until(self, now_ms: int) -> list[Ping]:
        """The pings that are due up to a time and were not given before, in order of time."""
        found = []
        while self._due[0][0] <= now_ms:
            time_ms, place, turn = self._due[0]
            found.append(self._ping(self._phones[place], time_ms))
            heapq.heapreplace(self._due, (self._report_ms(place, turn), place, turn + 1))
        return found

    def skip_until(self, time_ms: int) -> None:
        """Leave out what was due before a time and not given yet, as phones do that were switched off."""
        if self.next_ms() < time_ms:
            self._start(time_ms)

    def _start(self, since_ms: int) -> None:
        """Every phone reports soon, then at its times."""
        self._due = []
        for place in range(len(self._phones)):
            opening_ms = since_ms + place * OPENING_MS
            turn = max(0, math.floor((opening_ms - self.begin_ms) / 1000.0 / self._phones[place].every_s) - 1)
            while self._report_ms(place, turn) < opening_ms + 1_000:
                turn += 1
            self._due.append((opening_ms, place, turn))
        heapq.heapify(self._due)

    def _report_ms(self, place: int, turn: int) -> int:
        """When a phone reports for the nth time: at its interval, give or take a little."""
        phone = self._phones[place]
        late = drawn(self.seed, phone.name, "phase") + JITTER * (2.0 * drawn(self.seed, phone.name, turn) - 1.0)
        return self.begin_ms + round(1000.0 * phone.every_s * max(0.0, turn + late))

    def _ping(self, phone: Phone, time_ms: int) -> Ping:
        time_s = (time_ms - self.begin_ms) / 1000.0
        fix = fix_of(f"{self.seed} {phone.name}", phone.way, phone.settings, time_s)
        return Ping(
            device=phone.name,
            lon=round(fix.lon, 6),
            lat=round(fix.lat, 6),
            time_ms=time_ms,
            accuracy_m=round(fix.accuracy_m, 1),
            source=fix.source,
        )
