"""A layer with versions in every state, and acts that begin together: what the tests of layers stand on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from catalog import Catalog, CatalogError, open_catalog
from catalog.layer import Layer
from catalog.publication import Publication
from catalog.version import Counts, Outcome, Settings, Upload, Version

NOW = 1_760_000_000_000
BY: dict[str, Any] = {"by": "tests", "now_ms": NOW}
SETTINGS = Settings(rule={"preset": "strict"}, dwell_s=None, nearest_within_m=250.0)
CLEAN, BROKEN = Counts(3, 0, 1, 2), Counts(3, 2, 0, 0)


def town(catalog: Catalog, name: str = "town") -> Layer:
    """A layer without versions."""
    return catalog.layers.create(name, kind="partition", tolerance_m=1.0, accuracy_m=20.0, **BY)


def draft(catalog: Catalog, layer: str = "town", content: bytes = b"a file", **more: Any) -> Version:
    """A version that nobody has checked."""
    upload = Upload("town.geojson", len(content), catalog.blobs.put([content], now_ms=NOW))
    given = {"settings": SETTINGS, "upload": upload, "options": {"id": "GEOID"}, **BY}
    return catalog.versions.create(layer, **{**given, **more})


def outcome(catalog: Catalog, hash: str = "h", counts: Counts = CLEAN) -> Outcome:  # noqa: A002
    """What a check made of it; with errors it has no manifest."""
    report = catalog.blobs.put([b"report of " + hash.encode()], now_ms=NOW)
    if counts.errors:
        return Outcome(counts=counts, report=report)
    geometry = catalog.blobs.put([b"shapes of " + hash.encode()], now_ms=NOW)
    manifest = {"layer": "town", "geometry": geometry, "codes": {"a": 1}, "of": hash}
    return Outcome(counts=counts, report=report, geometry=geometry, manifest=manifest, hash=hash)


def checked(catalog: Catalog, layer: str = "town", counts: Counts = CLEAN) -> Version:
    """A version that could be published, if it has no errors; its hash is its number."""
    made = draft(catalog, layer)
    return catalog.versions.check(layer, made.number, outcome(catalog, f"{made.number}", counts), **BY)


def send(catalog: Catalog, planned: Publication) -> Publication:
    """Carry a publication on until it is in the log; the lease is held."""
    held = catalog.publishing.take("sender", now_ms=planned.at_ms, lease_s=10)
    assert held
    assert (held.layer, held.number) == (planned.layer, planned.number)
    assert catalog.publishing.send(held, now_ms=NOW + 1)
    assert catalog.publishing.sent(held, now_ms=NOW + 2)
    return held


def publish(catalog: Catalog, number: int, replaces: int | None, layer: str = "town") -> Publication:
    """Publish a version until it is in force."""
    planned = catalog.publications.plan(layer, number, replaces=replaces, **BY)
    assert catalog.publishing.done(send(catalog, planned), now_ms=NOW + 3)
    return catalog.publications.get(layer, planned.number)


def at_once(url: str, act: Callable[[Catalog, int], Any], many: int = 6) -> list[Any]:
    """What comes of acts that begin together, each on connections of its own; a refusal is what came of it."""
    ready = Barrier(many)

    def one(number: int) -> Any:
        with open_catalog(url) as own:
            own.layers.list()
            ready.wait()
            try:
                return act(own, number)
            except CatalogError as error:
                return error

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(one, range(many)))
