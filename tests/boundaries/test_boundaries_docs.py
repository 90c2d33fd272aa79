"""docs/boundaries.md: its walk works as it stands; it has every command, code and key, as the code has them."""

import re
import shlex
from pathlib import Path

import pytest
from commands import layer, run, square
from town_hall import ROOT, TownHall

from boundaries.checking.codes import CODES
from service.boundary_folder import LayerEntry
from service.cli_boundaries import boundaries_group

PAGE = (ROOT / "docs" / "boundaries.md").read_text()
TOWN = layer(a=square(0, 0, 1), b=square(1, 0, 1))
TOWN_2026 = layer(a=square(0, 0, 1), b=square(1, 0, 1.5))


def test_the_walk_works_as_it_stands(hall: TownHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("town.geojson").write_bytes(TOWN)
    Path("town-2026.geojson").write_bytes(TOWN_2026)
    walk = re.findall(r"^    geofence (boundaries .*)$", PAGE.partition("## Commands")[0], re.MULTILINE)
    assert len(walk) == 9
    for line in walk:
        done = run(*shlex.split(line))
        assert done.status == 0, (line, done.err)
    assert re.search(r"^ +3 +1  in_force", done.out.decode(), re.MULTILINE)
    assert Path("report.html").exists()
    assert Path("difference.html").exists()


def test_every_code_stands_in_the_table_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (error|warning|note) \| \*\*(.+?)\.\*\* (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(one.code, one.severity, one.title, one.means, one.remedy) for one in CODES.values()]


def test_every_command_stands_in_the_table() -> None:
    table = PAGE.partition("## Commands")[2].partition("## What is found")[0]
    told = {
        name for row in re.findall(r"^\| (`.+?`) \| ", table, re.MULTILINE) for name in re.findall(r"`([a-z-]+)", row)
    }
    assert told == set(boundaries_group.commands)


def test_every_command_has_an_example_and_says_its_exit_status() -> None:
    for name in boundaries_group.commands:
        said = run("boundaries", name, "--help").out.decode()
        assert f"geofence boundaries {name}" in said.partition("Example")[2], name
        assert "Exit status: 0" in said, name


def test_every_key_of_a_table_stands_on_the_page() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", PAGE.partition("## A folder as the truth")[2], re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"\w+", row)} == set(LayerEntry.__struct_fields__)
