"""An explanation as a program of its own: reads a log and explains a device, writing nothing anywhere.

Started by `explainer` as `python -m service.explain_child`, its order on the first line of standard input. It says on
standard output which versions it needs, goes on when it is told that they are on the shelf, and then says the answer.
Invariants: it opens the log to read; it yields the processor to others, keeps to its memory, and ends with who began
it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sys
from io import BytesIO

import msgspec

from boundaries.confinement import die_with_parent
from boundaries.shelf import Shelf
from geofence.explanation import Asked, Explanation
from geofence.region import Version
from ingest.retained import Bounds, Sent
from ingest.retrieving import Reading
from ingest.settings import WorkerSettings
from service.explain import asked_of, begin_of
from service.explain_log import Gone, Versions, explained
from service.logs import open_log
from service.source import Unusable
from stream.port import LogError

_YIELD = 10  # how nice it is


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. `sent`: what the catalog has published of the layers that are asked for."""

    log: str
    shelf: str
    device: str
    row: bytes | None
    sent: Sent
    some: bool  # whether only some layers are asked for
    at: str | None
    last: str | None
    event: str | None
    presets: list[str]
    form: str
    worker: WorkerSettings
    bounds: Bounds
    memory_bytes: int


class Said(msgspec.Struct, omit_defaults=True):
    """A line: the versions it needs, or the end."""

    needs: list[str] = []
    failed: str = ""
    status: int = 0
    answer: bytes = b""


def main() -> None:
    """Do what the order says."""
    die_with_parent()
    os.nice(_YIELD)
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    resource.setrlimit(resource.RLIMIT_DATA, (order.memory_bytes, order.memory_bytes))
    try:
        said = asyncio.run(_explained(order))
    except Gone as error:
        said = Said(failed=str(error), status=410 if error.known else 404)
    except Unusable as error:
        said = Said(failed=str(error), status=400)
    except (LogError, MemoryError) as error:
        said = Said(failed=str(error) or "it needs more memory than it may have", status=503)
    _say(said)


async def _explained(order: Order) -> Said:
    asked = asked_of(order.at, order.last, order.event, order.presets, prefix="")
    async with open_log(order.log, read_only=True) as log:
        layers = order.sent if order.some else ()
        reading = Reading(log, order.device, order.worker.value_bytes, order.bounds, layers,
                          row=order.row, look_for_row=False, forgetting=True)  # fmt: skip
        found = await reading.read(asked.at_ms, asked.event)
        known = {key for its in order.sent.values() for _, key in its}
        needed = sorted(found.versions(order.sent) & known)
        shelf = Shelf(order.shelf)
        missing = [key for key in needed if not shelf.has(key)]
        if missing:
            _say(Said(needs=missing))
            sys.stdin.buffer.readline()
        atlases = {key: atlas for key in needed if (atlas := shelf.atlas(key)) is not None}
        begin = begin_of((), atlases)
        its = await explained(reading, found, Versions(begin, order.sent), order.worker, asked)
    return Said(answer=_written(its, {key: atlas.version for key, atlas in atlases.items()}, asked, order.form))


def _written(found: Explanation, versions: dict[str, Version], asked: Asked, form: str) -> bytes:
    """The answer in this form. Raises Gone where there is nothing to draw."""
    if form == "json":
        return msgspec.json.encode(found)
    from service.explain_picture import draw_explanation, layer_to_draw

    if not layer_to_draw(found):
        raise Gone(f"no ping lies in the time that is asked for{' (at)' if asked.at_ms else ''}", known=True)
    drawn = BytesIO()
    draw_explanation(found, versions, drawn, form)
    return drawn.getvalue()


def _say(said: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
