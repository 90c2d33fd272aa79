"""Lines at debug level by which one ping can be followed through a worker: that it was taken, and what was told.

Behind the commit, and only where somebody listens. Invariant: a record is named by its place and its request's id, an
event by its id; devices by a digest, places not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from geofence.crossing import Crossing
from ingest.reading import Refused
from ingest.status import tell
from ingest.tracing import digest, traced
from stream.port import Batch


def tell_records(partition: int, batch: Batch | None, refused: Sequence[Refused]) -> None:
    """The records that have a request's id: taken, or refused and why."""
    if batch is None:
        return
    reasons = {one.row: one.reason for one in refused}
    for row, request in traced(batch):
        reason, device = reasons.get(row), digest(batch.keys[row])
        action = "refused" if reason else "taken"
        place = {"partition": partition, "offset": batch.offsets[row]}
        tell(logging.DEBUG, action, request=request, **place, device=device, reason=reason)


def tell_events(partition: int, crossings: Iterable[Crossing], source: str) -> None:
    """The events that were told."""
    for one in crossings:
        facts = {"event": one.event_id(source), "layer": one.layer, "cause": str(one.cause)}
        tell(logging.DEBUG, "told", partition=partition, device=digest(one.device), **facts)
