"""`geofence boundaries check`: what it says and how it ends, on real files in real child processes."""

from pathlib import Path
from typing import Any

import pytest
from region_files import collection, feature, frame, polygon
from shapely import box

from service.boundary_check import CLEAN, WRONG, Outputs, check_files
from service.source import Unusable

BOW = [[9.0, 50.0], [9.1, 50.1], [9.1, 50.0], [9.0, 50.1], [9.0, 50.0]]
QUIET = Outputs(regions=None, page=None, places=None, as_json=False)


def checked(path: Path, **given: Any) -> int:
    return check_files([str(path)], given, QUIET)


def test_an_error_that_is_mended_is_no_error_any_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bow.geojson"
    path.write_bytes(collection(feature("a", polygon(BOW))))
    assert checked(path) == WRONG
    assert "check again with --fix all" in capsys.readouterr().out
    assert checked(path, fix=("all",), strict=True) == CLEAN
    assert "Can be published: 1 note." in capsys.readouterr().out


def test_what_could_not_be_mended_is_not_offered_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chain.geojson"
    shapes = [box(9.0, 50, 9.1, 50.1), box(9.099999, 50, 9.2, 50.1), box(9.15, 50, 9.3, 50.1)]
    rows = [feature(name, shape.__geo_interface__) for name, shape in zip("abc", shapes, strict=True)]
    path.write_bytes(collection(*rows))
    assert checked(path, fix=("all",)) == WRONG
    told = " ".join(capsys.readouterr().out.split())
    assert "It could not be mended as things are" in told
    assert "A mend is offered" not in told


def test_a_code_that_is_none_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="--fix: 'overlapp' is no code of a finding; allowed: all, or"):
        checked(tmp_path / "not there", fix=("overlapp",))


def test_a_file_with_several_layers_asks_by_the_option_that_answers(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    for name in ("one", "t\x1bwo"):
        frame([box(9, 50, 9.1, 50.1)]).to_file(path, layer=name, driver="GPKG", engine="pyogrio")
    with pytest.raises(Unusable, match="Say which: --inner NAME") as asked:
        checked(path)
    assert str(asked.value).isprintable()
    assert checked(path, inner="one") == CLEAN
