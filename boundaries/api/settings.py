"""What can be set of the boundary admins' endpoints, read once by whoever starts them.

Invariant: a bad value stops the start, with its name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class BoundarySettings:
    """All of their settings."""

    # Bytes of a region file as it is sent.
    upload_bytes: int = 200_000_000
    # Seconds within which each 64 KiB of a region file have to come.
    upload_s: float = 20.0
    # Region files that are received at once; beyond, who sends one is told to come again.
    uploads: int = 4
    # Share of the devices from which on a publication has to say how many it moves.
    expect_from_share: float = 0.01

    def __post_init__(self) -> None:
        """Check every value. Raises ValueError with its name."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 < value < 1e12:
                raise ValueError(f"{field.name} is {value!r}; allowed: more than 0")
