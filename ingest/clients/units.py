"""What apps measure, in our units: metres, metres a second, and our words for sources.

Used by every adapter. Invariant: what an app marks as unknown (a negative number, NaN, an empty field) is absent, which
is NaN in a record, never 0 or -1.
"""

from __future__ import annotations

from math import inf, nan

from ingest.clients.fields import Fields, number

MPS = 1.0
KMH = 1000.0 / 3600.0
KNOT = 1852.0 / 3600.0
_SOURCES = {"gps": "gps", "wifi": "wifi", "cell": "cell", "fused": "fused"}


def speed_mps(fields: Fields, name: str, unit: float) -> float:
    """A speed that is sent in multiples of `unit`; NaN if it is not known. Raises Unfit."""
    found = number(fields, name)
    return found * unit if found is not None and 0.0 <= found < inf else nan


def radius_m(fields: Fields, name: str) -> float:
    """An accuracy in metres; NaN if it is not known, which 0 and less say too. Raises Unfit."""
    found = number(fields, name)
    return found if found is not None and found > 0.0 else nan


def source(fields: Fields, name: str) -> str:
    """Where a position came from. Android's `network` is Wi-Fi or cells, nobody knows which: `unknown`."""
    said = fields.get(name)
    return _SOURCES.get(said.lower(), "unknown") if isinstance(said, str) else "unknown"
