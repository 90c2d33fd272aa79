"""The account of a device: what each of its pings said, how far the evidence had come, and what was told.

Beside the fence, for who asks why. The fence itself takes the pings, one at a time, and what its tracks say before and
after is written down; what a ping is worth is asked of the rule's own functions, over copies. Invariant: the account
holds the crossings that the fence gives and no others, and nothing here decides anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from geofence.control import Consent, Control, Erase, Switch, Tick
from geofence.crossing import Crossing, Place
from geofence.evidence import cap_m
from geofence.fence import Fence
from geofence.ground import ground_m
from geofence.hearing import Heard, Passed, pass_time
from geofence.hysteresis import SCORED, UNKNOWN, needed
from geofence.library import UnknownVersion
from geofence.motion import NEVER_MS, Fix, Verdict, move
from geofence.ping import CONFIDENCE, Ping, Pings
from geofence.region import Version
from geofence.report import Report
from geofence.standing import Belief, Standing
from geofence.telling import why_confirmed, why_not
from geofence.tracks import NONE
from geofence.witness import Claimed, Located, Seen, Step, Told, Weighed

WITNESSES = 1000  # steps of a layer that are remembered, to say what a crossing rested on


class Account:
    """Takes a device's input into a fence of its own, and writes the account."""

    def __init__(self, fence: Fence, device: str, *, source: str, keeps_time: bool) -> None:
        """`source` names the deployment: the ids of its events depend on it."""
        self._fence, self._device, self._source, self._keeps_time = fence, device, source, keeps_time
        self._recent: dict[str, deque[Step]] = {}

    def steps(self, heard: Iterable[Heard]) -> Iterator[Step]:
        """A step for each ping in each layer, and for whatever else told something."""
        for item in heard:
            if isinstance(item, Pings):
                yield from self._ping(item)
            elif isinstance(item, Passed):
                yield from self._others("time", item.clock_ms, pass_time(self._fence, item, self._keeps_time))
            else:
                yield from self._control(item)

    @property
    def born_ms(self) -> dict[str, int]:
        """By layer, when the track began that the fence now has of the device; NEVER: there is none."""
        return {name: one.born_ms for name, one in self._fence.standing(self._device).items()}

    def events(self, heard: Iterable[Heard]) -> Iterator[Told]:
        """What is told, and nothing of how it came about: much quicker."""
        for item in heard:
            if isinstance(item, Pings):
                told = self._fence.observe(item).crossings
            elif isinstance(item, Passed):
                told = pass_time(self._fence, item, self._keeps_time)
            else:
                told = self._obeyed(item)
            yield from (self._told(one) for one in told if one.device == self._device)

    def _obeyed(self, control: Control) -> list[Crossing]:
        try:
            return self._fence.apply(control).crossings
        except UnknownVersion:
            return []  # the account tells

    def _control(self, control: Control) -> list[Step]:
        kind = str(control.__struct_config__.tag)
        try:
            told = self._fence.apply(control).crossings
        except UnknownVersion as fault:
            return [Step(kind=kind, time_ms=control.at_ms, layer="", why=str(fault))]
        steps = self._others(kind, control.at_ms, told)
        if isinstance(control, Consent | Erase) or (isinstance(control, Switch) and not steps):
            return steps or [Step(kind=kind, time_ms=control.at_ms, layer="", why=_said(control))]
        return steps

    def _others(self, kind: str, at_ms: int, told: list[Crossing]) -> list[Step]:
        """Steps for what was told without a ping."""
        mine = [one for one in told if one.device == self._device]
        steps = []
        for layer in dict.fromkeys(one.layer for one in mine):
            events = tuple(self._told(one) for one in mine if one.layer == layer)
            steps.append(Step(kind=kind, time_ms=at_ms, layer=layer, told=events, why=_cause(events)))
        return steps

    def _ping(self, pings: Pings) -> list[Step]:
        before = self._fence.standing(self._device)
        report = self._fence.observe(pings)
        after = self._fence.standing(self._device)
        ping = pings.ping(0)
        return [self._step(ping, before[name], after[name], report) for name in after]

    def _step(self, ping: Ping, before: Standing, after: Standing, report: Report) -> Step:
        name, version = after.version.layer, after.version
        told = [one for one in report.crossings if one.layer == name and one.device == self._device]
        refused = [one for one in report.rejected if one.layer in (None, name)]
        step = Step(
            kind="ping", time_ms=ping.time_ms, layer=name, version=version.hash, seen=_plain(ping),
            outcome="rejected" if refused else next(iter(report.counts[name])),
        )  # fmt: skip
        recent = self._recent.setdefault(name, deque(maxlen=WITNESSES))
        if refused:
            why = "; ".join(one.message for one in refused)
        else:
            step = _weighed(step, ping, before, after, told)
            why = why_not(step)
        recent.append(step)
        if told:
            events = tuple(self._told(one, recent) for one in told)
            return msgspec.structs.replace(step, told=events, why=" ".join(one.words for one in events))
        return msgspec.structs.replace(step, why=why)

    def _told(self, crossing: Crossing, recent: Iterable[Step] = ()) -> Told:
        return Told(
            id=crossing.event_id(self._source),
            layer=crossing.layer,
            change=crossing.change,
            cause=crossing.cause,
            origin=crossing.origin,
            target=crossing.target,
            occurred_ms=crossing.occurred_ms,
            confirmed_ms=crossing.confirmed_ms,
            confidence=crossing.confidence,
            evidence=crossing.evidence,
            words=why_confirmed(crossing, list(recent)),
        )


def _weighed(step: Step, ping: Ping, before: Standing, after: Standing, told: list[Crossing]) -> Step:
    """The step with what the rule made of the ping."""
    rule = after.version.rule.packed()[0]
    given = np.nan if ping.accuracy_m is None else ping.accuracy_m
    confidence = CONFIDENCE if ping.confidence is None else ping.confidence
    cap = cap_m(given, confidence, rule)
    sightings = after.atlas.locate([ping.lon], [ping.lat], cap)
    located = [
        Located(_place(after.version, region), round(margin_m, 1))
        for region, margin_m in zip(sightings.region.tolist(), sightings.margin_m.tolist(), strict=True)
    ]
    last_ms, last_lon, last_lat = before.motion.last_ms, before.motion.last_lon, before.motion.last_lat
    known = last_ms not in (NEVER_MS, ping.time_ms)
    moved_m = float(ground_m(last_lon, last_lat, ping.lon, ping.lat)) if known else None
    pause_s = (ping.time_ms - int(last_ms)) / 1000 if known else None
    row = before.motion.copy()  # type: ignore[attr-defined]  # a row of numpy: the rule's own step, over a copy
    verdict = move(row, ping.lon, ping.lat, given, confidence, int(ping.source), ping.time_ms, rule)
    return msgspec.structs.replace(
        step,
        located=tuple(located), moved_m=moved_m, pause_s=pause_s, sigma_m=round(float(verdict.sigma_m), 1),
        worth=round(float(verdict.worth), 4), moving=bool(verdict.moving), suspect=bool(verdict.suspect),
        beliefs=tuple(_beliefs(ping, verdict, before, after, told)),
    )  # fmt: skip


def _beliefs(
    ping: Ping, verdict: Verdict, before: Standing, after: Standing, told: list[Crossing]
) -> Iterator[Weighed]:
    """How far the evidence has come, in the partition or in each fence that the device has to do with."""
    if verdict.outcome != SCORED:
        return
    rule, version = after.version.rule.packed()[0], after.version
    fix = Fix(ping.lon, ping.lat, float(verdict.radius_m), ping.time_ms)
    fences = sorted({one.fence for one in (*before.beliefs, *after.beliefs)})
    for fence in fences:
        was, now = before.of(fence), after.of(fence)
        events = [one for one in told if one.evidence is not None and _speaks_of(one, fence, version)]
        score = events[0].evidence.score if events and events[0].evidence else now.score
        if was.row.region == UNKNOWN:
            enough = float(rule.evidence_to_begin)
        else:
            enough = float(needed(now.row if was.row.region == now.row.region else was.row, fix, verdict.moving, rule))
        yield Weighed(
            fence=None if fence == NONE else version.regions[fence].id,
            region=_place(version, int(now.row.region)),
            known=int(now.row.region) != UNKNOWN,
            added=round(score - was.score, 3),
            score=round(score, 3),
            needed=round(enough, 3),
            crossed=bool(events),
            pending=_pending(now, version),
        )


def _speaks_of(crossing: Crossing, fence: int, version: Version) -> bool:
    places = (crossing.origin, crossing.target)
    return fence == NONE or version.regions[fence].id in [place.id for place in places if place is not None]


def _pending(belief: Belief, version: Version) -> tuple[Claimed, ...]:
    return tuple(
        Claimed(_place(version, claim.region), claim.since_ms, claim.pings, round(claim.own, 3))
        for claim in belief.claims
    )


def _place(version: Version, region: int) -> Place | None:
    return Place(version.regions[region].id, version.regions[region].name) if region >= 0 else None


def _plain(ping: Ping) -> Seen:
    return Seen(ping.lon, ping.lat, ping.accuracy_m, ping.source.name.lower(), ping.received_ms)


def _said(control: Control) -> str:
    match control:
        case Consent():
            return "consent given" if control.given else "consent withdrawn: all that was known is forgotten"
        case Erase():
            return "all that was known is forgotten"
        case Switch():
            return f"layer {control.layer!r}: version {control.version[:12]} is in force from here on"
        case Tick():
            return "time has passed"


def _cause(told: tuple[Told, ...]) -> str:
    return " ".join(one.words for one in told)
