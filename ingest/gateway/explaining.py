"""`GET /v1/devices/{id}/explain`: why a crossing was, or was not, confirmed; as JSON or as a picture.

The work is done elsewhere, by what is given as `Explainer`: replaying takes seconds of a processor. Invariants: only
for who may see positions, of a device that they may know of, and noted; nothing of a device that is not known any more;
who has gone is not worked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request, Response

from ingest.gateway.devices import check_ending
from ingest.gateway.sse import gone
from ingest.gateway.where import POSITIONS, Views, known_of, sees
from web.access import Access
from web.audited import Looks
from web.problem import Problem

FORMS = {"json": "application/json", "svg": "image/svg+xml", "png": "image/png"}
_GONE = 499  # nobody reads it; it is counted
_TEXT_BYTES = 256  # of a parameter: beyond, it is nothing that could be meant
Names = Annotated[list[str], Query()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, as it came. `row`: what `tracks` has of the device."""

    device: str
    row: bytes | None
    at: str | None = None
    last: str | None = None
    event: str | None = None
    layers: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    form: str = "json"


class Explainer(Protocol):
    """Explains."""

    def __call__(self, question: Question, /) -> Coroutine[Any, Any, bytes]:
        """The answer, in the form that is asked for. Raises Problem."""


async def nothing_explained(_: Question) -> bytes:
    """Where nobody explains."""
    raise Problem(404, "Not here", "This gateway was put together without what explains.")


def explaining_router(access: Access, views: Views, looks: Looks, explainer: Explainer) -> APIRouter:
    """The endpoint."""
    router = APIRouter()

    @router.get("/v1/devices/{device:path}/explain")
    async def explain(
        request: Request,
        device: str,
        at: str | None = None,
        last: str | None = None,
        event: str | None = None,
        layer: Names = [],  # noqa: B006
        preset: Names = [],  # noqa: B006
        format: str | None = None,  # noqa: A002
    ) -> Response:
        caller = await access.caller(request, POSITIONS)
        check_ending(request, device)
        for text in (at, last, event, *layer, *preset):
            if text is not None and len(text) > _TEXT_BYTES:
                raise Problem(400, "Can't be", f"A parameter has {len(text)} characters; allowed: {_TEXT_BYTES}.")
        form = form_of(format, request.headers.get("accept", ""))
        known = known_of(views, device) if caller.speaks_for(device) else None
        if known is None or not sees(caller, known.user) or not known.layers:
            raise Problem(
                404, "Not known", f"No track of device {device[:80]!r} is known: there is nothing to explain."
            )
        await looks.note(caller, "device.explain", device)
        question = Question(
            device=device,
            row=views.tracks.get(device.encode("utf-8", "surrogatepass")),
            at=at,
            last=last,
            event=event,
            layers=tuple(layer),
            presets=tuple(preset),
            form=form,
        )
        answer = await _while_asked(request, explainer(question))
        if answer is None:
            return Response(status_code=_GONE)
        return Response(answer, headers={"Cache-Control": "no-store"}, media_type=FORMS[form])

    return router


async def _while_asked(request: Request, making: Coroutine[Any, Any, bytes]) -> bytes | None:
    """What is made; None: who asked has gone, and it was given up."""
    made, left = asyncio.create_task(making), asyncio.create_task(gone(request.receive))
    try:
        await asyncio.wait((made, left), return_when=asyncio.FIRST_COMPLETED)
        return made.result() if made.done() else None
    finally:
        for one in (made, left):
            one.cancel()
        await asyncio.gather(made, left, return_exceptions=True)


def form_of(asked: str | None, accept: str) -> str:
    """In which form to answer: as it is asked for, else by what is accepted. Raises Problem."""
    if asked is not None:
        if asked not in FORMS:
            raise Problem(400, "No such format", f"format is {asked[:20]!r}; allowed: {', '.join(FORMS)}.")
        return asked
    return next((form for form, media in FORMS.items() if media in accept), "json")
