"""The demonstration's districts, published in the one drawing and then in the other: an event without a ping.

Under `geofence run --demo`, by the endpoints that every admin uses. Invariant: a layer of that name that somebody else
has made, or changed, is left alone.
"""

from __future__ import annotations

import asyncio
from typing import Any

from service.boundary_server import BoundaryServer, Refused
from service.demo.districts import DESK, LAYER, drawings
from service.home import Home
from service.samples import Sample, layer_of, put_in_force, uploaded

_COMMENT = "a drawing of the demonstration"
_LOOK_S, _LOOKS = 0.2, 150  # at where the desk lies, before it is done without knowing


async def redraw(server: BoundaryServer, home: Home) -> bool:
    """Put the drawing in force that is not, once the desk lies in a district; False: the layer is somebody else's.

    Raises Unusable.
    """
    state = await layer_of(server, LAYER, "partition")
    numbers = await _both(server, home)
    if numbers is None:
        return False
    now = state["published"]
    if now is None:
        await put_in_force(server, LAYER, numbers[0], comment=_COMMENT)
        now = {"version": numbers[0]}
    for _ in range(_LOOKS):
        if await _desk_lies_in_one(server):
            break
        await asyncio.sleep(_LOOK_S)
    (other,) = {*numbers} - {now["version"]}
    await put_in_force(server, LAYER, other, comment=_COMMENT, replaces=now["version"], expect=1)
    return True


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
