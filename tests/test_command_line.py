"""The `geofence` process itself: help, pipes, terminals."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, run


def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "service.cli", *arguments], cwd=ROOT, **options)


def seconds(*arguments: str) -> float:
    begun = time.perf_counter()
    assert start(*arguments, stdout=subprocess.DEVNULL).wait() == 0
    return time.perf_counter() - begun


def test_help_answers_at_once_and_loads_no_numbers() -> None:
    code = "import sys, service.cli; sys.exit(any(name in sys.modules for name in ('numpy', 'numba', 'shapely')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    best = min(seconds("--help") for _ in range(3))
    assert best < 0.4


def test_a_reader_that_goes_away_is_no_error(town: Path, tmp_path: Path) -> None:
    points = tmp_path / "points.csv"
    points.write_text("lon,lat\n" + "0.5,0.5\n" * 100_000)
    with start(
        "locate", "--regions", str(town), str(points), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_help_has_examples() -> None:
    for command in ("locate", "replay", "compare"):
        found = run(command, "--help")
        assert found.status == 0
        assert f"geofence {command} --regions" in found.out.decode()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_terminal_sees_progress(town: Path, walk: Path) -> None:
    ours, theirs = os.openpty()
    with start("replay", "--regions", str(town), str(walk), stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        seen = os.read(ours, 10_000)
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[" in seen


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("replay", "--nope"), "No such option '--nope'. Try: geofence replay --help"),
        (("replay", "--regions", "x"), "Missing argument 'PINGS'. Try: geofence replay --help"),
        (("locate", "x"), "Missing option '--regions'. Try: geofence locate --help"),
        (("fly",), "No such command 'fly'. Try: geofence --help"),
        (("replay", "--regions", "x", "--engine", "magic", "y"), "'magic' is not one of 'compiled', 'rtree'. Try: "),
    ],
)
def test_a_wrong_call_ends_with_status_2_and_one_line(arguments: tuple[str, ...], told: str) -> None:
    found = run(*arguments)
    assert (found.status, found.out, len(found.err.splitlines())) == (2, b"", 1)
    assert told in found.err


def test_no_command_at_all_shows_the_help() -> None:
    found = run()
    assert found.status == 2
    assert "Commands:" in found.err
