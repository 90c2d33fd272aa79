"""`GET /v1/positions`: positions as they come, for a map, as server-sent events.

State and no history: it begins now, and what was missed is not told again. Invariants: only for who may see positions,
noted before the first; nothing of a device that is outside the box before and after.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from ingest.gateway.places import Move, Places
from ingest.gateway.ring import Reader, TooSlow
from ingest.gateway.settings import GatewaySettings
from ingest.gateway.sse import PIECE_BYTES, EventStream, cut, frame, heartbeat, opening, told
from ingest.gateway.stream_of_events import Ended, StillAllowed
from ingest.gateway.streams import Streams
from ingest.gateway.where import POSITIONS, Views, box_of, position_of, sees
from web.access import Access
from web.audited import Looks
from web.caller import Caller
from web.problem import Problem

_SLOW_SAYS = "Positions came faster than they were taken. Ask for a smaller bbox; begin with /v1/devices?bbox=."
_write = msgspec.json.Encoder().encode


def positions_router(
    access: Access, views: Views, looks: Looks, streams: Streams, settings: GatewaySettings
) -> APIRouter:
    """The endpoint."""
    router = APIRouter()

    @router.get("/v1/positions")
    async def positions(
        request: Request,
        bbox: str | None = None,
        device: Annotated[list[str], Query()] = [],  # noqa: B006
    ) -> Response:
        caller = await access.caller(request, POSITIONS)
        wants = _wanted(caller, bbox, device)
        await looks.note(caller, "positions.stream", "bbox" if bbox else "all")
        await views.places.ready(views.tracks)
        allowed = StillAllowed(lambda: access.caller(request, POSITIONS, again=True))
        pieces = _pieces(views.places, wants, allowed, settings.heartbeat_s, streams)
        return EventStream(pieces, streams, write_s=settings.write_s)

    return router


def _wanted(caller: Caller, bbox: str | None, devices: list[str]) -> Callable[[Move], bool]:
    """What of all moves this reader gets. Raises Problem."""
    others = [one for one in devices if not caller.speaks_for(one)]
    if others:
        raise Problem(403, "Not allowed", f"{caller.name} sees device {caller.device!r} alone, not {others[0]!r}.")
    box = box_of(bbox) if bbox else None
    only = frozenset(devices or ([caller.device] if caller.device is not None else []))

    def wants(move: Move) -> bool:
        near = box is None or box.has(move.now) or box.has(move.before)
        return near and (not only or move.device in only) and sees(caller, move.user)

    return wants


async def _pieces(
    places: Places, wants: Callable[[Move], bool], allowed: StillAllowed, beat_s: float, streams: Streams
) -> AsyncGenerator[bytes, None]:
    with places.moves.reader(wants, at=places.moves.next, device=None) as reader:
        yield opening()
        try:
            async with aclosing(_live(reader, allowed, beat_s)) as pieces:
                async for piece in pieces:
                    yield piece
        except TooSlow:
            yield cut(streams, "too_slow", _SLOW_SAYS)
        except Ended as ended:
            yield cut(streams, "not_allowed", str(ended))


async def _live(reader: Reader[Move], allowed: StillAllowed, beat_s: float) -> AsyncGenerator[bytes, None]:
    while True:
        found = reader.take(PIECE_BYTES)
        if found:
            await allowed.check()
            yield b"".join(map(_frame, found))
        elif not await reader.wait(beat_s):
            await allowed.check()
            yield heartbeat()


def _frame(move: Move) -> bytes:
    if move.now is None:
        return told("gone", device=move.device)
    return frame(_write(position_of(move.device, move.now)))
