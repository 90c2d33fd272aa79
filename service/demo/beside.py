"""Who lives beside a border: how often raw switching would have told of a move, and how often we did.

Looks at the pings that were sent and at the events that came of them. Invariant: raw switching takes the region of each
ping from the same atlas as the worker, and tells whenever it is not that of the ping before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from geofence.atlas import Atlas
from geofence.ping import Ping
from geofence.wire_events import Event
from service.demo.phones import Neighbour

WORTH_TELLING = (2, 5, 10)  # times one, ten, a hundred, ...


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of a phone that never left: those of raw switching, and ours."""

    neighbour: Neighbour
    raw: int
    ours: int


class Beside:
    """Counts for the phones that rest beside a border."""

    def __init__(self, neighbours: Iterable[Neighbour], atlases: Mapping[str, Atlas]) -> None:
        """`atlases` by layer; a neighbour of a layer that is not among them is left out."""
        self._atlases = atlases
        self._neighbours = {one.name: one for one in neighbours if one.layer in atlases}
        self._regions: dict[str, int] = {}
        self._raw = dict.fromkeys(self._neighbours, 0)
        self._ours = dict.fromkeys(self._neighbours, 0)
        self._told = dict.fromkeys(self._neighbours, 0)

    def see(self, pings: Sequence[Ping]) -> None:
        """Take pings as they are sent."""
        for ping in pings:
            neighbour = self._neighbours.get(ping.device)
            if neighbour is None:
                continue
            region = int(self._atlases[neighbour.layer].locate([ping.lon], [ping.lat]).region[0])
            self._raw[ping.device] += self._regions.get(ping.device, region) != region
            self._regions[ping.device] = region

    def hear(self, event: Event) -> None:
        """Take an event as it comes."""
        neighbour = self._neighbours.get(event.subject)
        if neighbour is not None and event.data.layer == neighbour.layer and event.data.cause == "moved":
            self._ours[event.subject] += 1

    def tallies(self) -> list[Tally]:
        """How it stands with each."""
        return [Tally(one, self._raw[name], self._ours[name]) for name, one in self._neighbours.items()]

    def news(self) -> list[Tally]:
        """Those whose raw switching has come to 2, 5, 10, 20, 50 and so on since this was last asked."""
        found = [tally for tally in self.tallies() if _step(tally.raw) > self._told[tally.neighbour.name]]
        for tally in found:
            self._told[tally.neighbour.name] = _step(tally.raw)
        return found


def _step(count: int) -> int:
    """The largest number worth telling that a count has come to; 0 if none."""
    reached, scale = 0, 1
    while scale * WORTH_TELLING[0] <= count:
        reached = max(step * scale for step in WORTH_TELLING if step * scale <= count)
        scale *= 10
    return reached
