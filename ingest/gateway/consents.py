"""Whether a device has given consent: from its row of `tracks`, and from what this process has just been told.

Between the view and `intake`, and the way of consents into the log. The worker decides in the end, in the order of the
log; here a ping is only refused early, so that nothing of it is kept. Invariant: consents go the way of the pings, so
none overtakes another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from geofence.control import Consent
from geofence.wire_tracks import Said, consent_of
from ingest.control import record_of
from ingest.gateway.flights import Flights
from ingest.gateway.just_said import JustSaid
from ingest.topics import PARTITION_KEY
from stream.port import View

_NOTHING, _GIVEN, _ = Said  # asked for each ping, and an enum looks its members up slowly


class Consents:
    """The consents of all devices."""

    def __init__(self, tracks: View, just_said: JustSaid, flights: Flights, *, required: bool) -> None:
        """`required`: whether a device that has said nothing counts as refusing."""
        self._tracks, self._just_said, self._flights, self._required = tracks, just_said, flights, required

    def given(self, device: str) -> bool:
        """Whether its pings may be taken."""
        said = self.said(device)
        return said is _GIVEN or (said is _NOTHING and not self._required)

    def unsaid(self, device: str) -> bool:
        """Whether it has never said anything."""
        return self.said(device) is _NOTHING

    def said(self, device: str) -> Said:
        """What it has said."""
        told = self._just_said.of(device)
        return self._in_row(device) if told is None else told

    def forget(self, device: str) -> None:
        """It is erased."""
        self._just_said.forget(device)

    async def record(self, consent: Consent) -> None:
        """Have it in the log. Raises Problem: come again."""
        with self.on_their_way([consent]):
            await self._flights.append([record_of(consent)])

    @contextmanager
    def on_their_way(self, consents: Sequence[Consent]) -> Iterator[None]:
        """While these are put in line for the log and until they are there: they hold at once, unless that fails."""
        with self._just_said.saying({one.device: one.given for one in consents}, self._in_row):
            yield

    def _in_row(self, device: str) -> Said:
        key = device.encode("utf-8", "surrogatepass")
        row = self._tracks.get(key) if key != PARTITION_KEY else None
        return _NOTHING if row is None else consent_of(row)
