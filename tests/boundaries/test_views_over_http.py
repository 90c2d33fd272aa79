"""Versions as the gateway really shows them, over HTTP: equal to what the parts themselves give."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from admins import Office, office
from shapely.geometry import MultiPolygon, Polygon, box

from boundaries.checking.finding import Report
from boundaries.difference import Side, compare, difference_json
from boundaries.telling.document import report_json
from boundaries.tiles.tiler import Tiler
from boundaries.trial.outcome import AtOnce, DeviceMove, Examples, Trial
from boundaries.views import DryRunResults
from geofence.geojson import read_regions
from geofence.region import Region

V = "/layers/town/versions"
HOLED = Polygon([(2, 0), (3, 0), (3, 1), (2, 1)], [[(2.4, 0.4), (2.6, 0.4), (2.6, 0.6), (2.4, 0.6)]])
ONE = [
    Region("a", box(0, 0, 1, 1 / 3), "West Ä", {"rank": 1, "name": "West Ä"}),
    Region("b", MultiPolygon([box(1, 0, 2, 1), box(0.1, 0.7, 0.2, 0.8)]), "", {"note": "<b>"}),
    Region("c", HOLED, "Holed", {"name": "Holed"}),
]
TWO = [ONE[0], Region("b", box(1, 0, 2, 1.5), "East"), ONE[2]]
REPORT = Report(layer="town", kind="partition", source=None, features=3, regions=3, vertices=15, findings=())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where temporary files go."""
    with pytest.MonkeyPatch.context() as patch:
        made = tmp_path_factory.mktemp("temporary")
        patch.setattr("tempfile.tempdir", str(made))
        yield made


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Office]:
    """Versions 1 and 2."""
    with office(real=True) as one:
        one.layer()
        one.drawn_version("town", ONE, report_json(REPORT), nearest_within_m=25.0)
        one.drawn_version("town", TWO, report_json(REPORT))
        yield one


def test_regions_can_be_read_again_exactly(desk: Office) -> None:
    told = desk.ask("GET", f"{V}/1/regions")
    assert told.status_code == 200
    again = read_regions(told.content, layer="town")
    assert [(one.id, one.name, dict(one.properties)) for one in again.regions] == [
        (one.id, one.name, dict(one.properties)) for one in ONE
    ]
    assert all(one.geometry.equals_exact(two.geometry, 0) for one, two in zip(again.regions, ONE, strict=True))


def test_tiles_are_those_of_the_tiler_and_there_are_none_beyond_its_deepest(desk: Office) -> None:
    tiler = Tiler(ONE)
    for z, x, y in ((0, 0, 0), (6, 32, 31), (8, 129, 127), (22, 0, 0)):
        assert desk.ask("GET", f"{V}/1/tiles/{z}/{x}/{y}.mvt").content == tiler.tile(z, x, y)
    assert desk.ask("GET", f"{V}/1/tiles/23/0/0.mvt").status_code == 404


def test_differences_are_those_that_comparing_finds_in_each_form(desk: Office) -> None:
    found = compare(Side(regions=ONE, nearest_within_m=25.0), Side(regions=TWO))
    assert desk.ask("GET", f"{V}/1/diff?to=2").content == difference_json(found)
    assert "nearest_within_m" in desk.ask("GET", f"{V}/1/diff?to=2&format=text").text
    places = desk.ask("GET", f"{V}/1/diff?to=2&format=geojson").json()
    assert places["type"] == "FeatureCollection"
    assert len(places["features"]) > 0
    assert "What changes" in desk.ask("GET", f"{V}/1/diff?to=2&format=html").text


def test_reports_are_told_in_each_form(desk: Office) -> None:
    assert desk.ask("GET", f"{V}/1/report").content == report_json(REPORT)
    assert "town" in desk.ask("GET", f"{V}/1/report?format=text").text
    assert desk.ask("GET", f"{V}/1/report?format=geojson").json()["features"] == []
    page = desk.ask("GET", f"{V}/1/report?format=html").text
    assert "Boundary report" in page
    assert "<svg" in page


def test_nothing_is_left_on_disk(desk: Office, folder: Path) -> None:
    for path in ("regions", "report?format=html", "diff?to=2", "tiles/0/0/0.mvt"):
        assert desk.ask("GET", f"{V}/1/{path}").status_code == 200
    desk.upload("town")
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_dry_run_tells_how_many_it_moves_and_forgets_who() -> None:
    moved = DeviceMove("phone-07", "a", None)
    at_once = AtOnce(devices=40, affected=3, share=0.075, events=3, moves=[])
    trial = Trial(
        layer="town", kind="partition", before="b", after="c", at_once=at_once, replayed=None,
        examples=Examples([moved], []),
    )  # fmt: skip
    result = msgspec.to_builtins(trial)
    stakes = DryRunResults().stakes(result)
    assert (stakes.devices, stakes.of) == (3, 40)
    told = DryRunResults().without_devices(result)
    assert "phone-07" in str(result)
    assert "phone-07" not in str(told)
    assert told["at_once"] == result["at_once"]
