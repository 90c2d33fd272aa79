"""`geofence demo`: events that fit what consumers are promised, pings that the other commands take."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest
from commands import ROOT, run

from geofence.wire_events import decode_event
from service.cli_demo import _PHONES, _SCENARIOS
from service.demo.phones import NEIGHBOURS, phones
from service.demo.scenarios import STORIES
from service.tail import line

DOCS = Path(__file__).parent.parent / "docs"
EVENT = jsonschema_rs.Draft202012Validator(
    json.loads((DOCS / "schemas" / "event.json").read_bytes()), validate_formats=True
)
BEGIN = "2026-01-31T08:15:00Z"
TOLD = {
    "move": ["changed first_fix", "changed moved"],
    "flap": ["changed first_fix"],
    "fence": ["changed first_fix", "entered moved", "dwelled moved", "exited moved"],
    "boundary": ["changed first_fix", "changed boundary"],
    "consent": ["changed first_fix", "changed consent"],
    "erase": ["changed first_fix", "entered first_fix", "changed consent", "exited consent"],
    "silent": ["changed first_fix", "changed expired"],
}


def test_the_command_has_all_scenarios_and_phones() -> None:
    assert set(_SCENARIOS) == set(STORIES) == set(TOLD)
    assert len(phones()) == _PHONES


@pytest.mark.parametrize("scenario", _SCENARIOS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_scenario_gives_the_events_it_says_and_they_fit_the_schema(scenario: str, seed: int) -> None:
    found = run("demo", "events", "--scenario", scenario, "--seed", str(seed))
    assert (found.status, found.err) == (0, "")
    kinds = [f"{event['type'].rpartition('.')[2]} {event['data']['cause']}" for event in found.events]
    assert kinds == TOLD[scenario]
    for event, raw in zip(found.events, found.out.splitlines(), strict=True):
        assert [str(error) for error in EVENT.iter_errors(event)] == []
        assert decode_event(raw).subject == "phone-1"
    by_layer = [(event["data"]["layer"], event["sequence"]) for event in found.events]
    assert len(set(by_layer)) == len(by_layer)


def test_as_many_events_as_are_asked_for_each_with_an_id_of_its_own() -> None:
    found = run("demo", "events", "--scenario", "move", "--count", "25", "--source", "https://example.org/bay")
    assert len({event["id"] for event in found.events}) == 25
    assert {event["source"] for event in found.events} == {"https://example.org/bay"}
    assert found.events[-1]["subject"] == "phone-13"


def test_twice_repeats_each_event_with_the_id_it_had() -> None:
    once, twice = (run("demo", "events", "--scenario", "fence", *more) for more in ((), ("--twice",)))
    assert twice.events == [event for event in once.events for _ in range(2)]


def test_the_same_call_prints_the_same_bytes_and_another_seed_others() -> None:
    calls = [run("demo", "events", "--scenario", "move", "--seed", seed).out for seed in ("1", "1", "2")]
    assert calls[0] == calls[1] != calls[2]
    pings = [run("demo", "pings", "--begin", BEGIN, "--seed", seed).out for seed in ("1", "1", "2")]
    assert pings[0] == pings[1] != pings[2]


class Terminal(io.TextIOWrapper):
    """Where a person reads."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_on_a_terminal_events_are_readable_unless_json_is_asked_for(
    more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = run("demo", "events", "--scenario", "move").lines
    readable = [line(decode_event(event.encode())) for event in piped]
    monkeypatch.setattr(io, "TextIOWrapper", Terminal)
    assert run("demo", "events", "--scenario", "move", *more).lines == (piped if more else readable)


def test_pings_can_be_replayed_with_the_consent_they_need(town: Path) -> None:
    pings = run("demo", "pings", "--phones", "7", "--minutes", "2", "--begin", BEGIN, "--consent")
    records = pings.events
    assert [record["device"] for record in records[:7]] == [phone.name for phone in phones()[:7]]
    assert {record["kind"] for record in records[:7]} == {"consent"}
    assert all("kind" not in record for record in records[7:])
    replayed = run("replay", "--regions", town, "--consent", "required", "--stats", "-", stdin=pings.out)
    assert replayed.status == 0
    assert "rejected" not in replayed.err.replace("     rejected", "")
    assert f"{len(records)} rows, {len(records) - 7} pings" in replayed.err
    without = b"".join(pings.out.splitlines(keepends=True)[7:])
    assert "no_consent" in run("replay", "--regions", town, "--consent", "required", "-", stdin=without).err


def test_pings_without_a_beginning_end_now(town: Path) -> None:
    found = run("replay", "--regions", town, "-", stdin=run("demo", "pings").out)
    assert (found.status, found.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("events",), "Missing option '--scenario'"),
        (("events", "--scenario", "fly"), "'fly' is not one of"),
        (("events", "--scenario", "move", "--begin", "soon"), "--begin: time is 'soon'; allowed: such as 2026-01-31T"),
        (("events", "--scenario", "move", "--begin", "2099-12-30T00:00:00Z"), "allowed: 1970 to mid 2099"),
        (("events", "--scenario", "move", "--count", "0"), "0 is not in the range"),
        (("events", "--scenario", "move", "--source", "a b"), "--source is 'a b'; allowed"),
        (("pings", "--phones", "41"), "41 is not in the range"),
        (("pings", "--minutes", "0"), "0.0 is not in the range"),
    ],
)
def test_what_cannot_be_used_ends_with_status_2_and_one_line(arguments: tuple[str, ...], told: str) -> None:
    found = run("demo", *arguments)
    assert (found.status, found.out, len(found.err.splitlines())) == (2, b"", 1)
    assert told in found.err


def test_every_command_of_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    typed = re.findall(r"^    (geofence .*)$", (DOCS / "demo.md").read_text(), re.MULTILINE)
    assert len(typed) == 6
    for command in typed:
        pipe, _, file = command.partition(" > ")
        out = b""
        for part in pipe.split(" | "):
            found = run(*shlex.split(part)[1:], stdin=out)
            assert found.status == 0, (command, found.err)
            assert "rejected" not in found.err, (command, found.err)
            out = found.out
        assert out, command
        if file:
            Path(file).write_bytes(out)


def test_the_page_tells_of_every_scenario_and_every_kind_of_phone() -> None:
    page = (DOCS / "demo.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(_SCENARIOS)
    told = set(re.findall(r"`(\w+-\d+)`", page))
    kinds = Counter(phone.name.partition("-")[0] for phone in phones())
    assert told >= {f"{kind}-{number}" for kind, count in kinds.items() for number in (1, count)}
    lies = [one.away_m for one in NEIGHBOURS]
    assert lies == [
        float(metres) for metres in re.findall(r"\d+", page.partition("| rest ")[2].partition(" m from")[0])
    ]


def test_help_has_examples_and_every_scenario() -> None:
    shown = run("demo", "events", "--help").out.decode()
    assert "geofence demo events --scenario move" in shown
    assert all(f"    {scenario} " in shown for scenario in _SCENARIOS)
    assert "geofence append --log" in run("demo", "pings", "--help").out.decode()
