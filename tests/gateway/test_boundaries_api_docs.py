"""docs/boundaries-api.md: its commands work one after the other on the real gateway, and it has every endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import DOCS, commands, run
from served import Served, now_ms, serving
from shapely.geometry import box

from boundaries.api.documents import DESCRIBED
from boundaries.blob import write_regions
from boundaries.checking.finding import Report
from boundaries.telling.document import report_json
from catalog import open_catalog
from catalog.version import Counts, Outcome
from geofence.region import Region

PAGE = (DOCS / "boundaries-api.md").read_text()
REGIONS = [Region("a", box(0, 0, 1, 1), "A"), Region("b", box(1, 0, 2, 1), "B")]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as one:
        yield one


def check_what_waits(gateway: Served) -> None:
    """Do what the process that checks would: both regions in the first version, one in the next."""
    with open_catalog(gateway.catalog_url) as catalog:
        while job := catalog.jobs.take("test", now_ms=now_ms(), lease_s=60, kinds=["check"]):
            regions = REGIONS[: 3 - job.version]
            write_regions(regions, gateway.folder / "regions.fgb")
            told = Report(
                layer="town", kind="partition", source=None, features=2, regions=2, vertices=10, findings=()
            )  # fmt: skip
            outcome = Outcome(
                counts=Counts(len(regions), 0, 0, 0), manifest={}, hash=f"{job.version:064x}",
                report=catalog.blobs.put([report_json(told)], now_ms=now_ms()),
                geometry=catalog.blobs.put(gateway.folder / "regions.fgb", now_ms=now_ms()),
            )  # fmt: skip
            catalog.versions.check(job.layer, job.version, outcome, job=job, by="test", now_ms=now_ms())


def test_the_commands_work_one_after_the_other(gateway: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(gateway.folder)
    Path("town.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    key = gateway.key("boundaries:read", "boundaries:write", "boundaries:publish")
    said = {}
    for command in commands("boundaries-api.md"):
        said[command.partition("$GEOFENCE")[2]] = run(command, GEOFENCE=f"http://{gateway.address}", KEY=key)
        check_what_waits(gateway)
    assert len(said) == 12
    found = {path.partition('"')[0]: text for path, text in said.items()}
    assert json.loads(found["/v1/layers/town/versions/1"])["state"] == "checked"
    assert "town" in found["/v1/layers/town/versions/1/report?format=text"]
    ids = [one["id"] for one in json.loads(found["/v1/layers/town/versions/1/regions"])["features"]]
    assert ids == ["a", "b"]
    assert "removed" in found["/v1/layers/town/versions/1/diff?to=2&format=text"].lower()
    assert json.loads(found["/v1/layers/town"])["next"]["comment"] == "the first one"


def test_the_page_has_every_endpoint_with_its_scope_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+ /v1/\S+)` \| `([\w:]+)` \|", PAGE, re.MULTILINE)
    assert rows == sorted(set(rows), key=rows.index)
    assert set(rows) == {(f"{one.method} {one.path}", one.scope) for one in DESCRIBED.operations}
