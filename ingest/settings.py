"""What can be set of a worker, read once by whoever starts it.

Invariant: a bad value stops the start, with its name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """All of a worker's settings. The first five decide which events there are: a replay needs the same ones."""

    # Whether pings count without a consent record before them: "assumed" or "required".
    consent: str = "assumed"
    # Seconds of silence after which a device is forgotten, with an event.
    forget_after_s: float = 30 * 86_400.0
    # Seconds for which pings older than an erasure stay barred; less than `forget_after_s`.
    max_age_s: float = 7 * 86_400.0
    # The events' `source`: the name of the deployment, part of every event's id.
    source: str = "geofence"
    # Bytes above which a record is refused unread.
    value_bytes: int = 65_536
    # Hashes of versions that a switch may name and nobody has: such a switch is refused instead of waited for.
    skip_versions: frozenset[str] = frozenset()
    # What to do where retention took records before they were read: "go-on" without them, or "stop" the partition.
    lost_input: str = "go-on"
    # Seconds between two looks at how near to the end of their retention unread records are.
    watch_s: float = 30.0
    # The name of the group that shares out the partitions, and under which their offsets are kept.
    group: str = "geofence-worker"
    # Records in a batch at most; fewer if fewer wait.
    batch_records: int = 8192
    # Devices that a switch moves in one commit at most.
    sweep_devices: int = 5000
    # Seconds between two looks at whether silent devices are due something.
    tick_s: float = 1.0
    # Seconds to wait after a failure; doubled with each one that follows, up to `backoff_most_s`.
    backoff_s: float = 0.2
    # Seconds to wait at most before a partition is taken again.
    backoff_most_s: float = 60.0
    # Seconds that a worker has to finish what is in flight when it is asked to stop.
    drain_s: float = 4.0

    def __post_init__(self) -> None:
        """Check every value. Raises ValueError with its name."""
        if self.consent not in ("assumed", "required"):
            raise ValueError(f"consent is {self.consent!r}; allowed: assumed or required")
        if self.lost_input not in ("stop", "go-on"):
            raise ValueError(f"lost_input is {self.lost_input!r}; allowed: go-on or stop")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not 0 < value < 1e12:
                raise ValueError(f"{field.name} is {value!r}; allowed: more than 0")
        if self.max_age_s >= self.forget_after_s:
            raise ValueError(
                f"max_age_s is {self.max_age_s:g}; allowed: less than forget_after_s ({self.forget_after_s:g})"
            )
        if not self.source or not self.group:
            raise ValueError("source and group must not be empty; name the deployment and the group")
