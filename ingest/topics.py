"""The topics: what each is called, what becomes of its old records, and the headers and keys that are ours alone.

Invariant: a device has the same partition number in every topic, so that what a partition of `pings` causes goes to the
same partition of the others.
"""

from __future__ import annotations

from stream.port import Cleanup, Topic

PINGS, CHANGES, PRESENCE, TRACKS, REJECTED = "pings", "region-changes", "presence", "tracks", "pings-rejected"

PARTITIONS = 16
PARTITIONS_EMBEDDED = 4
KIND = "kind"  # the header of a control record
PARTITION_KEY = b"\x00partition"  # in `tracks`, and of control records for a whole partition: no device has such a name

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


def topics(partitions: int) -> list[Topic]:
    """What there must be, with this many partitions in each."""
    return [
        Topic(PINGS, partitions, keep_ms=_DAY_MS),
        Topic(CHANGES, partitions, keep_ms=7 * _DAY_MS),
        Topic(PRESENCE, partitions, Cleanup.COMPACT, compact_within_ms=_DAY_MS),
        Topic(TRACKS, partitions, Cleanup.COMPACT, compact_within_ms=_DAY_MS),
        Topic(REJECTED, partitions, keep_ms=7 * _DAY_MS),
    ]
