"""A catalog with something in each of its tables, and what of it and of tracks every later release has to read alike.

Never change what `fill` does without making a new folder; what is read may grow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from msgspec import to_builtins
from runs import World

from catalog import Catalog
from catalog.deliveries import Progress
from catalog.version import Counts, Outcome, Settings, Upload
from catalog.webhook import Filters
from geofence.track_reading import read_row
from geofence.wire_tracks import decode_partition
from ingest.topics import PARTITION_KEY, TRACKS

NOW_MS = 1_760_000_000_000
BY: dict[str, Any] = {"by": "kept", "now_ms": NOW_MS}


def fill(catalog: Catalog) -> dict[str, str]:
    """Put something into each table; the texts of its keys and codes, which nobody uses."""
    _, admin = catalog.keys.create(name="office", scopes=["admin"], grants_consent=True, **BY)
    revoked, _ = catalog.keys.create(name="old", scopes=["events:read"], expires_ms=NOW_MS + 1000, **BY)
    catalog.keys.revoke(revoked.id, **BY)
    code = catalog.devices.add("phone-1", user="user-1", grants_consent=True, **BY)
    _, phone = catalog.devices.redeem(code, now_ms=NOW_MS + 1)
    waiting = catalog.devices.add("phone-2", user=None, grants_consent=False, **BY)
    hook, _ = catalog.webhooks.create(
        url="https://receiver.test/", filters=Filters(layers=("town",), types=("entered",)), marks=[3, 0, 7], **BY
    )
    catalog.webhooks.rotate(hook.id, **BY)
    lease = catalog.deliveries.take(hook.id, for_ms=1000, now_ms=NOW_MS)
    assert lease
    assert catalog.deliveries.release(lease, Progress((5, 1, 8), delivered=4, last_ms=NOW_MS, last_status=204))
    _publish(catalog)
    return {"admin": admin, "phone": phone, "waiting": waiting}


def _publish(catalog: Catalog) -> None:
    """Two versions, one in force, one checked; a draft; jobs."""
    catalog.layers.create("town", kind="partition", tolerance_m=1.0, accuracy_m=20.0, **BY)
    codes = catalog.codes.give("town", ["west", "east"])
    for number in (1, 2):
        made = _draft(catalog)
        shapes = catalog.blobs.put([b"shapes", bytes([number]) * 3000], now_ms=NOW_MS)
        report = catalog.blobs.put([b'{"report": %d}' % number], now_ms=NOW_MS)
        outcome = Outcome(
            counts=Counts(2, 0, 1, 2), report=report, geometry=shapes, hash=f"{number}" * 64,
            manifest={"layer": "town", "geometry": shapes, "codes": codes},
        )  # fmt: skip
        catalog.versions.check("town", made.number, outcome, **BY)
    _draft(catalog)
    catalog.publications.plan("town", 1, replaces=None, comment="first", **BY)
    held = catalog.publishing.take("sender", now_ms=NOW_MS, lease_s=10)
    assert held
    assert catalog.publishing.send(held, now_ms=NOW_MS + 1)
    assert catalog.publishing.sent(held, now_ms=NOW_MS + 2)
    assert catalog.publishing.done(held, now_ms=NOW_MS + 3)
    job = catalog.jobs.create("dry_run", layer="town", version=2, asked={"hours": 24}, **BY)
    taken = catalog.jobs.take("one", now_ms=NOW_MS, lease_s=1.0)
    assert taken
    assert catalog.jobs.finish(taken, {"changed": 3, "of": job.version}, now_ms=NOW_MS + 4)
    catalog.jobs.create("check", layer="town", version=3, asked={}, **BY)


def _draft(catalog: Catalog) -> Any:
    upload = Upload("town.geojson", 6, catalog.blobs.put([b"a file"], now_ms=NOW_MS))
    settings = Settings(rule={"preset": "strict"}, nearest_within_m=250.0)
    return catalog.versions.create("town", settings=settings, upload=upload, options={"id": "GEOID"}, **BY)


def held(catalog: Catalog) -> dict[str, Any]:
    """All of it, as plain values."""
    versions = catalog.versions.list("town")
    found = {
        "keys": {one.id: asdict(one) | {"scopes": sorted(one.scopes)} for one in catalog.keys.list()},
        "devices": {one.device: asdict(one) for one in catalog.devices.list()},
        "webhooks": {
            hook.id: {"webhook": asdict(hook), "progress": asdict(its)} for hook, its in catalog.webhooks.list()
        },
        "layers": {one.name: asdict(one) for one in catalog.layers.list()},
        "codes": catalog.codes.known("town"),
        "versions": {str(one.number): asdict(one) for one in versions},
        "manifests": {one.hash: catalog.versions.manifest(one.hash) for one in versions if one.hash},
        "publications": {str(one.number): asdict(one) for one in catalog.publications.list("town")},
        "jobs": {one.id: asdict(one) for one in catalog.jobs.list("town")},
        "blobs": {
            name: b"".join(catalog.blobs.open(name)).hex()
            for one in versions for name in (one.geometry, one.report, one.upload and one.upload.blob) if name
        },
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def newest_rows(its: World) -> list[dict[str, Any]]:
    """The newest row of each device and of each partition in `tracks`, and what is read in it."""
    newest = {(partition, key): value for partition, key, value, _ in its.records(TRACKS) if value is not None}
    return [
        {"partition": partition, "key": key.decode(), "row": value.hex(), "read": read(key, value)}
        for (partition, key), value in newest.items()
    ]


def read(key: bytes, row: bytes) -> Any:
    """A row of `tracks` as plain values."""
    found = to_builtins(decode_partition(row)) if key == PARTITION_KEY else asdict(read_row(row))
    return json.loads(json.dumps(found))


def missing(kept: object, found: object, place: str = "") -> list[str]:
    """Where what was kept is not found as it was; what a later release has added is no difference."""
    if isinstance(kept, Mapping) and isinstance(found, Mapping):
        return [line for key, one in kept.items() for line in missing(one, found.get(key), f"{place}/{key}")]
    if isinstance(kept, list) and isinstance(found, list) and len(kept) <= len(found):
        both = enumerate(zip(kept, found, strict=False))
        return [line for number, pair in both for line in missing(*pair, f"{place}/{number}")]
    return [] if kept == found else [f"{place}: {kept!r} became {found!r}"]
