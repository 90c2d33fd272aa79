"""docs/boundaries-api.md: its commands work one after the other on the real gateway, and it has every endpoint."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import DOCS, commands, rows, run, settings_in
from served import Served, serving
from shapely.geometry import box

from boundaries.api import settings
from boundaries.api.documents import DESCRIBED
from boundaries.api.settings import BoundarySettings
from boundaries.geojson import geojson_of
from catalog import open_catalog
from catalog.job import OPEN
from geofence.region import Region

PAGE = (DOCS / "boundaries-api.md").read_text()
REGIONS = [Region("a", box(0, 0, 1, 1), "A"), Region("b", box(1, 0, 2, 1), "B")]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, "--shelf", str(tmp_path / "shelf")) as one:
        yield one


def let_it_work(gateway: Served) -> None:
    """Wait until no job is left to do, and what was planned is sent."""
    end = time.monotonic() + 30
    with open_catalog(gateway.catalog_url) as catalog:
        while any(job.state in OPEN for job in catalog.jobs.list("town")) or any(
            one.sent_ms is None for one in catalog.publications.list("town")
        ):
            assert time.monotonic() < end, gateway.said()
            time.sleep(0.05)


def test_the_commands_work_one_after_the_other(gateway: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(gateway.folder)
    Path("town.geojson").write_bytes(geojson_of(REGIONS))
    key = gateway.key("boundaries:read", "boundaries:write", "boundaries:publish")
    said = {}
    for command in commands("boundaries-api.md"):
        said[command.partition("$GEOFENCE")[2]] = run(command, GEOFENCE=f"http://{gateway.address}", KEY=key)
        let_it_work(gateway)
    assert len(said) == 12
    found = {path.partition('"')[0]: text for path, text in said.items()}
    assert json.loads(found["/v1/layers/town/versions/1"])["state"] == "checked"
    assert "town" in found["/v1/layers/town/versions/1/report?format=text"]
    ids = [one["id"] for one in json.loads(found["/v1/layers/town/versions/1/regions"])["features"]]
    assert ids == ["a", "b"]
    assert json.loads(found["/v1/layers/town"])["published"]["comment"] == "the first one"
    assert "removed" in found["/v1/layers/town/versions/1/diff?to=2&format=text"].lower()


def test_the_page_has_every_endpoint_with_its_scope_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+ /v1/\S+)` \| `([\w:]+)` \|", PAGE, re.MULTILINE)
    assert rows == sorted(set(rows), key=rows.index)
    assert set(rows) == {(f"{one.method} {one.path}", one.scope) for one in DESCRIBED.operations}


def test_every_setting_stands_in_the_table_with_its_default_and_its_meaning() -> None:
    prefix = "GEOFENCE_BOUNDARIES_"
    assert rows("boundaries-api.md", prefix) == settings_in(settings, BoundarySettings, prefix)
