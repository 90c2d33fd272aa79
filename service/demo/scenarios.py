"""Small stories whose events feed a consumer's own tests, each made by running the core on pretend pings.

Used by `geofence demo events`. A town of two districts and a park, all on one page; each story is told of one phone
after another. Invariant: the same story, seed and beginning give the same events, byte for byte; each is what a worker
would have written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import count

from shapely import box

from geofence.atlas import Atlas
from geofence.control import Consent, Control, Erase, Switch, Tick
from geofence.fence import Fence
from geofence.library import Library
from geofence.ping import Ping, Pings, Source
from geofence.region import Kind, Region, Version
from geofence.wire_events import Event, event_of
from service.demo.chance import normal
from service.demo.ways import moved

BEGIN_MS = 1_769_846_400_000  # 2026-01-31T08:00:00Z
SPREAD_M, ACCURACY_M, EVERY_S, RECEIVED_MS = 4.0, 8.0, 20, 250
HOME = (0.04992, 0.0200)  # 9 m west of the border between the districts
REDRAWN = (0.0480, 0.0200)  # in the west before, in the east after
WEST, EAST, PARK, NORTH = (0.0400, 0.0200), (0.0600, 0.0200), (0.0450, 0.0300), (0.0450, 0.0380)
DWELL_S, FORGET_S = 600, 30 * 86_400

Spot = tuple[float, float]
Step = Ping | Control
Story = Callable[["Teller"], Iterator[Step]]


class Teller:
    """Gives the pings of one phone's story, and keeps its time."""

    def __init__(self, device: str, seed: int, begin_ms: int) -> None:
        self.device, self.seed, self.now_ms = device, seed, begin_ms

    def stays(self, spot: Spot, pings: int, spread_m: float = SPREAD_M) -> Iterator[Ping]:
        """Pings at a place."""
        for _ in range(pings):
            self.now_ms += EVERY_S * 1000
            yield self._ping(spot, spread_m)

    def goes(self, start: Spot, goal: Spot, pings: int) -> Iterator[Ping]:
        """Pings on the way from one place to another."""
        for step in range(1, pings + 1):
            share = step / pings
            self.now_ms += EVERY_S * 1000
            yield self._ping((start[0] + share * (goal[0] - start[0]), start[1] + share * (goal[1] - start[1])))

    def later(self, seconds: float) -> int:
        """Let time pass; the new time in Unix milliseconds."""
        self.now_ms += round(seconds * 1000)
        return self.now_ms

    def _ping(self, spot: Spot, spread_m: float = SPREAD_M) -> Ping:
        east_m, north_m = (spread_m * normal(self.seed, self.device, axis, self.now_ms) for axis in ("east", "north"))
        lon, lat = moved(*spot, east_m, north_m)
        return Ping(
            device=self.device, lon=round(lon, 6), lat=round(lat, 6), time_ms=self.now_ms,
            accuracy_m=max(ACCURACY_M, 1.5 * spread_m), source=Source.GPS, received_ms=self.now_ms + RECEIVED_MS,
        )  # fmt: skip


def _move(tell: Teller) -> Iterator[Step]:
    yield from tell.stays(WEST, 3)
    yield from tell.goes(WEST, EAST, 12)
    yield from tell.stays(EAST, 3)


def _flap(tell: Teller) -> Iterator[Step]:
    yield from tell.goes(WEST, HOME, 6)
    tell.later(600)
    yield from tell.stays(HOME, 60, spread_m=15.0)


def _fence(tell: Teller) -> Iterator[Step]:
    yield from tell.goes(WEST, PARK, 12)
    yield from tell.stays(PARK, DWELL_S // EVERY_S + 6)
    yield from tell.goes(PARK, NORTH, 12)


def _boundary(tell: Teller) -> Iterator[Step]:
    yield from tell.stays(REDRAWN, 3)
    redrawn = redrawn_districts()
    yield Switch(layer=redrawn.layer, version=redrawn.hash, at_ms=tell.later(60), number=2)


def _consent(tell: Teller) -> Iterator[Step]:
    yield from tell.stays(WEST, 3)
    yield Consent(device=tell.device, given=False, at_ms=tell.later(60))


def _erase(tell: Teller) -> Iterator[Step]:
    yield from tell.stays(PARK, 3)
    yield Erase(device=tell.device, at_ms=tell.later(60))


def _silent(tell: Teller) -> Iterator[Step]:
    yield from tell.stays(WEST, 3)
    yield Tick(at_ms=tell.later(FORGET_S + 3_600))


STORIES: dict[str, Story] = {
    "move": _move,
    "flap": _flap,
    "fence": _fence,
    "boundary": _boundary,
    "consent": _consent,
    "erase": _erase,
    "silent": _silent,
}


def events_of(story: str, *, source: str, seed: int = 1, begin_ms: int = BEGIN_MS) -> Iterator[Event]:
    """The events of a story, of one phone after another, for ever: take as many as are wanted."""
    for number in count(1):
        yield from phone_events(story, f"phone-{number}", source=source, seed=seed, begin_ms=begin_ms)


def phone_events(story: str, device: str, *, source: str, seed: int = 1, begin_ms: int = BEGIN_MS) -> Iterator[Event]:
    """The events of a story as one phone has it, after its consent."""
    fence = Fence(_in_force(), library=_library(), consent="required", forget_after_s=FORGET_S, keeps_time=True)
    fence.apply(Consent(device=device, given=True, at_ms=begin_ms))
    for step in STORIES[story](Teller(device, seed, begin_ms)):
        report = fence.observe(Pings.of([step])) if isinstance(step, Ping) else fence.apply(step)
        for crossing in report.crossings:
            yield event_of(crossing, source=source)


@cache
def redrawn_districts() -> Version:
    """The districts after the border between them was moved to the west."""
    return _districts(border=0.045)


@cache
def _in_force() -> Sequence[Version]:
    park = Region("park", box(0.040, 0.025, 0.0505, 0.035), "City Park")
    return [_districts(border=0.050), Version.of("fences", [park], kind=Kind.OVERLAY, dwell_s=DWELL_S)]


@cache
def _library() -> Library:
    versions = [*_in_force(), redrawn_districts()]
    return Library(atlases={version.hash: Atlas(version) for version in versions})


def _districts(*, border: float) -> Version:
    west = Region("west", box(0.0, 0.0, border, 0.05), "West Side")
    east = Region("east", box(border, 0.0, 0.1, 0.05), "East Side")
    return Version.of("districts", [west, east])
