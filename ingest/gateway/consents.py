"""Whether a device has given consent: from its row of `tracks`, and from what this process has just been told.

Between the view and `intake`. The worker decides in the end, in the order of the log; here a ping is only refused
early, so that nothing of it is kept. Invariant: what was told here holds until the worker has taken it, a minute at
most.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from geofence.wire_tracks import Said, consent_of
from stream.port import View

_MOST = 100_000
_NOTHING, _GIVEN, _WITHDRAWN = Said  # asked for each ping, and an enum looks its members up slowly


class Consents:
    """The consents of all devices."""

    def __init__(self, tracks: View, clock: Callable[[], float], *, required: bool, fresh_s: float = 60.0) -> None:
        """`required`: whether a device that has said nothing counts as refusing."""
        self._tracks, self._clock, self._required, self._fresh_s = tracks, clock, required, fresh_s
        self._told: OrderedDict[str, tuple[bool, float]] = OrderedDict()

    def given(self, device: str) -> bool:
        """Whether its pings may be taken."""
        said = self.said(device)
        return said is _GIVEN or (said is _NOTHING and not self._required)

    def unsaid(self, device: str) -> bool:
        """Whether it has never said anything."""
        return self.said(device) is _NOTHING

    def said(self, device: str) -> Said:
        """What it has said."""
        told = self._told.get(device)
        if told is not None and self._clock() - told[1] < self._fresh_s:
            return _GIVEN if told[0] else _WITHDRAWN
        row = self._tracks.get(device.encode("utf-8", "surrogatepass"))
        return _NOTHING if row is None else consent_of(row)

    def forget(self, device: str) -> None:
        """It is erased."""
        self._told.pop(device, None)

    def remember(self, device: str, *, given: bool) -> None:
        """Its control record was just appended; the worker has not taken it yet."""
        self._told[device] = (given, self._clock())
        self._told.move_to_end(device)
        if len(self._told) > _MOST:
            self._told.popitem(last=False)
