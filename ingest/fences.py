"""Where a worker's fences come from, and the versions that switches name.

The port that `restoring` and `pipeline` stand on; who has versions from elsewhere (a catalog) implements it too.
Invariant: a fence that is made has what was in force; once `fetch` has returned, a switch to that version can be
obeyed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from geofence.control import Switch
from geofence.fence import Fence
from geofence.wire_tracks import PartitionRow


class Fences(Protocol):
    """Makes fences, and has versions at hand for them."""

    async def make(self, kept: PartitionRow | None) -> Fence:
        """A new fence, to be filled from rows that were kept; None: there are none. Raises UnknownVersion."""

    async def fetch(self, switch: Switch) -> None:
        """Have the version at hand that a switch names. Raises UnknownVersion if that can't be."""


class FixedFences:
    """Fences of versions that were all given at the start."""

    def __init__(self, make: Callable[[], Fence]) -> None:
        self._make = make

    async def make(self, kept: PartitionRow | None) -> Fence:  # noqa: ARG002 - it makes what it was told to
        """The one that there is."""
        return self._make()

    async def fetch(self, switch: Switch) -> None:
        """Nothing can be brought: what a switch names is there or not."""
