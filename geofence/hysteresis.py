"""When a crossing is a crossing: evidence is added up until it is enough.

Stands between locate and the events: a sighting (the region a ping lies in, and how deep) and a verdict of `motion` go
in, confirmed crossings come out. The same scalar functions serve one ping and columns of them, in Python and compiled,
bit for bit. "Outside every region" (-1) is a region like any other. Invariants: the score never falls below 0 nor rises
above twice the most that is ever needed; without a score nothing is pending; a ping that is late, repeated or rejected
changes nothing.
"""

from collections.abc import Sequence

import numpy as np

from geofence.evidence import DEEP_SIGMAS, cap_m, caps_m, confidence_of, log_odds, sigma_m
from geofence.ground import ground_m
from geofence.kernel import kernel
from geofence.motion import (
    CONFIRMED,
    IMPLAUSIBLE,
    LATE,
    MOTION,
    OUTCOMES,
    PENDING,
    QUIET,
    REJECTED,
    SCORED,
    Fix,
    Motion,
    Verdict,
    move,
    new_motion,
)
from geofence.rows import dtype_of
from geofence.rule import PRESETS, InvalidRule, Rule, RuleRow
from geofence.trail import (
    TRAIL,
    TRAIL_LENGTH,
    Entry,
    Trail,
    add_ping,
    drop,
    entry_of,
    on_the_way,
    open_entry,
    own_total,
)

__all__ = ["BALANCED", "CAUSES", "CONFIRMED", "CROSSING", "EVIDENCE", "IMPLAUSIBLE", "LATE", "MOTION", "OUTCOMES"]
__all__ += ["OUTSIDE", "PENDING", "PRESETS", "QUIET", "REJECTED", "SCORED", "TRAIL", "TRAIL_LENGTH"]
__all__ += ["UNKNOWN", "InvalidRule", "Rule", "cap_m", "caps_m", "forget_pending", "move", "needed", "new_evidence"]
__all__ += ["new_motion", "settle", "step", "weigh"]

BALANCED = Rule()

OUTSIDE = -1
UNKNOWN = -2
FIRST_FIX, MOVED = range(2)
CAUSES = ("first_fix", "moved")

DEAD_ZONE = 0.8  # about half an accuracy: at rest, what lies nearer to a border says nothing
FAR_M = 500.0
FAR_RADII = 3.0


class Evidence:
    """What is remembered of a device and a layer, or a device and a fence, beside the movement and the trail."""

    region: int  # the confirmed one; OUTSIDE, UNKNOWN
    entries: int  # of the trail; 0 if nothing is pending
    score: float  # against the confirmed region
    anchor_lon: float  # the newest ping deep in the confirmed region, or the deepest so far
    anchor_lat: float
    anchor_sigmas: float


class Crossing:
    """A confirmed crossing, as `weigh` writes it."""

    region_from: int
    region_to: int
    cause: int
    pings: int
    occurred_ms: int
    confirmed_ms: int
    score: float
    own: float
    confidence: float  # the share of crossings like this that turn out right


EVIDENCE = dtype_of(Evidence)
CROSSING = dtype_of(Crossing)


@kernel
def new_evidence(evidence: Evidence, region: int) -> None:
    """Begin in this region: UNKNOWN for a new device, OUTSIDE for a fence that a known device has not entered."""
    evidence.region = region
    evidence.anchor_lon = np.nan
    evidence.anchor_lat = np.nan
    evidence.anchor_sigmas = 0.0
    forget_pending(evidence)


@kernel
def forget_pending(evidence: Evidence) -> None:
    """Drop what speaks for a crossing that is not confirmed."""
    evidence.entries = 0
    evidence.score = 0.0


@kernel
def settle(evidence: Evidence, region: int) -> None:
    """Put the device into a region by decree (a new version of the layer), keeping its anchor."""
    evidence.region = region
    forget_pending(evidence)


@kernel
def step(
    motion: Motion,
    evidence: Evidence,
    trail: Trail,
    lon: float,
    lat: float,
    accuracy_m: float,
    confidence: float,
    source: int,
    time_ms: int,
    region: int,
    margin_m: float,
    home_m: float,
    rule: RuleRow,
    out: Sequence[Crossing],
) -> tuple[int, int]:
    """One device, one partition, one ping: the outcome, and how many crossings were written to `out`."""
    verdict = move(motion, lon, lat, accuracy_m, confidence, source, time_ms, rule)
    return weigh(evidence, trail, lon, lat, time_ms, verdict, region, margin_m, home_m, rule, out)


@kernel
def weigh(
    evidence: Evidence,
    trail: Trail,
    lon: float,
    lat: float,
    time_ms: int,
    verdict: Verdict,
    region: int,
    margin_m: float,
    home_m: float,
    rule: RuleRow,
    out: Sequence[Crossing],
) -> tuple[int, int]:
    """Add what a judged ping says about leaving the confirmed region: the outcome, and how many crossings are in `out`.

    `margin_m` is how deep the ping lies in `region`, `home_m` how far from the confirmed region if it is not in it.
    """
    if verdict.outcome != SCORED:
        return verdict.outcome, 0
    count = 0
    fix = Fix(lon, lat, verdict.radius_m, time_ms)
    if region == evidence.region:
        _stay(evidence, fix, verdict, margin_m)
    elif _leave(evidence, trail, fix, verdict, region, margin_m, home_m, rule):
        if evidence.region == UNKNOWN:
            count = _begin(evidence, trail, time_ms, rule, out)
        else:
            count = _confirm(evidence, trail, fix, verdict.moving, region, rule, out)
    if count > 0:
        return CONFIRMED, count
    if verdict.suspect:
        return IMPLAUSIBLE, 0
    return (PENDING if evidence.entries > 0 else QUIET), 0


@kernel
def _stay(evidence: Evidence, fix: Fix, verdict: Verdict, margin_m: float) -> None:
    """A ping in the confirmed region: speaks against whatever is pending."""
    sigmas = min(margin_m / verdict.sigma_m, DEEP_SIGMAS)  # so that `deep_m` is all of the margin that matters here
    if not verdict.suspect and sigmas >= evidence.anchor_sigmas:
        evidence.anchor_lon = fix.lon
        evidence.anchor_lat = fix.lat
        evidence.anchor_sigmas = sigmas
    if evidence.entries > 0:
        evidence.score += verdict.worth * log_odds(-margin_m, verdict.sigma_m, verdict.doubt)
        if evidence.score <= 0.0:
            forget_pending(evidence)


@kernel
def _leave(
    evidence: Evidence,
    trail: Trail,
    fix: Fix,
    verdict: Verdict,
    region: int,
    margin_m: float,
    home_m: float,
    rule: RuleRow,
) -> bool:
    """A ping outside the confirmed region: speaks for having left it and for where it lies, or says nothing (false)."""
    inside = log_odds(margin_m, verdict.sigma_m, verdict.doubt)
    left = inside if evidence.region == UNKNOWN else log_odds(home_m, verdict.sigma_m, verdict.doubt)
    said = left - (0.0 if verdict.moving else DEAD_ZONE)
    if said <= 0.0:
        return False
    evidence.score = min(evidence.score + verdict.worth * said, 2.0 * rule.evidence_when_still)
    at = entry_of(trail, evidence.entries, region)
    if at == evidence.entries:
        evidence.entries = open_entry(trail, evidence.entries, region, fix.time_ms)
        at = evidence.entries - 1
    add_ping(trail[at], fix, verdict.worth * max(0.0, min(said, inside)), inside, margin_m)
    return True


@kernel
def _begin(evidence: Evidence, trail: Trail, time_ms: int, rule: RuleRow, out: Sequence[Crossing]) -> int:
    """The first region of a device that has none: the first to collect enough."""
    for i in range(evidence.entries):
        if trail[i].own >= rule.evidence_to_begin and _gates_open(trail[i], time_ms, rule):
            _cross(evidence, trail[i], time_ms, rule, out[0])
            forget_pending(evidence)
            return 1
    return 0


@kernel
def _confirm(
    evidence: Evidence,
    trail: Trail,
    fix: Fix,
    moving: bool,
    region: int,
    rule: RuleRow,
    out: Sequence[Crossing],
) -> int:
    """Confirm every crossing along the trail for which there is evidence enough; gives how many."""
    count = 0
    while evidence.entries > 0 and evidence.score >= needed(evidence, fix, moving, rule):
        chosen = _first_ready(evidence, trail, fix, region, rule)
        if chosen == evidence.entries:
            break
        _cross(evidence, trail[chosen], fix.time_ms, rule, out[count])
        count += 1
        if evidence.region != region:  # what was said for later ones was said against this one too
            evidence.entries = drop(trail, evidence.entries, 0, chosen + 1)
            evidence.score = min(own_total(trail, evidence.entries), 2.0 * rule.evidence_when_still)
        else:
            forget_pending(evidence)
    return count


@kernel
def needed(evidence: Evidence, fix: Fix, moving: bool, rule: RuleRow) -> float:
    """The score that is enough: more while the device has neither moved nor come far."""
    gone_m = ground_m(evidence.anchor_lon, evidence.anchor_lat, fix.lon, fix.lat)
    away = moving or gone_m > max(FAR_M, FAR_RADII * fix.radius_m)
    return rule.evidence_to_cross if away else rule.evidence_when_still


@kernel
def _first_ready(evidence: Evidence, trail: Trail, fix: Fix, region: int, rule: RuleRow) -> int:
    """The first entry to confirm: the present region, or one the way to it led through; else how many there are."""
    for i in range(evidence.entries):
        entry = trail[i]
        if not _gates_open(entry, fix.time_ms, rule):
            continue
        if entry.region == region:
            if entry.own >= rule.own_evidence:
                return i
        elif on_the_way(entry, evidence.anchor_lon, evidence.anchor_lat, fix, rule):
            return i
    return evidence.entries


@kernel
def _gates_open(entry: Entry, time_ms: int, rule: RuleRow) -> bool:
    """The plain gates, for those who ask for them: each lets everything through when it is off."""
    return bool(
        entry.pings >= rule.min_pings
        and time_ms - entry.first_ms >= rule.min_dwell_s * 1000.0
        and entry.margin_m >= rule.min_margin_m
    )


@kernel
def _cross(evidence: Evidence, entry: Entry, time_ms: int, rule: RuleRow, out: Crossing) -> None:
    """Write the crossing to the entry's region, and make that the confirmed one."""
    out.region_from = evidence.region
    out.region_to = entry.region
    out.cause = FIRST_FIX if evidence.region == UNKNOWN else MOVED
    out.pings = entry.pings
    out.occurred_ms = entry.first_ms
    out.confirmed_ms = time_ms
    out.score = evidence.score
    out.own = entry.own
    out.confidence = confidence_of(entry.own)
    evidence.region = entry.region
    evidence.anchor_lon = entry.lon
    evidence.anchor_lat = entry.lat
    evidence.anchor_sigmas = min(entry.margin_m / sigma_m(entry.radius_m, np.nan, rule), DEEP_SIGMAS)
