"""Small worlds for the core's tests: a row of square regions 1.1 km wide, a few fences over it, and walks through them.

A walk is text, a place and a time in seconds in turn: `"A 0 B 60"`. What a fence told is text too: `"d A>B moved @60"`,
so that a test reads as the table it is. Times count from START_MS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from hypothesis import strategies as st
from shapely import box
from shapely.geometry.base import BaseGeometry

from geofence.atlas import Atlas, Engine
from geofence.control import Consent, Control, Erase, Switch, Tick
from geofence.crossing import Change, Crossing, Place
from geofence.fence import Fence
from geofence.hysteresis import BALANCED, Rule
from geofence.ping import Ping, Pings
from geofence.region import Kind, Region, Version
from geofence.report import Refusal, Report

START_MS = 1_750_000_000_000
DAY_S = 86_400

PLACES = {
    "A": (0.005, 0.005),
    "a": (0.0098, 0.005),  # in A, 22 m from B
    "B": (0.015, 0.005),
    "b": (0.0102, 0.005),
    "C": (0.025, 0.005),
    "N": (0.005, 0.015),  # north of A, in no region of the row
    "sea": (0.005, -0.015),
    "far": (40.0, 40.0),
}
SQUARES = {name: box(west, 0.0, west + 0.01, 0.01) for name, west in (("A", 0.0), ("B", 0.01), ("C", 0.02))}
SHIFTED = {name: box(west, 0.0, west + 0.01, 0.01) for name, west in (("A", -0.01), ("B", 0.0), ("C", 0.01))}
FENCES = {
    "inner": box(0.002, 0.002, 0.008, 0.008),
    "middle": box(0.0, 0.0, 0.01, 0.01),
    "outer": box(-0.02, -0.02, 0.03, 0.03),
    "side": box(0.009, 0.0, 0.021, 0.01),
}


def partition(
    shapes: dict[str, BaseGeometry] = SQUARES, *, layer: str = "row", rule: Rule = BALANCED, **more
) -> Version:
    """A partition of these shapes; `names` gives region names."""
    return _version(layer, Kind.PARTITION, shapes, rule, more)


def overlay(
    shapes: dict[str, BaseGeometry] = FENCES, *, layer: str = "fences", rule: Rule = BALANCED, **more
) -> Version:
    """An overlay of these shapes; `names` gives region names."""
    return _version(layer, Kind.OVERLAY, shapes, rule, more)


def _version(layer, kind, shapes, rule, more):
    names = more.pop("names", {})
    regions = [Region(key, shape, names.get(key, "")) for key, shape in shapes.items()]
    return Version.of(layer, regions, kind=kind, rule=rule, **more)


@cache
def _atlas(key: str, engine: str) -> Atlas:
    return Atlas(_VERSIONS[key], engine)


_VERSIONS: dict[str, Version] = {}


def fence(*versions: Version, engine: str = Engine.COMPILED, library: Sequence[Version] = (), **more) -> Fence:
    """A fence of these versions; each atlas is built once in a test run."""
    every = (*versions, *library)
    _VERSIONS.update({version.hash: version for version in every})
    atlases = {version.hash: _atlas(version.hash, str(engine)) for version in every}
    return Fence(versions, engine=engine, library=library, atlases=atlases, **more)


def ping(
    place: str | tuple[float, float], at_s: float, device: str = "d", accuracy_m: float | None = 10.0, **more
) -> Ping:
    """One ping at a place of PLACES."""
    lon, lat = PLACES[place] if isinstance(place, str) else place
    time_ms = START_MS + round(at_s * 1000)
    return Ping(device=device, lon=lon, lat=lat, time_ms=time_ms, accuracy_m=accuracy_m, **more)


def walk(steps: str, device: str = "d", accuracy_m: float | None = 10.0, **more) -> list[Ping]:
    """The pings of a walk."""
    words = steps.split()
    return [
        ping(place, float(at), device, accuracy_m, **more) for place, at in zip(words[::2], words[1::2], strict=True)
    ]


def at(seconds: float) -> int:
    """A time of a walk in Unix milliseconds."""
    return START_MS + round(seconds * 1000)


def tick(seconds: float) -> Tick:
    """Time has come to this second."""
    return Tick(at_ms=at(seconds))


def erase(device: str, seconds: float) -> Erase:
    """Forget a device at this second."""
    return Erase(device=device, at_ms=at(seconds))


def consent(device: str, given: bool, seconds: float) -> Consent:
    """Give or withdraw consent at this second."""
    return Consent(device=device, given=given, at_ms=at(seconds))


def switch(version: Version, seconds: float) -> Switch:
    """Put this version in force at this second."""
    return Switch(layer=version.layer, version=version.hash, at_ms=at(seconds))


Item = Ping | Control


class Play:
    """What a fence made of a script: a list of pings and control records."""

    def __init__(self) -> None:
        self.crossings: list[Crossing] = []
        self.rejected: list[Refusal] = []
        self.counts: dict[str, Counter[str]] = {}

    def add(self, report: Report, row: int = 0) -> None:
        """Take in one report, of a batch that began at this row."""
        self.crossings.extend(report.crossings)
        self.rejected.extend(Refusal(row + some.row, some.reason, some.message) for some in report.rejected)
        for layer, counts in report.counts.items():
            self.counts.setdefault(layer, Counter()).update(counts)

    @property
    def told(self) -> list[str]:
        """The crossings as text."""
        return [line(crossing) for crossing in self.crossings]


def play(fence: Fence, *script: Item | Iterable[Item], cuts: Iterable[int] = (), sweeps: Iterable[int] = ()) -> Play:
    """Give the script to a fence, pings in batches that end at each control record and each row of `cuts`.

    Before each row of `sweeps` a switch that has devices left moves on.
    """
    done, batch, cut_rows, sweep_rows = Play(), [], set(cuts), set(sweeps)
    items = [item for part in script for item in ([part] if isinstance(part, Item) else part)]

    def flush(row: int) -> None:
        if batch:
            done.add(fence.observe(Pings.of(batch)), row - len(batch))
            batch.clear()

    for row, item in enumerate(items):
        if row in cut_rows or row in sweep_rows or not isinstance(item, Ping):
            flush(row)
        if row in sweep_rows:
            done.add(fence.sweep())
        if isinstance(item, Ping):
            batch.append(item)
        else:
            done.add(fence.apply(item))
    flush(len(items))
    while fence.sweeping:
        done.add(fence.sweep())
    return done


def line(crossing: Crossing) -> str:
    """A crossing in one line: device, what, cause, when it occurred; and when it was confirmed, if later."""
    fence = crossing.target or crossing.origin
    if crossing.change is Change.CHANGED:
        what = f"{_id(crossing.origin)}>{_id(crossing.target)}"
    else:
        what = f"{crossing.change} {_id(fence)}"
    late = "" if crossing.confirmed_ms == crossing.occurred_ms else f" ({_seconds(crossing.confirmed_ms)})"
    return f"{crossing.device} {what} {crossing.cause} @{_seconds(crossing.occurred_ms)}{late}"


def _id(place: Place | None) -> str:
    return place.id if place else "-"


def _seconds(time_ms: int) -> str:
    return f"{(time_ms - START_MS) / 1000:g}"


def outcomes(fence: Fence, pings: Iterable[Ping]) -> dict[str, list[str]]:
    """Each ping's outcome in each layer, given one at a time."""
    found: dict[str, list[str]] = {}
    for one in pings:
        for layer, counts in fence.observe(Pings.of([one])).counts.items():
            assert counts.total() == 1
            found.setdefault(layer, []).extend(counts)
    return found


def leftovers(fence: Fence) -> list[int]:
    """Rows in use of each pool of a fence, and how many names of devices and users it has: 0 when all is forgotten."""
    layers = fence._layers.values()
    pools = [pool.used for layer in layers for pool in (layer.tracks.fences, layer.tracks.trails)]
    return [*pools, len(fence._devices.roster.live()), len(fence._devices.users.live())]


def well_formed(crossings: Iterable[Crossing]) -> None:
    """Check what must hold of any fence's crossings: they chain, they count, and none is told twice."""
    every = list(crossings)
    ids = [crossing.event_id("here") for crossing in every]
    assert len(set(ids)) == len(ids), "an event id repeats"
    inside: dict[tuple, str | None] = {}
    dwelled: dict[tuple, bool] = {}
    last: dict[tuple, int] = {}
    for crossing in every:
        track = (crossing.device, crossing.layer, crossing.born_ms)
        assert crossing.sequence == last.get(track, 0) + 1, line(crossing)
        last[track] = crossing.sequence
        assert crossing.occurred_ms <= crossing.confirmed_ms, line(crossing)
        assert crossing.origin or crossing.target, line(crossing)
        assert 0 <= crossing.confidence <= 1
        if crossing.change is Change.CHANGED:
            assert _id(crossing.origin) == inside.get(track, "-"), line(crossing)
            assert crossing.origin is None or crossing.target is None or crossing.origin.id != crossing.target.id
            inside[track] = _id(crossing.target)
            continue
        fence = (*track, (crossing.target or crossing.origin).id)  # type: ignore[union-attr]
        if crossing.change is Change.DWELLED:
            assert inside.get(fence) == "in", line(crossing)
            assert not dwelled.get(fence), line(crossing)
            dwelled[fence] = True
        else:
            entered = crossing.change is Change.ENTERED
            assert (inside.get(fence) == "in") is not entered, line(crossing)
            inside[fence], dwelled[fence] = ("in" if entered else "out"), False


# -- scripts that Hypothesis makes up --------------------------------------------------------------------------------

DEVICES = ("anna", "ben", "cléo")


@st.composite
def scripts(draw: st.DrawFn, controls: bool = True, library: Sequence[Version] = (), size: int = 40) -> list[Item]:
    """Pings of a few devices that wander about, some late, repeated, coarse or invalid; control records among them."""
    items: list[Item] = []
    now_s = 0.0
    for _ in range(draw(st.integers(1, size))):
        now_s += draw(st.sampled_from((0.0, 1.0, 5.0, 30.0, 60.0, 60.0, 60.0, 300.0, 1000.0, 20_000.0)))
        kind = draw(st.integers(0, 9)) if controls else 9
        device = draw(st.sampled_from(DEVICES))
        if kind == 0:
            items.append(tick(now_s))
        elif kind == 1:
            items.append(
                draw(
                    st.sampled_from([erase(device, now_s), consent(device, True, now_s), consent(device, False, now_s)])
                )
            )
        elif kind == 2 and library:
            items.append(switch(draw(st.sampled_from(list(library))), now_s))
        else:
            items.append(draw(_pings(device, now_s)))
    return items


@st.composite
def _pings(draw: st.DrawFn, device: str, now_s: float) -> Ping:
    place = draw(st.sampled_from(("A", "A", "a", "B", "B", "b", "C", "N", "sea", "far", "bad", "near")))
    if place == "bad":
        spot = (200.0, 0.0)
    elif place == "near":
        spot = (draw(st.floats(-0.005, 0.035)), draw(st.floats(-0.005, 0.015)))
    else:
        spot = PLACES[place]
    delay_s = draw(st.sampled_from((0.0, 0.0, 0.0, 0.0, 2.0, 90.0)))
    accuracy_m = draw(st.sampled_from((5.0, 10.0, 10.0, 60.0, 300.0, 2000.0, None)))
    user = draw(st.sampled_from((None, None, "u1", "u2")))
    received_s = draw(
        st.sampled_from((None, 0.0, -120.0, 1000.0))
    )  # of those that say: at once, a clock ahead, sent later
    received_ms = None if received_s is None else at(max(0.0, now_s + received_s))
    return ping(spot, now_s - delay_s, device, accuracy_m, user=user, received_ms=received_ms)


RECTANGLES = st.builds(
    lambda west, south, wide, high: box(west / 200, south / 200, (west + wide) / 200, (south + high) / 200),
    st.integers(-2, 5),
    st.integers(-2, 2),
    st.integers(1, 4),
    st.integers(1, 3),
)
SHAPES = st.dictionaries(st.sampled_from(["A", "B", "C", "inner", "new"]), RECTANGLES, max_size=4)
