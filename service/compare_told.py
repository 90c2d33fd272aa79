"""A comparison as JSON: for each layer what each method told, with the same figures as the table.

Beside `compare`, which prints it for people.
"""

from __future__ import annotations

from typing import Any

import msgspec

from geofence.instant import text_of
from geofence.region import Version
from service.compare import METHODS, Comparison, figures_of, told_moves
from service.peers import UNKNOWN


def comparison_json(found: Comparison, *, shown: int) -> str:
    """One object; of each method the first `shown` events."""
    layers = {layer: {"methods": _methods(found, layer)} for layer in found.versions}
    events = {method: [_event(found, one) for one in told_moves(found, method)[:shown]] for method in METHODS}
    told = {"pings": found.trace.pings, "devices": len(found.trace.seen), "layers": layers, "events": events}
    return msgspec.json.encode(told).decode()


def _methods(found: Comparison, layer: str) -> dict[str, dict[str, float | None]]:
    names = ("events", "back_within_5_min", "back_within_15_min", "median_delay_s")
    return {method: dict(zip(names, figures_of(found, method, layer), strict=True)) for method in METHODS}


def _event(found: Comparison, one: Any) -> dict[str, str | bool | None]:
    time_ms, (layer, device, _), move = one
    version = found.versions[layer]
    return {
        "confirmed_at": text_of(time_ms),
        "device": device,
        "layer": layer,
        "from": _id(version, move.origin),
        "to": _id(version, move.target),
        "first": move.origin == UNKNOWN,
    }


def _id(version: Version, region: int) -> str | None:
    return version.regions[region].id if region >= 0 else None
