"""The demonstration's districts, published in the one drawing and then in the other: an event without a ping.

Under `geofence run --demo`, by the endpoints that every admin uses. Invariant: a layer of that name that somebody else
has made, or changed, is left alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from service.boundary_server import BoundaryServer, Refused
from service.demo.districts import DESK, LAYER, drawings
from service.home import Home
from service.samples import Sample, layer_of, put_in_force, uploaded

_COMMENT = "a drawing of the demonstration"
_LOOK_S, _LOOKS = 0.2, 400  # at where the desk lies, before it is done without knowing


@dataclass(frozen=True, slots=True)
class Drawn:
    """The versions of the two drawings: which one is in force, and which one is not."""

    now: int
    other: int


async def drawn(server: BoundaryServer, home: Home) -> Drawn | None:
    """See that one drawing is in force; None: the layer is somebody else's. Raises Unusable."""
    state = await layer_of(server, LAYER, "partition")
    numbers = await _both(server, home)
    if numbers is None:
        return None
    now = state["published"]
    if now is None:
        await put_in_force(server, LAYER, numbers[0], comment=_COMMENT)
        now = {"version": numbers[0]}
    (other,) = {*numbers} - {now["version"]}
    return Drawn(now["version"], other)


async def redraw(server: BoundaryServer, its: Drawn) -> None:
    """Put the other drawing in force, once the desk has been seen in a district of the one that is. Raises Unusable."""
    for _ in range(_LOOKS):
        if await _desk_lies_in_one(server):
            break
        await asyncio.sleep(_LOOK_S)
    await put_in_force(server, LAYER, its.other, comment=_COMMENT, replaces=its.now, expect=1)


async def _both(server: BoundaryServer, home: Home) -> list[int] | None:
    """The versions of both drawings, made where they are missing; None: there are others."""
    versions: list[dict[str, Any]] = (await asyncio.to_thread(server.get, "layers", LAYER, "versions"))["versions"]
    if any(one["comment"] != _COMMENT for one in versions):
        return None
    numbers = sorted(one["number"] for one in versions)
    for turn, drawing in list(enumerate(drawings(), 1))[len(numbers) :]:
        file = home.folder / f"{LAYER}-{turn}.geojson"
        file.write_bytes(drawing)
        numbers.append(await uploaded(server, Sample(LAYER, "partition", file), _COMMENT))
    return numbers


async def _desk_lies_in_one(server: BoundaryServer) -> bool:
    try:
        found = await asyncio.to_thread(server.get, "devices", DESK)
    except Refused:
        return False  # it has not been heard yet
    return bool(found["layers"].get(LAYER, {}).get("regions"))
