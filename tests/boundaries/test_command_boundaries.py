"""`geofence boundaries` against a server: from a file to events, and back."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from commands import layer, run, square
from town_hall import ROOT, TownHall

from catalog.secret import key_id
from service import boundary_publishing
from service.boundary_publishing import agreed


def wide(of_a: float) -> bytes:
    """Two regions side by side, a being so wide."""
    east = {"type": "Polygon", "coordinates": [[[of_a, 0], [2, 0], [2, 1], [of_a, 1], [of_a, 0]]]}
    west = {"type": "Polygon", "coordinates": [[[0, 0], [of_a, 0], [of_a, 1], [0, 1], [0, 0]]]}
    return layer(a=west, b=east)


OVERLAPPING = layer(a=square(0, 0, 1), b=square(0.5, 0, 1))


def file(folder: Path, content: bytes, name: str = "regions.geojson") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def begin(hall: TownHall, name: str, folder: Path, content: bytes = b"") -> None:
    """A layer with version 1 in force."""
    hall.do("upload", name, file(folder, content or wide(1.0)), "--create", "partition", "--comment", "first")
    hall.do("publish", name, "1", "--comment", "first", "--yes")


def test_from_a_file_to_a_border_that_moves_under_a_resting_device_and_back(hall: TownHall, tmp_path: Path) -> None:
    made = hall.do("upload", "walk", file(tmp_path, wide(1.0)), "--create", "partition")
    assert "Can be published: nothing was found." in made.lines
    assert "to publish it: geofence boundaries publish walk 1" in made.err
    first = hall.do("publish", "walk", "1", "--comment", "first", "--yes")
    assert "nobody's region changes" in first.lines[0]
    assert all(f"partition {k}: in force after" in first.err for k in range(4))
    hall.ping("phone", lon=1.2, lat=0.5)
    assert [one["data"]["to"]["id"] for one in hall.events("walk", 1)] == ["b"]

    hall.do("upload", "walk", file(tmp_path, wide(1.5)))
    refused = hall.do("publish", "walk", "2", "--comment", "wider", "--yes", status=2)
    assert "At once: 1 of 1 devices change (100.00%)" in refused.out.decode()
    assert "publish with expect 1" in refused.err
    hall.do("publish", "walk", "2", "--comment", "wider", "--yes", "--expect", "1")
    moved = hall.events("walk", 2)[-1]["data"]
    assert (moved["from"]["id"], moved["to"]["id"], moved["cause"]) == ("b", "a", "boundary")

    hall.do("rollback", "walk", "--yes", "--expect", "1", "--hours", "0")
    back = hall.events("walk", 3)[-1]["data"]
    assert (back["from"]["id"], back["to"]["id"], back["cause"]) == ("a", "b", "boundary")
    assert "rolled back to version 1" in hall.do("show", "walk").out.decode()
    again = hall.do("rollback", "walk", "--yes", status=2)
    assert "nothing to go back to" in again.err, "going back never brings back what was taken back"


def test_a_file_with_errors_is_told_and_can_t_be_published(hall: TownHall, tmp_path: Path) -> None:
    path = file(tmp_path, OVERLAPPING)
    page = tmp_path / "report.html"
    told = hall.do("upload", "broken", path, "--create", "partition", "--html", page, status=2)
    here = run("boundaries", "check", "--layer", "broken", path)
    assert (here.status, told.out) == (2, here.out)
    assert page.read_text().startswith("<!doctype html>")
    assert "has 1 error" in hall.do("publish", "broken", "1", "--comment", "x", "--yes", status=2).err
    hall.do("delete", "broken", "1")
    assert hall.do("list", "broken").lines[0].startswith("There are no versions")


def test_regions_are_retired_by_their_ids_and_strict_makes_the_warning_count(hall: TownHall, tmp_path: Path) -> None:
    begin(hall, "old", tmp_path)
    assert "has no region 'nowhere'" in hall.do("retire", "old", "a", "nowhere", status=2).err
    warned = hall.do("retire", "old", "b", "--comment", "gone", "--strict", "--json", status=1)
    told = json.loads(warned.out)
    assert told["version"]["counts"]["regions"] == 1
    assert [one["code"] for one in told["report"]["findings"]] == ["region_vanished"]
    hall.do("retire", "old")
    left = [one["counts"]["regions"] for one in json.loads(hall.do("list", "old", "--json").out)]
    assert left == [0, 1, 2]


def test_who_publishes_while_another_one_thinks_is_told_who_it_was(
    hall: TownHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(hall, "shared", tmp_path)
    for width in (1.1, 1.2):
        hall.do("upload", "shared", file(tmp_path, wide(width)))
    anna = hall.key("boundaries:read", "boundaries:write", "boundaries:publish", name="anna")

    def thinking(*given):  # type: ignore[no-untyped-def]
        monkeypatch.setattr(boundary_publishing, "agreed", agreed)
        key = tmp_path / "anna.key"
        key.write_text(f"{anna}\n")
        hall.do("publish", "shared", "3", "--comment", "mine", "--yes", "--key-file", key)
        return agreed(*given)

    monkeypatch.setattr(boundary_publishing, "agreed", thinking)
    late = hall.do("publish", "shared", "2", "--comment", "ours", "--yes", status=2)
    assert f"version 3, by {key_id(anna)}" in late.err
    assert "you replace version 1" in late.err
    stale = hall.do("publish", "shared", "2", "--comment", "ours", "--yes", "--replaces", "1", status=2)
    assert "version 3 in place of 1, in_force" in stale.err
    assert hall.ask("/v1/layers/shared")["published"]["version"] == 3


def test_what_comes_back_from_a_server_is_what_went_in(hall: TownHall, tmp_path: Path) -> None:
    path = file(tmp_path, wide(1.0))
    begin(hall, "around", tmp_path)
    out = tmp_path / "out.geojson"
    hall.do("export", "around", "--out", out)
    assert hall.do("diff", path, out, "--strict").lines[0] == "Nothing changed: 2 regions, all as before."
    assert hall.do("export", "around", "1", "--out", "-").out == out.read_bytes()
    assert hall.do("diff", "around", path, "--strict").lines[0].startswith("Nothing changed")
    changed = file(tmp_path, wide(1.5), "changed.geojson")
    told = hall.do("diff", "around/1", changed, "--strict", status=1)
    assert told.lines[0] == "2 reshaped; 0 regions untouched."
    hall.do("change", "around", "--rule", "strict", "--comment", "calmer")
    ruled = hall.do("diff", "around/1", "around/2").out.decode()
    assert "rule.evidence_to_cross: 2.8 → 6.0" in ruled

    told = hall.do("dry-run", "around", "1", "--against", "2", "--hours", "0", "--json")
    old, new = (hall.ask(f"/v1/layers/around/versions/{n}")["hash"] for n in (1, 2))
    assert [json.loads(told.out)[side] for side in ("before", "after")] == [new, old], (
        "in place of the one that is said"
    )
    job = hall.ask("/v1/layers/around/versions/1/dry-run")["job"]["id"]
    assert hall.do("jobs", job, "--wait").lines == [f"job {job} (dry run of around/1) is done"]
    assert "is done" in hall.do("jobs", job, "--cancel", status=2).err


def test_a_publication_for_later_is_shown_and_can_be_cancelled(hall: TownHall, tmp_path: Path) -> None:
    hall.do("upload", "later", file(tmp_path, wide(1.0)), "--create", "partition")
    planned = hall.do("publish", "later", "1", "--comment", "x", "--yes", "--at", "2026-12-31T23:00:00Z")
    assert "planned, due 2026-12-31T23:00:00Z" in planned.err
    assert "to come: publication 1 of later" in hall.do("show", "later").out.decode()
    hall.do("cancel", "later")
    assert "nothing of layer later was published yet" in hall.do("export", "later", "--out", "-", status=2).err
    assert "no publication" in hall.do("cancel", "later", status=2).err


def test_at_a_terminal_a_person_is_asked_with_the_number(hall: TownHall, tmp_path: Path) -> None:
    begin(hall, "asked", tmp_path)
    hall.ping("watch", lon=1.2, lat=0.5)
    assert hall.events("asked", 1)
    hall.do("upload", "asked", file(tmp_path, wide(1.5)))
    nobody = hall.do("publish", "asked", "2", "--comment", "x", status=2)
    assert "say --yes" in nobody.err
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "service.cli", "boundaries", "publish", "asked", "2", "--comment", "wider"]
    environment = {**os.environ, **hall.environment(), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, env=environment) as process:
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 4096)
        assert "1 devices get another region?" in shown.decode().replace("\r\n", "")
        os.write(ours, b"y\n")
        while b"in force on every partition" not in shown:
            shown += os.read(ours, 4096)
        process.communicate(timeout=20)
    os.close(ours)
    assert process.returncode == 0
