"""`GET /v1/devices/{id}`, who is in a region, and who is in a box: answered from views, with how old they may be.

Invariants: coordinates only for who may see positions, and each look at them is noted; a key that is bound to a device
learns of its device alone; every answer tells its age.
"""

from __future__ import annotations

import math

import msgspec
from fastapi import APIRouter, Request, Response

from geofence.instant import text_of
from geofence.malformed import Malformed
from geofence.presence import Presence
from geofence.track_reading import Spot
from ingest.gateway.forms import Member, MembersPage, Placed, PlacedPage, Position
from ingest.gateway.freshness import Freshness
from ingest.gateway.members import Members, presence_in
from ingest.gateway.places import Box, Places
from ingest.gateway.whereabouts import Known, Whereabouts
from stream.port import View
from web.access import Access
from web.audited import Looks
from web.caller import Caller
from web.paging import cursor_of, limit_of, parts_of
from web.problem import Problem, come_again

AGE = "Geofence-Age-Ms"
SCOPE, POSITIONS = "devices:read", "positions:read"
_LOOKED_AT = 20_000  # devices that a page looks at, at most
_write = msgspec.json.Encoder().encode


class Views:
    """The views, and what is built from them."""

    def __init__(
        self, presence: View, tracks: View, members: Members, places: Places, whereabouts: Whereabouts
    ) -> None:
        self.presence, self.tracks, self.members, self.places = presence, tracks, members, places
        self.whereabouts, self.freshness = whereabouts, Freshness((presence, tracks))

    def presence_of(self, device: str) -> Presence | None:
        """A device's presence."""
        return presence_in(self.presence.get(device.encode("utf-8", "surrogatepass")))


def where_router(access: Access, views: Views, looks: Looks) -> APIRouter:
    """The endpoints."""
    router = APIRouter()

    @router.get("/v1/devices/{device:path}")
    async def one(request: Request, device: str) -> Response:
        caller = await access.caller(request, SCOPE, device=device)
        age_ms = await views.freshness.age_ms()
        known = known_of(views, device) if caller.speaks_for(device) else None
        if known is None or not sees(caller, known.user):
            detail = f"Nothing is known of device {device[:80]!r}: it has sent nothing, or it is forgotten."
            raise Problem(404, "Not known", detail, headers={AGE: str(age_ms)})
        return _answer(known, age_ms)

    @router.get("/v1/layers/{layer}/regions/{region}/devices")
    async def in_region(
        request: Request, layer: str, region: str, after: str | None = None, limit: str | None = None
    ) -> Response:
        caller = unbound(await access.caller(request, SCOPE))
        return await _in_region(views, caller, layer, region, after, limit_of(limit))

    @router.get("/v1/devices")
    async def some(
        request: Request,
        bbox: str | None = None,
        layer: str | None = None,
        region: str | None = None,
        after: str | None = None,
        limit: str | None = None,
    ) -> Response:
        caller = unbound(await access.caller(request, SCOPE if bbox is None else POSITIONS))
        if bbox is None:
            if layer is None or region is None:
                detail = "Say bbox=WEST,SOUTH,EAST,NORTH, or layer= and region=, or all of them."
                raise Problem(400, "Which devices?", detail)
            return await _in_region(views, caller, layer, region, after, limit_of(limit))
        if region is not None and layer is None:
            raise Problem(400, "Which layer?", "region is given without layer; a region belongs to a layer.")
        box = box_of(bbox)
        await looks.note(caller, "positions.list", "bbox")
        return await _in_box(views, caller, box, _Filter(layer, region), after, limit_of(limit))

    return router


def known_of(views: Views, device: str) -> Known | None:
    """What is known of a device. Raises Problem where this program can't read it."""
    try:
        return views.whereabouts.of(device)
    except Malformed as fault:
        detail = f"What is stored of device {device[:80]!r} can't be read by this gateway: {fault}"
        raise come_again(detail, after_s=60) from None


def sees(caller: Caller, user: str | None) -> bool:
    """Whether a caller may learn of a device of this user."""
    return caller.device is not None or caller.user is None or caller.user == user


def unbound(caller: Caller) -> Caller:
    """The caller, if no device's own key. Raises Problem."""
    if caller.device is not None:
        detail = f"{caller.name} is the key of device {caller.device!r} and sees that one alone; see /v1/devices/ID."
        raise Problem(403, "Not allowed", detail)
    return caller


def box_of(text: str) -> Box:
    """A box: west, south, east, north in degrees. Raises Problem."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90):
        allowed = "allowed: WEST,SOUTH,EAST,NORTH in degrees, south <= north; west > east crosses the 180th meridian"
        raise Problem(400, "No such box", f"bbox is {text[:80]!r}; {allowed}.")
    return Box(west, south, east, north)


class _Filter:
    """A layer, and a region of it, that devices have to be in."""

    def __init__(self, layer: str | None, region: str | None) -> None:
        self._layer, self._region = layer, region

    def has(self, presence: Presence | None) -> bool:
        if self._layer is None:
            return True
        one = presence.layers.get(self._layer) if presence else None
        ids = [stay.id for stay in one.stays if stay.id is not None] if one else []
        return bool(ids) if self._region is None else self._region in ids


async def _in_region(views: Views, caller: Caller, layer: str, region: str, after: str | None, limit: int) -> Response:
    last = parts_of(after, tuple[str])[0] if after else None
    await views.members.ready(views.presence)
    age_ms = await views.freshness.age_ms()
    devices = views.members.page(layer, region, last, limit + 1)
    found = []
    for device in devices[:limit]:
        its = views.presence_of(device)
        if its is not None and sees(caller, its.user):
            since = [stay.since for stay in its.layers[layer].stays if stay.id == region]
            found.append(Member(device, its.user, since[0], its.seen))
    answer = MembersPage(found)
    if len(devices) > limit:
        answer.next = cursor_of(devices[limit - 1])
    return _answer(answer, age_ms)


async def _in_box(views: Views, caller: Caller, box: Box, wanted: _Filter, after: str | None, limit: int) -> Response:
    last = parts_of(after, tuple[int, int, str]) if after else None
    await views.places.ready(views.tracks)
    age_ms = await views.freshness.age_ms()
    found, looked, at = list[Placed](), 0, tuple[str | int, ...]()
    answer = PlacedPage(found)
    for cell, device, spot in views.places.near(box, last, _LOOKED_AT + 1):
        if len(found) == limit or looked == _LOOKED_AT:
            answer.next = cursor_of(*at)
            break
        at, looked = (*cell, device), looked + 1
        if spot is None:
            continue
        its = views.presence_of(device)
        if wanted.has(its) and (caller.user is None or (its is not None and its.user == caller.user)):
            found.append(Placed(**msgspec.structs.asdict(position_of(device, spot)), regions=_regions(its)))
    return _answer(answer, age_ms)


def position_of(device: str, spot: Spot) -> Position:
    """A position as it is told."""
    lon, lat, accuracy_m = round(spot.lon, 7), round(spot.lat, 7), round(spot.radius_m, 1)
    return Position(device, lon, lat, accuracy_m, text_of(spot.time_ms))


def _regions(its: Presence | None) -> dict[str, list[str]]:
    layers = its.layers.items() if its else ()
    return {layer: [stay.id for stay in one.stays if stay.id is not None] for layer, one in layers}


def _answer(answer: object, age_ms: int) -> Response:
    headers = {AGE: str(age_ms), "Cache-Control": "no-store"}
    return Response(_write(answer), headers=headers, media_type="application/json")
