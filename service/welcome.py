"""What `geofence run` says once it is ready: where it answers, what phones and shells need to speak with it.

Text alone, without ends of lines. Invariant: every command stands as it can be typed, in the folder it was started in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from shlex import quote

from service.home import Home

YOU = (4.8357, 45.7640)  # Lyon
_STEP_DEG = 0.0001


def welcome(home: Home, url: str, phone_url: str | None = None, *, demo: bool) -> Iterator[str]:
    """The lines; `phone_url`: where phones in this network reach it, if they do. `demo`: there are pretend phones."""
    near, far = os.path.relpath(home.folder), str(home.folder.absolute())
    folder = far if near.startswith("..") else near
    phone = (
        "docs/clients.md has each app" if phone_url else "make run LAN=1, or geofence run --lan: a QR code tells it all"
    )
    yield ""
    yield f"  Address      {url}   key in {folder}/demo.key"
    yield f"  Your phone   {phone}"
    reached = phone_url or url
    yield f"    OwnTracks  {reached}/v1/clients/owntracks   any user, the key in {folder}/phone.key as password"
    yield f"    Traccar    {reached}/v1/clients/traccar/KEY   the same key"
    yield f"    Overland   {reached}/v1/clients/overland   the same key as token"
    yield ""
    yield "  In another terminal:"
    env = (f". {quote(f'{folder}/demo.env')}", "sets $AUTH, puts geofence on the PATH")
    where = (f'curl -H "$AUTH" {url}/v1/devices/{"walker-1" if demo else "you"}', "where a phone is")
    send = (f'curl -H "$AUTH" {url}/v1/pings -d {quote(f"@{folder}/you-in-lyon.json")}', "pings of yours")
    follow = (f'curl -N -H "$AUTH" {url}/v1/events', "region changes as they come")
    explain = ("geofence explain home-1", "why nothing happened")
    commands = (env, where, send, follow, explain) if demo else (env, send, where, follow)
    width = max(len(command) for command, _ in commands)
    for command, why in commands:
        yield f"    {command:<{width}}  # {why}"
    yield ""


def you_in_lyon(now_ms: int) -> bytes:
    """Pings of somebody in Lyon during the last minute, to be sent as they stand."""
    lon, lat = YOU
    lines = (
        f'{{"device": "you", "lon": {lon + _STEP_DEG * step:.5f}, "lat": {lat:.5f}, "accuracy_m": 8, '
        f'"time_ms": {now_ms - 60_000 + 20_000 * step}}}'
        for step in range(4)
    )
    return f"[{', '.join(lines)}]\n".encode()
