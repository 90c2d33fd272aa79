"""Why, in words: what a crossing rested on, and why a ping confirmed none.

After `account`. Plain English sentences made of a step's own figures. Invariant: says nothing that the step does not
hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from geofence.crossing import Cause, Change, Crossing, Place
from geofence.evidence import DEEP_SIGMAS
from geofence.ground import ground_m
from geofence.witness import Located, Step, Weighed

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_FAST_MPS = 50.0  # what a jump is called that a ping makes
_OUTSIDE = "outside every region"


def why_confirmed(crossing: Crossing, recent: Sequence[Step]) -> str:
    """One sentence or two on why a crossing was told, from the steps that led to it."""
    what = _what(crossing)
    if crossing.change is Change.DWELLED:
        return f"{what}: it has stayed there for as long as the layer asks."
    if crossing.cause not in (Cause.MOVED, Cause.FIRST_FIX) or crossing.evidence is None:
        return f"{what}: {_CAUSES.get(crossing.cause, str(crossing.cause))}."
    if not recent:
        return f"{what}."
    witnesses = [one for one in recent if one.time_ms >= crossing.occurred_ms and _lies_in(one, crossing)]
    last = recent[-1].fullest
    enough = f"evidence {crossing.evidence.score:.1f} of {last.needed:.1f} needed" if last is not None else ""
    said = [_witnesses(witnesses)] if witnesses else []
    speed_mps = _speed_mps(witnesses, recent)
    if speed_mps is not None and crossing.cause is Cause.MOVED:
        said.append(f"implied speed {speed_mps:.{1 if speed_mps < 10 else 0}f} m/s")
    if len({one.sigma_m for one in witnesses if one.sigma_m}) == 1 and witnesses[0].sigma_m:
        said.append(f"sigma {witnesses[0].sigma_m:.0f} m")
    return f"{what}: {', '.join([*said, enough])}; confidence {crossing.confidence:.3f}."


def why_not(step: Step) -> str:
    """One sentence on a ping that confirmed nothing."""
    match step.outcome:
        case "late":
            return "Older than a ping before it: counted, not weighed."
        case "repeated":
            return "The ping before it once more: counted, not weighed."
        case "implausible":
            return f"Implausible{_jump(step)}: it weighs a tenth, and no way may lead through it."
        case "rejected":
            return "Refused."
    belief = step.fullest
    if belief is None:
        return "Far from every fence: nothing to decide."
    if step.outcome == "confirmed":
        return f"First place known: {_name(belief.region)}. No event, since nothing was left or entered."
    return _weighed(step, belief)


def _weighed(step: Step, belief: Weighed) -> str:
    at = next((one for one in step.located if _is_of(one, belief)), Located(None, 0.0))
    if belief.known and _same(at.region, belief.region):
        where = f"{_in(belief.region)}, as believed, {_deep(step, at)}"
    elif at.margin_m or belief.region is None:
        where = f"{_in(at.region)}, {_deep(step, at)}"
    else:
        where = f"Not in {_name(belief.region)}"
    if not belief.pending and belief.added < 0:
        return f"{where}: what spoke for a crossing is void."
    if not belief.pending:
        return f"{where}: nothing pending." if belief.known else f"{where}: too near to a border to begin with."
    change = "adds nothing" if abs(belief.added) < 0.0005 else f"{belief.added:+.2f}"
    return f"{where}: {change}, so {belief.score:.2f} of {belief.needed:.1f} needed."


def _is_of(located: Located, belief: Weighed) -> bool:
    return belief.fence is None or (located.region is not None and located.region.id == belief.fence)


def _same(one: Place | None, other: Place | None) -> bool:
    return (one.id if one else None) == (other.id if other else None)


def _deep(step: Step, at: Located) -> str:
    sigmas = at.margin_m / step.sigma_m if step.sigma_m else 0.0
    more = " or more" if sigmas >= 3.99 else ""
    return f"{at.margin_m:,.0f} m{more} from the border ({sigmas:.1f} sigma{more})"


def _jump(step: Step) -> str:
    if step.moved_m is None or not step.pause_s:
        return ""
    speed_mps = step.moved_m / step.pause_s
    if speed_mps < _FAST_MPS:
        return ", at or near a place that only an impossible jump has named"
    return f", {step.moved_m:,.0f} m in {step.pause_s:,.0f} s is {speed_mps:,.0f} m/s"


def _witnesses(steps: Sequence[Step]) -> str:
    deep = [one for one in steps if any(_is_deep(one, at) for at in one.located)]
    many, kind = (deep, "deep ") if len(deep) == len(steps) or len(deep) > 1 else (list(steps), "")
    text = f"{_number(len(many))} {kind}witness{'' if len(many) == 1 else 'es'}"
    if len(many) > 1:
        text += f" {(many[-1].time_ms - many[0].time_ms) / 1000:,.0f} s apart"
    return text if len(many) == len(steps) else f"{text} among {_number(len(steps))}"


def _is_deep(step: Step, at: Located) -> bool:
    return bool(step.sigma_m) and at.margin_m >= DEEP_SIGMAS * (step.sigma_m or 0.0)


def _lies_in(step: Step, crossing: Crossing) -> bool:
    """Whether a ping speaks for the place that was entered, or, of a fence that was left, does not lie in it."""
    if step.outcome in ("late", "repeated", "rejected") or step.suspect or not step.located:
        return False
    inside = {one.region.id if one.region else None for one in step.located}
    if crossing.change is Change.EXITED and crossing.origin is not None:
        return crossing.origin.id not in inside
    return (crossing.target.id if crossing.target else None) in inside


def _speed_mps(witnesses: Sequence[Step], recent: Sequence[Step]) -> float | None:
    """How fast the device went, from the ping before the first witness to the last; None where nobody can say."""
    if not witnesses:
        return None
    first_ms = witnesses[0].time_ms
    before = [one for one in recent if one.time_ms < first_ms and one.seen is not None and one.located]
    way = [one for one in (*before[-1:], *witnesses) if one.seen is not None]
    seconds = (way[-1].time_ms - way[0].time_ms) / 1000
    metres = sum(
        ground_m(one.seen.lon, one.seen.lat, two.seen.lon, two.seen.lat)
        for one, two in pairwise(way)
        if one.seen is not None and two.seen is not None
    )
    return metres / seconds if seconds > 0 else None


def _number(many: int) -> str:
    return _NUMBERS[many] if many < len(_NUMBERS) else f"{many:,}"


def _what(crossing: Crossing) -> str:
    match crossing.change:
        case Change.ENTERED:
            return f"Entered {_name(crossing.target)}"
        case Change.EXITED:
            return f"Left {_name(crossing.origin)}"
        case Change.DWELLED:
            return f"Dwelled in {_name(crossing.target)}"
    if crossing.cause is Cause.FIRST_FIX:
        return f"First seen in {_name(crossing.target)}"
    return f"{_capital(_name(crossing.origin))} to {_name(crossing.target)}"


def _in(place: Place | None) -> str:
    return _capital(_OUTSIDE) if place is None else f"In {_name(place)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _name(place: Place | None) -> str:
    return (place.name or place.id) if place is not None else _OUTSIDE


_CAUSES = {
    Cause.BOUNDARY: "another version of the layer came into force, and the border moved over it",
    Cause.CONSENT: "consent was withdrawn, or the device was erased, and all that was known is forgotten",
    Cause.EXPIRED: "nothing was heard of it for so long that it is forgotten",
}
