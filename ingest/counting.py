"""What a worker counts of a transaction, once it is committed.

Behind `pipeline`, into `status`. Invariants: what was not committed is counted nowhere, so that what is taken again is
not counted twice; every record is a control or a ping, and each ping has one outcome in each layer. Counted by batch:
what is done for each ping is done by the core.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from geofence.crossing import Cause, Crossing
from geofence.hysteresis import OUTCOMES, REJECTED
from geofence.report import NO_CONSENT, Report
from ingest.reading import Refused, control_rows
from ingest.status import PartitionStatus
from stream.port import Batch

DEAD_LETTER, COARSE = "dead_letter", "too_coarse"
OUTCOMES_TOLD = (*(name for name in OUTCOMES if name != OUTCOMES[REJECTED]), COARSE, NO_CONSENT, DEAD_LETTER)
Outcomes = Counter[tuple[str, str]]  # by layer and outcome


def outcomes_of(report: Report) -> Outcomes:
    """The outcomes of pings in each layer, with why those that were rejected were."""
    rejected = Counter((one.layer, one.reason) for one in report.rejected)
    without = rejected[None, NO_CONSENT]
    letters = sum(many for (layer, _), many in rejected.items() if layer is None) - without
    coarse = Counter[str]()
    for (layer, _), many in rejected.items():
        if layer is not None:
            coarse[layer] += many
    found = Outcomes()
    for name, counts in report.counts.items():
        its = _without_rejected(counts) | {COARSE: coarse[name], NO_CONSENT: without, DEAD_LETTER: letters}
        found.update({(name, outcome): many for outcome, many in its.items() if many})
    return found


def _without_rejected(counts: Mapping[str, int]) -> dict[str, int]:
    return {outcome: many for outcome, many in counts.items() if outcome != OUTCOMES[REJECTED]}


def count_batch(
    status: PartitionStatus,
    batch: Batch,
    read: int,
    outcomes: Outcomes,
    refused: Sequence[Refused],
    layers: Collection[str],
) -> None:
    """A batch was taken: `read` of its records could be read as pings, with these outcomes; `layers` are in force."""
    records, controls = len(batch.offsets), len(control_rows(batch))
    pings = records - controls
    status.counts.update(records=records, controls=controls, pings=pings)
    status.counts.update(f"refused_{one.reason}" for one in refused)
    status.outcomes.update(outcomes)
    if pings > read:
        status.outcomes.update({(layer, DEAD_LETTER): pings - read for layer in layers})
    status.batches.add(records)


def count_crossings(status: PartitionStatus, crossings: Iterable[Crossing], now_ms: int) -> None:
    """Their events were told. How long moves took to be confirmed, and how long to be told then."""
    for one in crossings:
        if one.cause is Cause.MOVED:
            status.confirmed(one.layer, max(0, one.confirmed_ms - one.occurred_ms) / 1000)
            if one.received_ms is not None:
                status.latency.add(max(0, now_ms - one.received_ms) / 1000)
