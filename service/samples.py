"""The sample layers: published in a home that has none yet, by the endpoints that every admin uses.

Under `geofence run`. Invariant: a layer that has been published once is left alone, whoever did it; what an earlier
start has left half done goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.boundary_server import BoundaryServer, Refused
from service.source import Unusable

DATA = Path(__file__).resolve().parent.parent / "data"
_LOOK_S = 0.1
_NOT_THERE = 404


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample layer."""

    layer: str
    kind: str
    file: Path


SAMPLES = (
    Sample("fences", "overlay", DATA / "fences.geojson.gz"),
    Sample("countries", "partition", DATA / "countries.geojson.gz"),
    Sample("provinces", "partition", DATA / "provinces.geojson.gz"),
    Sample("us-counties", "partition", DATA / "us-counties.geojson.gz"),
)
FIRST = 2  # of them are enough to begin with: the others take longer


def samples_named(names: str) -> Sequence[Sample]:
    """`all`, `none`, or layers with commas between them. Raises Unusable."""
    known = {one.layer: one for one in SAMPLES}
    given = [] if names == "none" else list(known) if names == "all" else names.split(",")
    unknown = [name for name in given if name not in known]
    if unknown:
        raise Unusable(f"--samples: there is no sample layer {unknown[0]!r}; allowed: all, none, {', '.join(known)}")
    return [known[name] for name in given]


async def published(server: BoundaryServer, samples: Sequence[Sample]) -> AsyncIterator[tuple[str, int]]:
    """Each layer and how many regions it has, once it is in force; those that had been published come first.

    Raises Unusable.
    """
    there = {one.layer: await _regions_in_force(server, one) for one in samples}
    for layer, regions in there.items():
        if regions is not None:
            yield layer, regions
    for one in samples:
        if there[one.layer] is None:
            await _publish(server, one)
            yield one.layer, await _regions_in_force(server, one) or 0


async def _regions_in_force(server: BoundaryServer, sample: Sample) -> int | None:
    """How many regions it has; None: nothing of it was ever published."""
    try:
        state = await asyncio.to_thread(server.get, "layers", sample.layer)
    except Refused as error:
        if error.status != _NOT_THERE:
            raise
        body = {"name": sample.layer, "kind": sample.kind}
        await asyncio.to_thread(lambda: server.post("layers", body=body))
        return None
    if state["published"] is None:
        return None
    where = ("layers", sample.layer, "versions", state["published"]["version"])
    return int((await asyncio.to_thread(server.get, *where))["counts"]["regions"])


async def _publish(server: BoundaryServer, sample: Sample) -> None:
    number = await _checked(server, sample)
    state = await asyncio.to_thread(server.get, "layers", sample.layer)
    planned = state["next"]
    if planned is None:
        where = ("layers", sample.layer, "versions", number, "publish")
        body = {"replaces": None, "comment": "a sample layer"}
        planned = await asyncio.to_thread(lambda: server.post(*where, body=body))
    while planned["state"] != "in_force":
        if planned["state"] in ("failed", "cancelled"):
            raise Unusable(f"the sample layer {sample.layer} was not published: {planned['reason'] or 'cancelled'}")
        await asyncio.sleep(_LOOK_S)
        planned = await asyncio.to_thread(server.get, "layers", sample.layer, "publications", planned["number"])


async def _checked(server: BoundaryServer, sample: Sample) -> int:
    """The number of a version of it that can be published."""
    versions = (await asyncio.to_thread(server.get, "layers", sample.layer, "versions"))["versions"]
    version: dict[str, Any] = versions[0] if versions else await asyncio.to_thread(_upload, server, sample)
    where = ("layers", sample.layer, "versions", version["number"])
    while version["state"] == "draft":
        job = version["job"]
        if job is not None and job["state"] in ("failed", "cancelled"):
            raise Unusable(f"the sample layer {sample.layer} was not checked: {job['reason'] or 'cancelled'}")
        await asyncio.sleep(_LOOK_S)
        version = await asyncio.to_thread(server.get, *where)
    return int(version["number"])


def _upload(server: BoundaryServer, sample: Sample) -> dict[str, Any]:
    query = {"file": sample.file.name, "comment": "a sample layer"}
    where = ("layers", sample.layer, "versions")
    return dict(server.upload(sample.file, *where, query=query, sent=lambda _: None))
