"""`geofence compare`, as a user meets it."""

from collections import Counter
from pathlib import Path

from commands import HEADER, layer, run, square


def test_it_prints_a_table_and_draws_a_picture(town: Path, walk: Path, tmp_path: Path) -> None:
    picture = tmp_path / "walk.svg"
    found = run("compare", "--regions", town, "--events", "1", "--picture", picture, walk)
    assert (found.status, found.err) == (0, "")
    assert found.lines[0] == "60 pings of 2 devices"
    table = [line for line in found.lines if line.startswith("town ")]
    assert [line[6:22].strip() for line in table] == ["raw switching", "three in a row", "accuracy filter", "ours"]
    assert sum("... and 3 more" in line for line in found.lines) == 4
    assert b"<svg" in picture.read_bytes()
    before = picture.read_bytes()
    run("compare", "--regions", town, "--picture", picture, walk)
    assert picture.read_bytes() == before


def test_overlays_are_compared_fence_by_fence(town: Path, walk: Path, tmp_path: Path) -> None:
    found = run("compare", "--regions", town, "--kind", "overlay", "--picture", tmp_path / "a.png", walk)
    assert found.status == 0
    assert Counter(line.split()[-1] for line in found.lines if line.startswith("  19"))["B"] >= 4


def test_names_cannot_break_the_picture(tmp_path: Path) -> None:
    regions = tmp_path / "odd.geojson"
    regions.write_bytes(layer(**{"$\\frac{1}$ 東京": square(0, 0, 1)}))
    content = HEADER + "$x$ \u6771,1,0.5,0.5,5\n"
    options = ("--picture", tmp_path / "odd.svg")
    assert run("compare", "--regions", regions, *options, "-", stdin=content.encode()).status == 0


def test_a_trace_without_pings_is_unusable(town: Path) -> None:
    found = run("compare", "--regions", town, "--no-picture", "-", stdin=HEADER.encode() + b"a,1,999,0,5\n")
    assert found.status == 2
    assert "no valid ping" in found.err


def test_a_picture_that_cannot_be_drawn_is_refused_first(town: Path, walk: Path) -> None:
    nowhere = run("compare", "--regions", town, "--picture", "/no/where/a.svg", walk)
    assert (nowhere.status, nowhere.out) == (2, b"")
    found = run("compare", "--regions", town, "--picture", "a.jpg", walk)
    assert (found.status, found.out) == (2, b"")
    assert "allowed: .svg, .png, .pdf" in found.err
