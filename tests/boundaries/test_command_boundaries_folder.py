"""`geofence boundaries plan` and `apply`: a folder as kept in Git is made the truth."""

import json
from pathlib import Path

import pytest
from commands import layer, square
from town_hall import TownHall

from service.boundary_folder import read_folder
from service.source import Unusable

TOWN = layer(a=square(0, 0, 1), b=square(1, 0, 1))
WIDER = layer(a=square(0, 0, 1), b=square(1, 0, 1.5))
OVERLAPPING = layer(a=square(0, 0, 1), b=square(0.5, 0, 1))


def folder(place: Path, table: str, **files: bytes) -> Path:
    """A folder with a table and files."""
    (place / "layers.toml").write_text(table)
    for name, content in files.items():
        (place / f"{name}.geojson").write_bytes(content)
    return place


def test_a_folder_is_made_the_truth_and_then_there_is_nothing_to_do(hall: TownHall, tmp_path: Path) -> None:
    hall.ask("/v1/layers", {"name": "stranger", "kind": "overlay"})
    table = '[layer.hall]\nfile = "hall.geojson"\nrule = "strict"\ntolerance_m = 2.5\n'
    fences = '[layer.yards]\nfile = "yards.geojson"\nkind = "overlay"\ndwell_s = 300\n'
    git = folder(tmp_path, table + fences, hall=TOWN, yards=OVERLAPPING)
    planned = hall.do("plan", git, status=1)
    assert "hall: a new layer, partition, 2 regions" in planned.lines
    assert any("the folder does not name them" in line and "stranger" in line for line in planned.lines)
    hall.do("apply", git, "--comment", "first", "--yes")
    state = hall.ask("/v1/layers/hall")
    assert (state["tolerance_m"], state["published"]["comment"], state["published"]["state"]) == (
        2.5,
        "first",
        "in_force",
    )
    assert hall.ask("/v1/layers/yards/versions/1")["settings"]["dwell_s"] == 300
    assert hall.ask("/v1/layers/stranger")["published"] is None

    assert hall.do("plan", git).lines[-1] == "Nothing would change."
    hall.do("apply", git, "--comment", "again", "--yes")
    assert len(hall.ask("/v1/layers/hall/publications")["publications"]) == 1

    folder(tmp_path, table.replace("strict", "balanced").replace("2.5", "3"), hall=TOWN)
    told = hall.do("plan", git, status=1).lines
    assert "  tolerance_m: 2.5 → 3" in told
    assert "    - rule.evidence_to_cross: 6.0 → 2.8" in told
    found = json.loads(hall.do("plan", git, "--json", status=1).out)
    assert [(one["layer"], one["change"], one["published"]) for one in found["layers"]] == [("hall", "changed", 1)]
    assert "yards" in found["others"]


def test_nothing_is_done_while_one_file_has_errors(hall: TownHall, tmp_path: Path) -> None:
    table = '[layer.good]\nfile = "good.geojson"\n[layer.bad]\nfile = "bad.geojson"\n'
    git = folder(tmp_path, table, good=TOWN, bad=OVERLAPPING)
    assert "Regions overlap (overlap): 1" in hall.do("plan", git, status=2).out.decode()
    refused = hall.do("apply", git, "--comment", "x", "--yes", status=2)
    assert "nothing was done: bad has errors" in refused.err
    assert not {"good", "bad"} & {one["name"] for one in hall.ask("/v1/layers")["layers"]}


def test_devices_that_would_move_are_asked_for_and_a_second_try_sends_nothing(hall: TownHall, tmp_path: Path) -> None:
    git = folder(tmp_path, '[layer.counted]\nfile = "counted.geojson"\n', counted=TOWN)
    hall.do("apply", git, "--comment", "first", "--yes")
    hall.ping("rider", lon=2.2, lat=0.5)
    hall.ping("walker", lon=1.5, lat=0.5)
    hall.events("counted", 1)
    folder(tmp_path, '[layer.counted]\nfile = "counted.geojson"\n', counted=WIDER)
    refused = hall.do("apply", git, "--comment", "wider", "--yes", "--hours", "0", status=2)
    assert "--expect counted=1" in refused.err
    assert "no layer 'cuonted'" in hall.do("apply", git, "--comment", "x", "--expect", "cuonted=1", status=2).err
    again = hall.do("apply", git, "--comment", "wider", "--yes", "--expect", "counted=1", "--json")
    assert "version 2 of counted has this file already" in again.err
    assert [one["state"] for one in json.loads(again.out)["publications"]] == ["in_force"]
    assert len(hall.ask("/v1/layers/counted/versions")["versions"]) == 2


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[layer.a]\nfile = "../other.geojson"\n', "allowed: a file in the folder"),
        ('[layer.a]\nfile = "a.geojson"\nkind = "both"\n', "allowed: partition or overlay"),
        ('[layer.a]\nfile = "a.geojson"\nrules = "strict"\n', "unknown field `rules`"),
        ('[layer.a]\nfile = "a.geojson"\nrule = "strcit"\n', "no preset is called 'strcit'"),
        ('[layer.a]\nkind = "overlay"\n', "required field `file`"),
        ("[layer.a\n", "allowed: [layer.NAME] with file"),
    ],
)
def test_a_table_that_can_t_be_is_refused_with_what_is_allowed(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(Unusable, match=r"layers\.toml") as refused:
        read_folder(str(folder(tmp_path, table)))
    assert said in str(refused.value)


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="there is no such file"):
        read_folder(str(tmp_path))
