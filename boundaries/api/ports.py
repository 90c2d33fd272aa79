"""What the endpoints ask of others: pictures of versions, comparisons, who does the jobs.

Given by whoever puts the endpoints together. Invariants: nothing here holds the event loop: what takes long is done
elsewhere; a version that is asked for has shapes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from catalog.version import Version


class Form(StrEnum):
    """How a report or a difference is told."""

    JSON = "json"
    TEXT = "text"
    GEOJSON = "geojson"
    HTML = "html"


class Reports(Protocol):
    """Tells what was found in a version's file."""

    async def told(self, version: Version, form: Form) -> bytes:
        """The report, in UTF-8. Its JSON is what the catalog has."""
        ...


class Shapes(Protocol):
    """Gives the regions of a version."""

    def geojson(self, version: Version) -> AsyncIterator[bytes]:
        """All of them as one FeatureCollection, in pieces."""
        ...


class Differences(Protocol):
    """Compares versions of a layer."""

    async def told(self, old: Version, new: Version, form: Form) -> bytes:
        """What is different in the new one, in UTF-8."""
        ...


class Tiles(Protocol):
    """Draws vector tiles."""

    async def tile(self, version: Version, z: int, x: int, y: int) -> bytes | None:
        """One, not compressed; None: there is no such tile."""
        ...


@dataclass(frozen=True, slots=True)
class Stakes:
    """How many devices publishing moves at once, of how many there are."""

    devices: int
    of: int


class DryRuns(Protocol):
    """Reads what a dry run has found, which is the result of its job."""

    def stakes(self, result: Mapping[str, Any]) -> Stakes:
        """How many devices get another region at once."""
        ...

    def without_devices(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same without anything that names a device."""
        ...


class Workshop(Protocol):
    """Where jobs are done."""

    def wake(self) -> None:
        """There may be a job to do; it would be found a little later anyway."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All of them."""

    reports: Reports
    shapes: Shapes
    differences: Differences
    tiles: Tiles
    dry_runs: DryRuns
    workshop: Workshop
