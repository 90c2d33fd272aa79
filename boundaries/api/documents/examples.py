"""Examples of what the boundary admins' endpoints give; those of several operations."""

from __future__ import annotations

from typing import Any

from geofence.rule import Rule
from web.documents.operation import Header, Parameter, in_path

AT_MS = 1769847302000
HASH = "9f31c0" + "0" * 58
LAYER = in_path("layer", "The layer.", "counties")
NUMBER = Parameter("number", "The number of the version.", 4, {"type": "integer", "minimum": 1}, where="path")
IF_MATCH = Parameter("If-Match", "The ETag of what you looked at, or *.", '"17"', where="header")
ETAG = Header("ETag", "What to send as If-Match.")
LOCATION = Header("Location", "Where it is.")

PUBLICATION: dict[str, Any] = {
    "layer": "counties", "number": 2, "version": 4, "hash": HASH, "replaces": 3, "state": "in_force", "reason": None,
    "by": "abcdefghjk", "comment": "New border at the river", "expect": 12, "at_ms": AT_MS, "created_ms": AT_MS,
    "sent_ms": AT_MS + 900, "in_force_ms": AT_MS + 2400,
}  # fmt: skip
SHOWN_LAYER: dict[str, Any] = {
    "name": "counties", "kind": "partition", "tolerance_m": 1.0, "accuracy_m": 20.0, "created_ms": AT_MS,
    "published": PUBLICATION,
}  # fmt: skip
JOB: dict[str, Any] = {
    "id": "mnpqrstvwx", "kind": "check", "layer": "counties", "version": 4, "asked": {}, "state": "running",
    "stage": "comparing neighbours", "done": 1200, "total": 3230, "reason": None, "by": "abcdefghjk",
    "created_ms": AT_MS, "started_ms": AT_MS + 40, "ended_ms": None,
}  # fmt: skip
VERSION: dict[str, Any] = {
    "layer": "counties", "number": 4, "state": "checked", "base": 3,
    "settings": {"rule": Rule().to_table(), "dwell_s": None, "nearest_within_m": 0.0},
    "upload": {"file": "counties.zip", "size": 7_811_204, "sha256": "b4" * 32},
    "options": {"inner": None, "crs": None, "encoding": None, "id": "GEOID", "name": None, "fix": False, "said": []},
    "hash": HASH, "counts": {"regions": 3230, "errors": 0, "warnings": 2, "notes": 0}, "comment": "",
    "by": "abcdefghjk", "created_ms": AT_MS, "checked_ms": AT_MS + 6100,
}  # fmt: skip
