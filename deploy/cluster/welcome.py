"""What `make cluster` says once all services are well, and the files that its commands need.

Text alone; used by `__main__` and by the test that runs every command of it. Invariant: the commands stand as they can
be typed, in the folder that it was started in.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.cluster.cluster import ROOT, Cluster

_OLD_TOWN, _OUTSIDE = (14.4210, 50.0870), (14.4000, 50.1050)
_DEVICE = "you"


def write_files(cluster: Cluster) -> None:
    """A key that may do everything, what a shell needs, and pings to try out."""
    key_file = cluster.folder / "admin.key"
    if not key_file.exists():
        key = cluster.run("gateway-1", "geofence", "keys", "create", "make cluster", "--scope", "admin").strip()
        _write_secret(key_file, f"{key}\n")
    key, its = key_file.read_text().strip(), cluster.environment("gateway-1")
    near = {name: its[name] for name in sorted(its) if name.startswith("GEOFENCE_") and "_GATEWAY_" not in name}
    near |= {"GEOFENCE_SERVER": f"http://{cluster.places.address('gateway-1', 8080)}", "GEOFENCE_KEY": key}
    lines = [f"export {name}='{value}'" for name, value in near.items()]
    lines.append(f'export AUTH="Authorization: Bearer {key}"')
    lines.append(f"export PATH='{Path(sys.executable).parent}':$PATH PYTHONPATH='{ROOT}'")
    _write_secret(cluster.folder / "env", "\n".join(lines) + "\n")
    (cluster.folder / "you.json").write_text(json.dumps(_walk(time.time_ns() // 1_000_000)) + "\n")


def welcome(cluster: Cluster) -> Iterator[str]:
    """The lines."""
    at = {name: f"http://{cluster.places.address(name, 8080)}" for name in ("gateway-1", "gateway-2")}
    yield ""
    for name, url in at.items():
        yield f"  {name:<11}  {url}   health {_health(cluster, name, 8081)}"
    for name, port in (("worker-1", 8082), ("worker-2", 8082), ("webhooks", 8083)):
        yield f"  {name:<11}  health {_health(cluster, name, port)}"
    yield f"  kafka        {cluster.places.address('kafka', 9092)}"
    yield f"  postgres     {cluster.places.address('postgres', 5432)}"
    folder = _near(cluster.folder)
    yield f"  admin's key  in {folder}/admin.key; what each service says, in {folder}/logs"
    yield ""
    yield "  In another terminal:"
    told = list(commands(cluster))
    width = max(len(command) for command, _ in told)
    yield from (f"    {command:<{width}}  # {why}" for command, why in told)
    yield ""


def commands(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """What to try, and what it does."""
    first, second = (f"http://{cluster.places.address(name, 8080)}" for name in ("gateway-1", "gateway-2"))
    folder = _near(cluster.folder)
    fences = _near(ROOT / "data/fences.geojson.gz")
    yield f". {folder}/env", "sets $AUTH and GEOFENCE_..., puts geofence on the PATH"
    yield f"geofence boundaries upload fences {fences} --create overlay --comment first", "a layer"
    yield "geofence boundaries publish fences 1 --comment first --yes", "put in force by both workers"
    yield f'curl -sS -H "$AUTH" {second}/v1/pings -d @{folder}/you.json', "pings through one gateway"
    yield f'curl -sS -H "$AUTH" "{first}/v1/events?from=beginning&limit=100"', "what came of them, by the other one"
    yield f'curl -sS -H "$AUTH" {first}/v1/devices/{_DEVICE}', "where you are now"
    yield "geofence doctor", "what each part says of itself"


def _walk(now_ms: int) -> list[dict[str, object]]:
    """Pings of somebody who has walked into a fence in the last minutes."""
    places = [_OUTSIDE, _OUTSIDE, _OLD_TOWN, _OLD_TOWN]
    return [
        {"device": _DEVICE, "lon": lon, "lat": lat, "accuracy_m": 8, "time_ms": now_ms - 240_000 * (4 - step) // 4}
        for step, (lon, lat) in enumerate(places)
    ]


def _health(cluster: Cluster, name: str, port: int) -> str:
    return f"http://{cluster.places.address(name, port)}/health/ready"


def _near(path: Path) -> str:
    """A path as it is typed here."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
