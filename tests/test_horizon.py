"""Times that a file can't hold: refused, or said aloud; and what they no longer do to others."""

from pathlib import Path

import pytest
from commands import HEADER, MINUTE, as_dump, run

from service.horizon import until_of
from service.source import Unusable

NINE = 1_750_060_800_000  # 2025-06-16T08:00Z
DAY = 86_400_000


def pings(*rows: tuple[str, int]) -> bytes:
    """Devices and times, all at one place."""
    return (HEADER + "".join(f"{device},{time_ms},0.5,0.5,10\n" for device, time_ms in rows)).encode()


GOOD = (("a", NINE), ("b", NINE + 1), ("a", NINE + MINUTE), ("b", NINE + MINUTE))
WRONG = (*GOOD[:2], ("wrong", 4_070_908_800_000), *GOOD[2:])


@pytest.mark.parametrize("until", [(), ("--until", "2025-06-16"), ("--until", "2025-06-16T08:01:00Z")])
def test_a_wrong_clock_expires_nobody_else(town: Path, until: tuple[str, ...]) -> None:
    wrong = run("replay", "--regions", town, *until, "-", stdin=pings(*WRONG))
    assert wrong.out == run("replay", "--regions", town, "-", stdin=pings(*GOOD)).out
    (told, _) = wrong.err.splitlines()
    assert "row 3 (line 4) rejected: time_future: time_ms is 4070908800000 (2099-01-01T00:00:00.000Z)" in told
    assert "say --until" in told


def test_the_same_holds_of_a_dump_without_times_of_receipt(town: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_bytes(pings(*WRONG))
    found = run("replay", "--regions", town, "--stats", "-", stdin=as_dump(path))
    assert "row 3 (line 3) rejected: time_future" in found.err
    assert found.err.splitlines()[-1] == "5 rows, 5 pings, 2 events"


def test_compare_leaves_them_out_too(town: Path) -> None:
    found = run("compare", "--regions", town, "--no-picture", "-", stdin=pings(*WRONG))
    assert found.lines[0] == "4 pings of 2 devices"


def test_made_up_days_of_the_future_can_be_replayed(town: Path) -> None:
    future = pings(("a", 4_070_908_800_000))
    assert run("replay", "--regions", town, "-", stdin=future).events == []
    assert len(run("replay", "--regions", town, "--until", "2099-01-01", "-", stdin=future).events) == 1


def test_a_ping_that_says_when_it_was_received_is_left_to_the_core(town: Path) -> None:
    row = f"a,{NINE},0.5,0.5,10,{NINE}\n"
    content = (HEADER.rstrip() + ",received_ms\n" + row).encode()
    found = run("replay", "--regions", town, "--until", "2020-01-01", "-", stdin=content)
    assert (len(found.events), found.err) == (1, "")


@pytest.mark.parametrize(("days", "notes"), [(30, 0), (31, 1)])
def test_a_wide_jump_of_the_clock_is_said_once(
    town: Path, days: int, notes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.source.Source.read.__defaults__", (100,))
    content = pings(("a", NINE), ("b", NINE + days * DAY), ("c", NINE + 2 * days * DAY))
    found = run("replay", "--regions", town, "-", stdin=content)
    assert len(found.err.splitlines()) == notes
    assert ("row 2 (line 3): time goes on by 31 days to 2025-07-17" in found.err) == bool(notes)


def test_seconds_are_taken_as_they_are_and_said_aloud(town: Path) -> None:
    found = run("replay", "--regions", town, "-", stdin=pings(("a", NINE // 1000)))
    assert len(found.events) == 1
    assert "the times end at 1970-01-21T06:07:40.800Z. If they are in seconds, multiply them by 1000" in found.err


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2025-06-16", NINE - 8 * 60 * MINUTE + DAY - 1),
        ("2025-06-16T08:00:00Z", NINE),
        ("2025-06-16T10:00:00+02:00", NINE),
        ("2025-06-16 08:00", NINE),
    ],
)
def test_until_is_a_day_or_an_instant(text: str, until: int) -> None:
    assert until_of(text) == until


@pytest.mark.parametrize("text", ["", "soon", "1969-12-31", "2100-01-01", "2025-02-30", "2025", "9" * 50])
def test_another_until_is_refused(text: str) -> None:
    with pytest.raises(Unusable, match=r"--until: .* is no time; allowed: such as 2026-01-31"):
        until_of(text)
