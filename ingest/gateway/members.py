"""Who is in which region, by layer, from the view of `presence`.

Built when it is first asked for, then kept by every change of the view. Invariants: what it holds is what the view
holds; a page costs what is on it, however many are in the region.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import msgspec

from geofence.presence import Presence, decode_presence
from ingest.gateway.filling import Filling
from stream.port import View

_AT_ONCE = 5000

Place = tuple[str, str]  # layer, region


class Room:
    """The devices of one region, in the order of their names once somebody has asked for that."""

    def __init__(self) -> None:
        self.devices: set[str] = set()
        self._order: list[str] | None = None

    def add(self, device: str) -> None:
        """It is in."""
        if device not in self.devices:
            self.devices.add(device)
            if self._order is not None:
                insort(self._order, device)

    def drop(self, device: str) -> None:
        """It is out."""
        if device in self.devices:
            self.devices.discard(device)
            if self._order is not None:
                del self._order[bisect_left(self._order, device)]

    def page(self, after: str | None, limit: int) -> list[str]:
        """Names behind `after`."""
        if self._order is None:
            self._order = sorted(self.devices)
        begin = 0 if after is None else bisect_right(self._order, after)
        return self._order[begin : begin + limit]


class Members:
    """The rooms of all regions."""

    def __init__(self) -> None:
        self._rooms: dict[Place, Room] = {}
        self._filling = Filling(lambda _, value: self._put(value), _AT_ONCE)

    async def ready(self, view: View) -> None:
        """Wait until all that the view holds is in here."""
        await self._filling.ready(view)

    def change(self, _: bytes, before: bytes | None, now: bytes | None) -> None:
        """The view has changed."""
        if self._filling.begun:
            for device, place in _places(before):
                room = self._rooms.get(place)
                if room is not None:
                    room.drop(device)
                    if not room.devices:
                        del self._rooms[place]
            self._put(now)

    def _put(self, value: bytes | None) -> None:
        for device, place in _places(value):
            self._rooms.setdefault(place, Room()).add(device)

    def page(self, layer: str, region: str, after: str | None, limit: int) -> list[str]:
        """Devices in a region, in the order of their names."""
        room = self._rooms.get((layer, region))
        return room.page(after, limit) if room else []


def presence_in(value: bytes | None) -> Presence | None:
    """A presence as the worker wrote it; None for none, or one of another program."""
    if value is None:
        return None
    try:
        return decode_presence(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _places(value: bytes | None) -> list[tuple[str, Place]]:
    its = presence_in(value)
    if its is None:
        return []
    return [
        (its.device, (layer, stay.id)) for layer, one in its.layers.items() for stay in one.stays if stay.id is not None
    ]
