"""A log, a worker and a gateway in one process, as an embedded log asks for; told by lines of JSON what to do. No test.

`one_process.py FOLDER PORT SETTINGS`: the catalog and the log are in FOLDER, the regions in FOLDER/town.geojson if
there is such a file. `{"tell": [[device, region, sequence], ...], "days": 0}` writes events as a worker did so many
days ago, `{"upkeep": true}` does what is due,
`{"spoil": device}` writes a row of tracks that nobody can read; each line is answered by one.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from stub_ports import Drawn, stub_boundaries, stub_explainer

from catalog import open_catalog
from geofence.crossing import Cause, Change, Crossing, Place
from geofence.wire_events import encode_binary, event_of
from ingest.gateway.app import gateway_app
from ingest.gateway.settings import GatewaySettings
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.topics import CHANGES, TRACKS, topics
from ingest.worker import work
from service.fences import fixed_fences
from service.http import serving
from service.layers import LayerOptions, load_versions
from stream.port import Log, Record
from stream.sqlite import SqliteLog, open_log


def event_record(device: str, region: str, sequence: int, days: float = 0.0) -> Record:
    """An event of the layer `town`, as a worker writes it."""
    now = time.time_ns() // 1_000_000 - round(days * 86_400_000)
    crossing = Crossing(
        device=device, layer="town", change=Change.CHANGED, cause=Cause.MOVED, origin=None, target=Place(region),
        born_ms=1, sequence=sequence, occurred_ms=now, confirmed_ms=now, received_ms=now,
    )  # fmt: skip
    headers, data = encode_binary(event_of(crossing, source="test"))
    return Record(device.encode(), data, tuple((name, text.encode()) for name, text in headers.items()), now)


async def serve(folder: Path, port: int, settings: GatewaySettings) -> None:
    """Until standard input ends."""
    town, stop = folder / "town.geojson", asyncio.Event()
    with open_catalog(f"sqlite:{folder / 'catalog.db'}") as catalog:
        async with open_log(folder / "log.db") as log:
            await log.create(topics(4))
            working = asyncio.create_task(_work(log, town, stop)) if town.exists() else None
            more = [stub_boundaries(folder, Drawn())]
            made = gateway_app(log, catalog, settings, more=more, explainer=stub_explainer)
            async with made as gateway, serving(gateway.app, f"127.0.0.1:{port}"):
                print("ready", flush=True)
                while line := await asyncio.to_thread(sys.stdin.readline):
                    await _obey(log, json.loads(line))
                    print("done", flush=True)
                gateway.end_streams()
            stop.set()
            if working:
                await working


async def _work(log: Log, town: Path, stop: asyncio.Event) -> None:
    settings = WorkerSettings()
    versions = load_versions(LayerOptions((str(town),), (), (), (), ()))
    await work(log, fixed_fences(versions, settings, "compiled"), settings, Status(), stop)


async def _obey(log: SqliteLog, order: dict[str, Any]) -> None:
    if "upkeep" in order:
        await log.upkeep()
        return
    if "spoil" in order:
        await log.append(TRACKS, [Record(order["spoil"].encode(), b"\xff\x01\x02")])
        return
    records = [event_record(*one, days=order["days"]) for one in order["tell"]]
    for begin in range(0, len(records), 500):
        await log.append(CHANGES, records[begin : begin + 500])


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), GatewaySettings(**json.loads(sys.argv[3]))))
