"""`geofence demo`: events that fit what consumers are promised, pings that the other commands take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest
from commands import ROOT, run

from geofence.wire_events import decode_event
from service.cli_demo import _PHONES, _SCENARIOS
from service.demo.phones import phones
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


def test_the_same_call_prints_the_same_bytes_and_another_seed_others() -> None:
    calls = [run("demo", "events", "--scenario", "move", "--seed", seed).out for seed in ("1", "1", "2")]
    assert calls[0] == calls[1] != calls[2]
    pings = [run("demo", "pings", "--begin", BEGIN, "--seed", seed).out for seed in ("1", "1", "2")]
    assert pings[0] == pings[1] != pings[2]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_on_a_terminal_events_are_readable_unless_json_is_asked_for(more: tuple[str, ...]) -> None:
    piped = run("demo", "events", "--scenario", "move").out.decode().splitlines()
    readable = [line(decode_event(event.encode())) for event in piped]
    assert _on_a_terminal("demo", "events", "--scenario", "move", *more) == (piped if more else readable)


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


def test_help_has_examples_and_every_scenario() -> None:
    shown = run("demo", "events", "--help").out.decode()
    assert "geofence demo events --scenario move" in shown
    assert all(f"    {scenario} " in shown for scenario in _SCENARIOS)
    assert "geofence append --log" in run("demo", "pings", "--help").out.decode()


def _on_a_terminal(*arguments: str) -> list[str]:
    """The lines that a terminal gets."""
    ours, theirs = os.openpty()
    with subprocess.Popen([sys.executable, "-m", "service.cli", *arguments], cwd=ROOT, stdout=theirs):
        os.close(theirs)
        seen = b""
        while part := _read(ours):
            seen += part
    os.close(ours)
    return seen.decode().splitlines()


def _read(terminal: int) -> bytes:
    """What is there; nothing once the other side has closed it."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
