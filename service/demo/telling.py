"""What is printed while the pretend phones move: a line for each crossing, and one for the flow of pings.

Takes events as consumers get them, and counts that are given; gives text without ends of lines. Invariant: names from
outside never bring control characters to the terminal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import click

from geofence.instant import ms_of
from geofence.wire_events import Event
from service.complaints import printable
from service.demo.beside import Tally

DEVICE_COLUMN, WHAT_COLUMN = 9, 40
_PARTS = ("confirmed", "quiet", "pending")  # always shown; others if there are any


@dataclass(frozen=True, slots=True)
class Flow:
    """What became of the pings of some seconds: how many had which outcome, and how long the slowest waited."""

    seconds: float
    outcomes: Mapping[str, int]
    p99_ms: float | None = None


def event_line(event: Event, *, colour: bool = False) -> str | None:
    """A crossing as people read it; None for where a device was first seen, which is no news."""
    if event.data.cause == "first_fix":
        return None
    return _line(ms_of(event.data.confirmed_at), event.subject, _what(event), _why(event), colour)


def beside_line(tally: Tally, *, at_ms: int, colour: bool = False) -> str:
    """How often raw switching would have told of a phone that lies beside a border."""
    raw = f"{tally.raw:,} {'event' if tally.raw == 1 else 'events'}"
    what = f"lies {tally.neighbour.away_m:.0f} m from a border: raw switching {raw}, here {tally.ours:,}"
    return _line(at_ms, tally.neighbour.name, what, "", colour)


def status_line(flow: Flow) -> str:
    """How many pings came in a second, and what became of them: the parts add up."""
    shown = {name: flow.outcomes.get(name, 0) for name in _PARTS}
    shown |= {name: count for name, count in flow.outcomes.items() if count and name not in shown}
    digits = 0 if sum(shown.values()) >= 10.0 * flow.seconds else 1
    parts = _rounded(shown, flow.seconds, digits)
    told = " + ".join(f"{name} {part:.{digits}f}" for name, part in parts.items())
    slow = "" if flow.p99_ms is None else f" · p99 {flow.p99_ms:,.0f} ms"
    return f"in {sum(parts.values()):.{digits}f}/s = {told}{slow}"


def _line(at_ms: int, device: str, what: str, why: str, colour: bool) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(at_ms / 1000.0))
    who, what = f"{printable(device):<{DEVICE_COLUMN}}", printable(what)
    if why:
        what = f"{what:<{WHAT_COLUMN}}"
    if colour:
        at, who, why = click.style(at, dim=True), click.style(who, fg="cyan"), click.style(why, dim=True) if why else ""
    return f"{at}  {who}  {what}  {why}".rstrip()


def _what(event: Event) -> str:
    data = event.data
    origin, target = (place and (place.name or place.id) for place in (data.origin, data.target))
    if data.cause == "consent":
        return f"forgotten: {data.layer} is told no more"
    if data.cause == "expired":
        return f"silent for too long: last in {origin}"
    match event.type.rpartition(".")[2]:
        case "entered":
            what = f"entered {target}"
        case "exited":
            what = f"left {origin}"
        case "dwelled":
            what = f"stays in {target}"
        case _:
            what = f"{origin or 'outside'} → {target or 'outside'}"
    return f"region redrawn: {what}, without a ping" if data.cause == "boundary" else what


def _why(event: Event) -> str:
    grounds = event.data.evidence
    if grounds is None:
        return ""
    if grounds.pings == 1:
        return "1 ping"
    return f"{grounds.pings} pings, {grounds.seconds:.0f} s"


def _rounded(counts: Mapping[str, int], seconds: float, digits: int) -> dict[str, float]:
    """Counts per second, so rounded that they still add up to the rounded sum."""
    scale = 10**digits / max(seconds, 1e-9)
    exact = {name: count * scale for name, count in counts.items()}
    parts = {name: int(value) for name, value in exact.items()}
    missing = round(sum(exact.values())) - sum(parts.values())
    for name in sorted(exact, key=lambda name: parts[name] - exact[name])[:missing]:
        parts[name] += 1
    return {name: part / 10**digits for name, part in parts.items()}
