"""The sample layers: published in a home that has none yet, by the endpoints that every admin uses.

Under `geofence run`. Invariant: a layer that has been published once is left alone, whoever did it; what an earlier
start has left half done goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.boundary_server import BoundaryServer, Refused
from service.source import Unusable

DATA = Path(__file__).resolve().parent.parent / "data"
_COMMENT = "a sample layer"
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


async def in_force(server: BoundaryServer, samples: Sequence[Sample]) -> dict[str, int]:
    """How many regions each has, of those that have been published. Raises Unusable."""
    there = {one.layer: await _regions_in_force(server, one) for one in samples}
    return {layer: regions for layer, regions in there.items() if regions is not None}


async def publish(server: BoundaryServer, sample: Sample) -> int:
    """Put one in force for the first time; how many regions it has. Raises Unusable."""
    await layer_of(server, sample.layer, sample.kind)
    versions = (await asyncio.to_thread(server.get, "layers", sample.layer, "versions"))["versions"]
    number = versions[0]["number"] if versions else await uploaded(server, sample)
    await put_in_force(server, sample.layer, number, comment=_COMMENT)
    return await _regions_in_force(server, sample) or 0


async def _regions_in_force(server: BoundaryServer, sample: Sample) -> int | None:
    """How many regions it has; None: nothing of it was ever published."""
    state = await layer_of(server, sample.layer, sample.kind)
    if state["published"] is None:
        return None
    where = ("layers", sample.layer, "versions", state["published"]["version"])
    return int((await asyncio.to_thread(server.get, *where))["counts"]["regions"])


async def layer_of(server: BoundaryServer, layer: str, kind: str) -> Any:
    """How a layer stands; it is made if it is not there."""
    try:
        return await asyncio.to_thread(server.get, "layers", layer)
    except Refused as error:
        if error.status != _NOT_THERE:
            raise
    return await asyncio.to_thread(lambda: server.post("layers", body={"name": layer, "kind": kind}))


async def uploaded(server: BoundaryServer, sample: Sample, comment: str = _COMMENT) -> int:
    """The number of the version that is made of a file."""
    query = {"file": sample.file.name, "comment": comment}
    where = ("layers", sample.layer, "versions")
    made = await asyncio.to_thread(lambda: server.upload(sample.file, *where, query=query, sent=lambda _: None))
    return int(made["number"])


async def put_in_force(
    server: BoundaryServer,
    layer: str,
    number: int,
    *,
    comment: str,
    replaces: int | None = None,
    expect: int | None = None,
) -> None:
    """Publish a version once it is checked, unless a publication is on its way already; wait until it is in force."""
    await _checked(server, layer, number)
    planned = (await asyncio.to_thread(server.get, "layers", layer))["next"]
    if planned is None:
        where = ("layers", layer, "versions", number, "publish")
        body = {"replaces": replaces, "comment": comment, "expect": expect}
        planned = await asyncio.to_thread(lambda: server.post(*where, body=body))
    while planned["state"] != "in_force":
        if planned["state"] in ("failed", "cancelled"):
            raise Unusable(f"the sample layer {layer} was not published: {planned['reason'] or 'cancelled'}")
        await asyncio.sleep(_LOOK_S)
        planned = await asyncio.to_thread(server.get, "layers", layer, "publications", planned["number"])


async def _checked(server: BoundaryServer, layer: str, number: int) -> None:
    """Wait until a version can be published."""
    while (version := await asyncio.to_thread(server.get, "layers", layer, "versions", number))["state"] == "draft":
        job = version["job"]
        if job is not None and job["state"] in ("failed", "cancelled"):
            raise Unusable(f"the sample layer {layer} was not checked: {job['reason'] or 'cancelled'}")
        await asyncio.sleep(_LOOK_S)
