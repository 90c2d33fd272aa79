"""`GET /v1/events`: region changes out, as a stream of server-sent events or page by page.

Invariants: both give the same events, those of a device in order; a position of the one is good for the other; a key
that is bound to a device sees its device alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from ingest.gateway.bookmark import Marks, bookmark_of
from ingest.gateway.forms import EventsPage
from ingest.gateway.history import Gap, History
from ingest.gateway.settings import GatewaySettings
from ingest.gateway.sse import EventStream
from ingest.gateway.stream_of_events import EventsOfOne
from ingest.gateway.streams import Streams
from ingest.gateway.told import Wanted, wanted_by
from web.access import Access
from web.paging import limit_of
from web.problem import come_again

SCOPE = "events:read"
_PATIENCE_S = 5.0
_write = msgspec.json.Encoder().encode
Filter = Annotated[list[str], Query()]


def events_router(
    access: Access,
    history: History,
    streams: Streams,
    settings: GatewaySettings,
    now_ms: Callable[[], int],
) -> APIRouter:
    """The endpoint."""
    router = APIRouter()

    @router.get("/v1/events")
    async def events(
        request: Request,
        layer: Filter = [],  # noqa: B006
        device: Filter = [],  # noqa: B006
        type: Filter = [],  # noqa: A002, B006
        region: Filter = [],  # noqa: B006
        after: str | None = None,
        since: Annotated[str, Query(alias="from")] = "now",
        limit: str | None = None,
    ) -> Response:
        caller = await access.caller(request, SCOPE)
        wanted = wanted_by(caller, device=device, layer=layer, kind=type, region=region)
        resumed = request.headers.get("last-event-id")
        name = "after" if after else "Last-Event-ID"
        marks = await history.begin(after or resumed, since, name=name, now_ms=now_ms())
        if limit is not None or wants_pages(request):
            return await page(history, wanted, marks, limit_of(limit))
        fresh = since == "now" and not (after or resumed)
        marks, gap = (marks, None) if fresh else await _checked(history, wanted, marks)
        one = EventsOfOne(history, settings, wanted, lambda: access.caller(request, SCOPE, again=True), streams)
        return EventStream(one.pieces(marks, gap), streams, write_s=settings.write_s)

    return router


def wants_pages(request: Request) -> bool:
    """Whether a request asks for JSON and not for a stream."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/event-stream" not in accept


async def _checked(history: History, wanted: Wanted, marks: Marks) -> tuple[Marks, Gap | None]:
    """Marks that are there, and what is gone before them."""
    feed = history.feed
    if feed.holds(marks) and all(mark <= here for mark, here in zip(marks, feed.marks, strict=True)):
        return marks, None
    gap = history.gap(marks, await history.standing(), wanted)
    return (gap.marks, gap) if gap else (marks, None)


async def page(history: History, wanted: Wanted, marks: Marks, limit: int) -> Response:
    """Events from the marks on, as many as asked for and there are, and where the next page begins."""
    if not await history.get_slot(_PATIENCE_S):
        raise come_again("Too many others read back just now.", after_s=5)
    try:
        standing = await history.standing()
        gap = history.gap(marks, standing, wanted)
        begin = gap.marks if gap else marks
        found, end, late = await history.gather(standing, wanted, begin, limit)
    finally:
        history.give_slot()
    more = any(end[number] < one.end for number, one in standing.items())
    answer = EventsPage([msgspec.Raw(one.data) for one in found], bookmark_of(end), more)
    if gap or late:
        answer.gap = [one.told() for one in (gap, *late) if one]
    return Response(_write(answer), media_type="application/json")
