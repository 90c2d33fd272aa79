"""An explanation for the terminal: what was told, the evidence as a curve of blocks, and the pings one by one.

After `explain`. Invariant: every line is printable; blocks are drawn only where somebody looks at them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from geofence.explanation import Explanation
from geofence.instant import text_of
from geofence.witness import Step, Told
from service.complaints import printable

_BLOCKS = " ▁▂▃▄▅▆▇█"
_PLAIN = " .:-=+*#@"
_WIDTH = 72


def lines_of(found: Explanation, *, pretty: bool) -> Iterator[str]:
    """The whole text."""
    pings = len({step.time_ms for step in found.steps if step.seen})
    yield printable(f"{found.device}: {pings:,} pings from {_clock(found.begin_ms)} to {_clock(found.end_ms)}")
    yield from (printable(f"Note: {one}") for one in found.notes)
    for layer in dict.fromkeys(step.layer for step in found.steps if step.layer):
        steps = [step for step in found.steps if step.layer in (layer, "")]
        yield ""
        yield from _layer(found, layer, steps, pretty)


def _layer(found: Explanation, layer: str, steps: Sequence[Step], pretty: bool) -> Iterator[str]:
    rule = found.alike.get(layer)
    yield printable(f"{layer}" + (f" ({rule})" if rule else ""))
    drawn = curve(steps, pretty=pretty)
    if drawn:
        yield f"  {drawn}"
    told = [one for step in steps for one in step.told]
    for one in told:
        yield printable(f"  {_clock(one.confirmed_ms)}  {one.words}  {one.id}".rstrip())
    if not told:
        yield "  No event: " + _most(steps)
    yield ""
    for step in steps:
        yield printable("  " + _row(step))
    yield ""
    for name, events in found.presets.items():
        yield printable(f"  {name:11} {_summary([one for one in events if one.layer == layer])}")


def curve(steps: Sequence[Step], *, pretty: bool) -> str:
    """The evidence against its threshold: full height is enough, a | where a crossing was confirmed."""
    marks = _BLOCKS if pretty else _PLAIN
    shares = [(_share(step), any(one.evidence for one in step.told)) for step in steps if step.beliefs]
    if not shares:
        return ""
    wide = min(_WIDTH, len(shares))
    cells = [shares[k * len(shares) // wide : (k + 1) * len(shares) // wide] for k in range(wide)]
    text = "".join("|" if any(hit for _, hit in cell) else marks[_level(cell, marks)] for cell in cells)
    return f"evidence [{text}] full: enough"


def _level(cell: Sequence[tuple[float, bool]], marks: str) -> int:
    most = max(share for share, _ in cell)
    return min(len(marks) - 1, round(most * (len(marks) - 1))) or (1 if most > 0 else 0)


def _share(step: Step) -> float:
    belief = step.fullest
    return min(1.0, max(0.0, belief.score / belief.needed)) if belief is not None else 0.0


def _most(steps: Sequence[Step]) -> str:
    weighed = [step for step in steps if step.fullest is not None]
    if not weighed:
        return "no ping was near enough to a border, or none was weighed."
    step = max(weighed, key=_share)
    belief = step.fullest
    if belief is None or belief.score <= 0:
        return "no ping spoke for a crossing."
    return f"the evidence came to {belief.score:.2f} of {belief.needed:.1f} at most, at {_clock(step.time_ms)}."


def _row(step: Step) -> str:
    if step.seen is None:
        return f"{_clock(step.time_ms)}  {step.kind}  {step.why}"
    accuracy = "no accuracy" if step.seen.accuracy_m is None else f"{step.seen.accuracy_m:,.0f} m"
    place = f"{step.seen.lon:.5f} {step.seen.lat:.5f}"
    return f"{_clock(step.time_ms)}  {place}  {accuracy:>11} {step.seen.source:7}  {step.outcome:11}  {step.why}"


def _summary(events: Sequence[Told]) -> str:
    if not events:
        return "no event"
    each = [f"{_clock(one.confirmed_ms)} {one.words.split(':')[0].rstrip('.')}" for one in events[:4]]
    more = f", and {len(events) - 4:,} more" if len(events) > 4 else ""
    return f"{len(events):,} event{'s' if len(events) > 1 else ''}: {'; '.join(each)}{more}"


def _clock(time_ms: int) -> str:
    return text_of(time_ms).replace("T", " ")[:19]
