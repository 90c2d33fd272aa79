"""What the boundary admins' endpoints ask of others, so small that a test can say what it gives. Not a test itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from boundaries.api.ports import Form, Ports, Stakes
from boundaries.api.router import boundary_endpoints
from boundaries.api.settings import BoundarySettings
from catalog import Catalog
from catalog.version import Counts, Outcome, Settings, Upload, Version
from geofence.explanation import Explanation
from ingest.gateway.explaining import Question
from web.endpoints import Further

HOSTILE = "<script>alert(1)</script>"


class Drawn:
    """Tells what it was asked for."""

    def __init__(self) -> None:
        self.woken = 0
        self.error: Exception | None = None  # raised instead of drawing

    def _try(self) -> None:
        if self.error is not None:
            raise self.error

    async def told(self, *asked: Version | Form) -> bytes:
        """A report of one version, or what is different between two."""
        self._try()
        numbers = [str(one.number) for one in asked if isinstance(one, Version)]
        match asked[-1]:
            case Form.JSON:
                return b'{"versions": [%b]}' % ", ".join(numbers).encode()
            case Form.GEOJSON:
                return b'{"type": "FeatureCollection", "features": []}'
        return f"{' to '.join(numbers)} {HOSTILE}".encode()

    async def geojson(self, version: Version) -> AsyncIterator[bytes]:
        """No regions, in pieces."""
        self._try()
        yield b'{"type": "FeatureCollection", '
        yield b'"features": [], "version": %d}' % version.number

    async def tile(self, version: Version, z: int, x: int, y: int) -> bytes | None:
        """The place of the tile."""
        self._try()
        return None if z > 20 else f"{version.number} {z} {x} {y}".encode()

    def stakes(self, result: Mapping[str, Any]) -> Stakes:
        """As the result has it."""
        return Stakes(result["moved"], result["devices"])

    def without_devices(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """Without the examples."""
        return {name: value for name, value in result.items() if name != "examples"}

    def wake(self) -> None:
        """Count it."""
        self.woken += 1


def stub_boundaries(
    folder: Path, drawn: Drawn, settings: BoundarySettings | None = None, ports: Ports | None = None
) -> Further:
    """The endpoints, on these ports unless there are others; files come in under `folder`."""
    incoming = folder / "incoming"
    incoming.mkdir(exist_ok=True)
    its = Ports(reports=drawn, shapes=drawn, differences=drawn, tiles=drawn, dry_runs=drawn, workshop=drawn)
    return boundary_endpoints(ports or its, settings or BoundarySettings(), folder=incoming)


async def stub_explainer(question: Question) -> bytes:
    """Of the device that was asked for, that nothing happened."""
    nothing = Explanation(device=question.device, begin_ms=0, end_ms=0, heard_from_ms=0, steps=(), presets={}, alike={})
    return msgspec.json.encode(nothing)


def put_layer(catalog: Catalog, name: str, *, now_ms: int, drafts: int = 0) -> None:
    """A layer whose version 1 was checked and can be published, and drafts that nobody checks."""
    by: dict[str, Any] = {"by": "test", "now_ms": now_ms}
    catalog.layers.create(name, kind="partition", tolerance_m=1, accuracy_m=20, **by)
    blob = catalog.blobs.put([b"{}"], now_ms=now_ms)
    for _ in range(1 + drafts):
        catalog.versions.create(name, settings=Settings(), upload=Upload("a.geojson", 2, blob), options={}, **by)
    its: dict[str, Any] = {"report": blob, "geometry": blob, "manifest": {}, "hash": f"{name:0<64}"}
    catalog.versions.check(name, 1, Outcome(counts=Counts(1, 0, 0, 0), **its), **by)
