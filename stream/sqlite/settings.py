"""What can be set about the embedded log."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its unit and default."""

    waiting_bytes: int = 64 << 20
    """Memory for what waits to be written; `append` blocks beyond it."""
    lock_s: float = 5.0
    """Seconds to wait for another program that holds a lock on the file."""
    upkeep_s: float = 60.0
    """Seconds between two rounds of retention and compaction."""
    watch_s: float = 0.1
    """Seconds between two looks at the file of a process that only reads and waits for more."""
    patience_s: float = 10.0
    """Seconds a member has to let go of a partition that goes to another one; then it is fenced off."""
    tombstone_ms: int = 86_400_000
    """Milliseconds a tombstone stays in a compacted topic that says nothing about it (`compact_within_ms`)."""
    drop_unread: bool = False
    """What happens when the disk is nearly full: True: records past their time go, even if a group has not committed
    them; False: nothing, and once it is full appends are refused."""
    spare_bytes: int = 256 << 20
    """How much free disk space counts as nearly full."""

    def __post_init__(self) -> None:
        """Refuse what can't be. Raises ValueError with the setting's name."""
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name not in ("drop_unread", "spare_bytes") and value <= 0:
                raise ValueError(f"{one.name} is {value}; it must be more than 0")
