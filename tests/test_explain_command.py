"""`geofence explain`, as a user meets it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from commands import HEADER, ROOT, run
from matplotlib.image import imread


def test_a_file_is_explained_in_words_and_says_what_replay_says(town: Path, walk: Path) -> None:
    found = run("explain", "one", "--pings", walk, "--regions", town, "--last", "1h")
    assert (found.status, found.err) == (0, "")
    assert found.lines[0].startswith("one: 30 pings from ")
    replayed = [event for event in run("replay", "--regions", town, walk).events if event["subject"] == "one"]
    assert len(replayed) == 2
    for event in replayed:
        assert sum(line.endswith(f"  {event['id']}") for line in found.lines) == 1
    assert any("A to B: " in line and "implied speed" in line for line in found.lines)
    assert sum("  quiet " in line or "  confirmed " in line or "  pending " in line for line in found.lines) == 30
    assert found.out.isascii()


def test_it_says_how_near_the_evidence_came_where_nothing_happened(town: Path) -> None:
    rows = [f"one,{k * 60_000},{0.99 if k < 9 else 1.0001},0.5,10\n" for k in range(10)]
    given = ("--pings", "-", "--regions", town, "--last", "5m")
    found = run("explain", "one", *given, stdin=(HEADER + "".join(rows)).encode())
    assert any("No event: " in line for line in found.lines)
    assert sum(line.endswith("no event") for line in found.lines) == 3


def test_json_holds_the_whole_of_it(town: Path, walk: Path) -> None:
    found = json.loads(run("explain", "one", "--pings", walk, "--regions", town, "--last", "1h", "--json").out)
    assert found["device"] == "one"
    assert len(found["steps"]) == 30
    assert set(found["presets"]) == {"responsive", "balanced", "strict"}
    assert [len(found["presets"][name]) for name in ("responsive", "balanced")] == [2, 2]
    assert [told["cause"] for step in found["steps"] for told in step.get("told", ())] == ["first_fix", "moved"]


def test_the_picture_shows_circles_a_border_and_the_evidence(town: Path, walk: Path, tmp_path: Path) -> None:
    picture = tmp_path / "why.png"
    given = ("explain", "one", "--pings", walk, "--regions", town, "--last", "1h", "--picture")
    assert run(*given, picture).status == 0
    drawn = imread(picture)[..., :3]
    left, right = np.split(drawn, 2, axis=1)
    for half in (left, right):
        assert len(np.unique(half.reshape(-1, 3), axis=0)) > 50
        assert 0.005 < (half.min(axis=2) < 0.8).mean() < 0.5
    red = (right[..., 0] > 0.7) & (right[..., 1] < 0.3) & (right[..., 2] < 0.3)
    assert red.any(axis=1).sum() > 100  # lines of the events
    svg = tmp_path / "why.svg"
    run(*given, svg)
    before = svg.read_bytes()
    run(*given, svg)
    assert svg.read_bytes() == before


@pytest.fixture
def log(town: Path, walk: Path, tmp_path: Path) -> str:
    """A log with the walk in it that a worker has taken."""
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("topics", "create", "--log", url, "--partitions", "2").status == 0
    assert run("append", "--log", url, "--keep-times", walk).status == 0
    assert run("worker", "--log", url, "--regions", town, "--until-idle").status == 0
    return url


def test_every_event_that_a_worker_told_is_explained_from_its_log(log: str, town: Path) -> None:
    told = run("tail", "--log", log, "--from", "beginning", "--json", "--no-follow").events
    explained = [event for event in told if event["data"]["cause"] in ("moved", "first_fix")]
    assert len(explained) == 4
    for event in explained:
        given = (event["subject"], "--log", log, "--regions", town, "--event", event["id"], "--json")
        found = json.loads(run("explain", *given).out)
        last = found["steps"][-1]["told"][-1]
        assert (last["id"], last["words"] != "") == (event["id"], True)


def test_what_is_not_retained_is_said_with_how_far_back_the_log_goes(log: str, town: Path) -> None:
    found = run("explain", "one", "--log", log, "--regions", town, "--event", "0" * 32)
    assert (found.status, found.out) == (2, b"")
    assert "not retained: event 00000000000000000000000000000000 does not come of what is retained" in found.err
    assert "of the log goes back to 1970-01-01T00:00:00.000Z" in found.err
    found = run("explain", "nobody", "--log", log, "--regions", town)
    assert found.status == 2
    assert "no ping of device 'nobody' is retained" in found.err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--last", "soon"), "--last is 'soon'; allowed: a whole number and s, m, h or d"),
        (("--at", "noon"), "--at: time is 'noon'"),
        (("--at", "2026-01-31T08:15:00Z", "--last", "5m"), "allowed: one of them"),
        (("--layer", "moon"), "--layer is 'moon'; there are town"),
        (("--picture", "why.jpg"), "allowed: .svg, .png, .pdf"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(given: tuple[str, ...], says: str, town: Path, walk: Path) -> None:
    found = run("explain", "one", "--pings", walk, "--regions", town, *given)
    assert (found.status, found.out) == (2, b"")
    assert says in found.err


def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "explain.md").read_text()
    asked = re.findall(r"^    geofence (explain .*) --picture (.*)$", page, re.MULTILINE)
    assert len(asked) == 2
    printed: set[str] = set()
    for command, picture in asked:
        found = run(*command.split(), "--picture", tmp_path / picture)
        assert (found.status, found.err) == (0, "")
        assert (tmp_path / picture).stat().st_size > 10_000
        printed.update(line.strip() for line in found.lines)
    said = {line.strip() for line in re.findall(r"^    (.*)$", page, re.MULTILINE)}
    said = {line for line in said if line and line != "..." and not line.startswith("geofence explain")}
    assert len(said) > 7
    assert said <= printed
