"""What a log still has of one device: its pings, the control records around them, and what had been ordered before.

Between `retrieving`, which fills it, and who explains decisions. Invariant: what is not known of the time before is
left out, and never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from geofence.control import Consent, Control, Switch
from geofence.hearing import Heard, Newest
from geofence.past import Past
from geofence.track_reading import RowRead
from geofence.wire_events import Event
from geofence.wire_tracks import PartitionRow, Said

Sent = Mapping[str, Sequence[tuple[int, str]]]  # by layer, the publications that were sent: number and version


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is looked at and kept at most."""

    records: int = 5_000_000  # of the partition
    items: int = 100_000  # pings of the device, and what lies between them
    seconds: float = 120.0  # of reading


@dataclass(slots=True)
class Retained:
    """What was found. `first_ms`: when the oldest record was received that was read; None: there is none."""

    device: str
    partition: int
    newest: Newest
    first_ms: int | None = None
    gone: int = 0  # records before it that retention took
    passed_over: int = 0  # records before it that a bound left out
    row: RowRead | None = None
    in_force: PartitionRow | None = None
    told: list[Event] | None = None
    notes: list[str] = field(default_factory=list)
    switched: dict[str, Switch] = field(default_factory=dict)  # by layer, the first switch that was read
    consented: Consent | None = None  # the first that was read

    @property
    def heard(self) -> Sequence[Heard]:
        """What concerns the device, in order."""
        return self.newest.items

    @property
    def whole(self) -> bool:
        """Whether the input was read from its very beginning."""
        return not (self.gone or self.passed_over or self.newest.let_go)

    def orders(self, sent: Sent) -> tuple[Control, ...]:
        """What had been ordered before: versions that were in force, by the catalog's list; the device's consent."""
        if self.first_ms is None or not (self.gone or self.passed_over):
            return self.newest.before()
        now = {one.layer: (one.version, one.number) for one in (self.in_force.layers if self.in_force else ())}
        found: list[Control] = []
        for layer in sorted({*now, *self.switched, *sent}):
            version, number = _before(self.switched.get(layer), now.get(layer), sent.get(layer, ()))
            if version:
                found.append(Switch(layer=layer, version=version, number=number, at_ms=self.first_ms))
        given = self._given_before()
        if given is not None:
            found.append(Consent(device=self.device, given=given, at_ms=self.first_ms))
        return self.newest.before(found)

    def past(self, sent: Sent) -> Past:
        """What is known of the time before."""
        born_ms = {track.layer: track.born_ms for track in self.row.tracks} if self.row else {}
        return Past(self.orders(sent), born_ms, self.told)

    def versions(self, sent: Sent) -> set[str]:
        """The versions that the input and what was ordered before it name."""
        named = (*self.heard, *self.orders(sent))
        return {one.version for one in named if isinstance(one, Switch)}

    def _given_before(self) -> bool | None:
        """What the device had said before the first record that was read; None: nothing."""
        if self.consented is not None:
            return None if self.consented.given else True
        said = self.row.consent if self.row else Said.NOTHING
        return None if said is Said.NOTHING else said is Said.GIVEN


def _before(first: Switch | None, now: tuple[str, int] | None, sent: Sequence[tuple[int, str]]) -> tuple[str, int]:
    """The version that was in force before the first switch that is left, and its number; "" if there was none."""
    if first is None:
        return now or ("", 0)
    number, version = max(((number, version) for number, version in sent if number < first.number), default=(0, ""))
    return version, number
