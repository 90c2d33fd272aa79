"""When a crossing is a crossing: evidence is added up until it is enough.

Stands between locate and the events: a sighting (the region a ping lies in, and how deep) and a verdict of `motion` go in,
confirmed crossings come out. One scalar function serves a single ping and columns of them, in Python and compiled, bit for
bit. "Outside every region" (-1) is a region like any other. The invariants: the score never falls below 0 nor rises above
twice what is needed; at 0 nothing is pending; a late or repeated ping changes nothing.
"""

import numpy as np
from numba import njit

from geofence.evidence import cap_m, caps_m, doubt, log_odds
from geofence.ground import ground_m
from geofence.motion import (
    CONFIRMED,
    IMPLAUSIBLE,
    LATE,
    MOTION,
    OUTCOMES,
    PENDING,
    QUIET,
    REJECTED,
    REPEATED,
    SCORED,
    Verdict,
    move,
    new_motion,
)
from geofence.rule import PRESETS, RULE, InvalidRule, Rule
from geofence.trail import TRAIL, TRAIL_LENGTH, drop, entry_of, own_from

__all__ = [
    "BALANCED", "CONFIRMED", "CROSSING", "EVIDENCE", "IMPLAUSIBLE", "LATE", "MOTION", "OUTCOMES", "OUTSIDE", "PENDING",
    "PRESETS", "QUIET", "REJECTED", "REPEATED", "RULE", "SCORED", "TRAIL", "TRAIL_LENGTH", "UNKNOWN", "InvalidRule",
    "Rule", "Verdict", "cap_m", "caps_m", "forget_pending", "move", "new_evidence", "new_motion", "settle", "step", "weigh",
]  # fmt: skip

BALANCED = Rule()

OUTSIDE = -1
UNKNOWN = -2
FIRST_FIX, MOVED = 0, 1
CAUSES = ("first_fix", "moved")

DEAD_ZONE = 0.8  # about half an accuracy: what lies nearer to a border says nothing
DEAD_ZONE_MOVING = 0.4
DOUBT_FORWARD = 0.05
SUSPECTS_ALONE = 6.0
FAR_M = 500.0
FAR_RADII = 3.0
DETOUR = 1.2
DEEP_SIGMAS = 2.0

EVIDENCE = np.dtype(
    [
        ("region", "i4"),  # the confirmed region; OUTSIDE or UNKNOWN
        ("entries", "i4"),  # of the trail
        ("score", "f8"),  # against the confirmed region
        ("solid", "f8"),  # of which not from suspects alone
        ("seen_lon", "f8"),  # the newest plausible ping in the confirmed region
        ("seen_lat", "f8"),
        ("anchor_lon", "f8"),  # the newest ping deep in it, or the deepest so far
        ("anchor_lat", "f8"),
        ("anchor_sigmas", "f8"),
    ]
)
CROSSING = np.dtype(
    [
        ("region_from", "i4"),
        ("region_to", "i4"),
        ("cause", "i4"),
        ("pings", "i4"),
        ("occurred_ms", "i8"),
        ("confirmed_ms", "i8"),
        ("score", "f8"),
        ("own", "f8"),
        ("solid", "f8"),
        ("depth", "f8"),
        ("accuracy_m", "f8"),
        ("confidence", "f8"),
    ]
)


@njit(cache=True)
def new_evidence(evidence: np.record, region: int) -> None:
    """Begin in this region: UNKNOWN for a new device, OUTSIDE for a fence that a known device has not entered."""
    evidence.region = region
    evidence.anchor_lon = np.nan
    evidence.anchor_lat = np.nan
    evidence.anchor_sigmas = -1.0
    evidence.seen_lon = np.nan
    evidence.seen_lat = np.nan
    forget_pending(evidence)


@njit(cache=True)
def forget_pending(evidence: np.record) -> None:
    """Drop what speaks for a crossing that is not confirmed (its regions may have changed)."""
    evidence.entries = 0
    evidence.score = 0.0
    evidence.solid = 0.0


@njit(cache=True)
def settle(evidence: np.record, region: int) -> None:
    """Put the device into a region by decree (a new version of the layer), keeping where it was last seen."""
    evidence.region = region
    forget_pending(evidence)


@njit(cache=True)
def step(
    motion: np.record,
    evidence: np.record,
    trail: np.recarray,
    lon: float,
    lat: float,
    accuracy_m: float,
    confidence: float,
    source: int,
    time_ms: int,
    region: int,
    margin_m: float,
    home_m: float,
    rule: np.record,
    out: np.recarray,
) -> tuple[int, int]:
    """One device, one partition, one ping: the outcome, and how many crossings were written to `out`."""
    verdict = move(motion, lon, lat, accuracy_m, confidence, source, time_ms, rule)
    return weigh(evidence, trail, lon, lat, time_ms, verdict, region, margin_m, home_m, rule, out)


@njit(cache=True)
def weigh(
    evidence: np.record,
    trail: np.recarray,
    lon: float,
    lat: float,
    time_ms: int,
    verdict: Verdict,
    region: int,
    margin_m: float,
    home_m: float,
    rule: np.record,
    out: np.recarray,
) -> tuple[int, int]:
    """Add what a judged ping says about leaving the confirmed region: the outcome, and how many crossings are in `out`.

    `margin_m` is how deep the ping lies in `region`; `home_m` how far from the confirmed region (0 when in it).
    """
    if verdict.outcome != SCORED:
        return verdict.outcome, 0
    if evidence.solid <= 0.0 and not verdict.suspect and evidence.region != UNKNOWN:
        forget_pending(evidence)  # what rested on suspects alone is void once a ping is plausible again
    if region == evidence.region:
        _stay(evidence, lon, lat, verdict, margin_m)
        count = 0
    else:
        _leave(evidence, trail, lon, lat, time_ms, verdict, region, margin_m, home_m, rule)
        if evidence.region == UNKNOWN:
            count = _begin(evidence, trail, time_ms, rule, out)
        else:
            count = _confirm(evidence, trail, lon, lat, time_ms, verdict, region, rule, out)
    if count > 0:
        return CONFIRMED, count
    if verdict.suspect:
        return IMPLAUSIBLE, 0
    return (PENDING if evidence.entries > 0 else QUIET), 0


@njit(cache=True)
def _stay(evidence: np.record, lon: float, lat: float, verdict: Verdict, margin_m: float) -> None:
    """A ping in the confirmed region: speaks against whatever is pending."""
    if not verdict.suspect:
        evidence.seen_lon = lon
        evidence.seen_lat = lat
        sigmas = margin_m / verdict.sigma_m
        if sigmas >= DEEP_SIGMAS or sigmas >= evidence.anchor_sigmas:
            evidence.anchor_lon = lon
            evidence.anchor_lat = lat
            evidence.anchor_sigmas = min(sigmas, DEEP_SIGMAS)
    if evidence.entries > 0:
        evidence.score += verdict.worth * log_odds(-margin_m, verdict.sigma_m, doubt(verdict.accuracy_m))
        if evidence.score <= 0.0:
            forget_pending(evidence)


@njit(cache=True)
def _leave(
    evidence: np.record,
    trail: np.recarray,
    lon: float,
    lat: float,
    time_ms: int,
    verdict: Verdict,
    region: int,
    margin_m: float,
    home_m: float,
    rule: np.record,
) -> None:
    """A ping outside the confirmed region: speaks for having left it, and for the region it lies in."""
    doubted = doubt(verdict.accuracy_m)
    if verdict.forward:
        doubted *= DOUBT_FORWARD
    inside = log_odds(margin_m, verdict.sigma_m, doubted)
    outside = inside if evidence.region == UNKNOWN else log_odds(home_m, verdict.sigma_m, doubted)
    said = outside - (DEAD_ZONE_MOVING if verdict.moving else DEAD_ZONE)
    if said <= 0.0:
        return
    evidence.score = min(evidence.score + verdict.worth * said, 2.0 * rule.evidence_when_still)
    own = verdict.worth * max(0.0, min(said, inside))
    entry = trail[entry_of(evidence, trail, region, time_ms)]
    entry.pings += 1
    entry.own += own
    if not verdict.suspect:
        evidence.solid += verdict.worth * said
        entry.solid += own
    if inside > entry.depth:
        entry.depth = inside
        entry.margin_m = margin_m
        entry.lon = lon
        entry.lat = lat
        entry.accuracy_m = verdict.accuracy_m


@njit(cache=True)
def _begin(evidence: np.record, trail: np.recarray, time_ms: int, rule: np.record, out: np.recarray) -> int:
    """The first region of a device that has none: the first to collect enough."""
    for i in range(evidence.entries):
        if trail[i].own >= rule.evidence_to_begin and _gates_open(trail[i], time_ms, rule):
            _cross(evidence, trail, i, time_ms, out[0])
            forget_pending(evidence)
            return 1
    return 0


@njit(cache=True)
def _confirm(
    evidence: np.record,
    trail: np.recarray,
    lon: float,
    lat: float,
    time_ms: int,
    verdict: Verdict,
    region: int,
    rule: np.record,
    out: np.recarray,
) -> int:
    """Confirm every crossing along the trail for which there is evidence enough."""
    count = 0
    while evidence.entries > 0:
        gone_m = ground_m(evidence.seen_lon, evidence.seen_lat, lon, lat)
        still = not verdict.moving and not gone_m > max(FAR_M, FAR_RADII * verdict.accuracy_m)
        if evidence.score < (rule.evidence_when_still if still else rule.evidence_to_cross):
            break
        chosen = _first_ready(evidence, trail, lon, lat, time_ms, gone_m, region, rule)
        if chosen < 0:
            break
        _cross(evidence, trail, chosen, time_ms, out[count])
        count += 1
        if trail[chosen].region == region:
            forget_pending(evidence)
        else:
            drop(evidence, trail, 0, chosen + 1)
            evidence.score = min(own_from(evidence, trail, 0), 2.0 * rule.evidence_when_still)
    return count


@njit(cache=True)
def _first_ready(
    evidence: np.record,
    trail: np.recarray,
    lon: float,
    lat: float,
    time_ms: int,
    gone_m: float,
    region: int,
    rule: np.record,
) -> int:
    """The first entry of the trail that can be confirmed: the present region, or an earlier one on the way to it."""
    for i in range(evidence.entries):
        entry = trail[i]
        if not _gates_open(entry, time_ms, rule):
            continue
        if entry.region == region:
            if entry.solid >= rule.own_evidence or entry.own >= max(SUSPECTS_ALONE, rule.own_evidence):
                return i
        elif entry.solid >= rule.own_evidence_on_the_way:
            detour_m = ground_m(evidence.seen_lon, evidence.seen_lat, entry.lon, entry.lat)
            detour_m += ground_m(entry.lon, entry.lat, lon, lat)
            if detour_m <= DETOUR * gone_m:
                return i
    return -1


@njit(cache=True)
def _gates_open(entry: np.record, time_ms: int, rule: np.record) -> bool:
    """The plain gates, for those who ask for them: each lets everything through when it is off."""
    return (
        entry.pings >= rule.min_pings
        and time_ms - entry.first_ms >= rule.min_dwell_s * 1000.0
        and entry.margin_m >= rule.min_margin_m
    )


@njit(cache=True)
def _cross(evidence: np.record, trail: np.recarray, chosen: int, time_ms: int, out: np.record) -> None:
    """Write the crossing to the chosen entry, and make its region the confirmed one."""
    entry = trail[chosen]
    out.region_from = evidence.region
    out.region_to = entry.region
    out.cause = FIRST_FIX if evidence.region == UNKNOWN else MOVED
    out.pings = entry.pings
    out.occurred_ms = entry.first_ms
    out.confirmed_ms = time_ms
    out.score = evidence.score
    out.own = entry.own
    out.solid = entry.solid
    out.depth = entry.depth
    out.accuracy_m = entry.accuracy_m
    out.confidence = 0.0
    evidence.region = entry.region
    evidence.seen_lon = entry.lon
    evidence.seen_lat = entry.lat
    evidence.anchor_lon = entry.lon
    evidence.anchor_lat = entry.lat
    evidence.anchor_sigmas = min(entry.margin_m / 10.0, 0.0)
