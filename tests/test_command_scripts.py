"""The commands as scripts and shells use them: help that says it all, JSON wherever one might read, completion."""

import asyncio
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from commands import HEADER, ROOT, run

from ingest.topics import PINGS
from service.cli import cli
from stream.port import Record
from stream.sqlite import open_log

# These print records in a form of their own that programs read, or nothing on standard output.
WITHOUT_JSON = {
    "locate": "CSV", "replay": "CloudEvents, one a line", "log dump": "NDJSON", "demo pings": "NDJSON",
    "boundaries export": "GeoJSON", "completion": "a script", "run": "it serves", "gateway": "it serves",
    "worker": "it serves", "webhooks": "it serves", "append": "nothing", "rejected replay": "nothing",
    "catalog upgrade": "nothing", "keys revoke": "nothing", "boundaries delete": "nothing",
    "boundaries cancel": "nothing",
}  # fmt: skip


def _commands(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    for name, under in command.commands.items():
        yield from _commands(under, *path, name)


COMMANDS = dict(_commands(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_of_itself_and_says_its_exit_status(name: str) -> None:
    words = (COMMANDS[name].epilog or "") + (COMMANDS[name].help or "")
    examples = words.partition("Example")[2]
    assert f"geofence {name}" in examples
    assert "Exit status: 0" in words
    assert run(*name.split(), "--help").status == 0


def test_every_command_whose_output_a_script_might_read_has_json() -> None:
    without = {
        name for name, one in COMMANDS.items() if "--json" not in [opt for its in one.params for opt in its.opts]
    }
    assert without == set(WITHOUT_JSON)


@pytest.fixture
def log(tmp_path: Path) -> str:
    """A log with a ping in it, and a record that is none."""
    url, file = f"sqlite:{tmp_path / 'log.db'}", tmp_path / "one.csv"
    file.write_text(HEADER + "one,1000,0.5,0.5,10\n")
    made = run("topics", "create", "--log", url, "--partitions", "1", "--json")
    assert "pings" in made.events[0]["made"]
    assert run("append", "--log", url, file).status == 0

    async def spoil() -> None:
        async with open_log(tmp_path / "log.db") as opened:
            await opened.append(PINGS, [Record(b"one", b"{")])

    asyncio.run(spoil())
    return url


def test_topics_are_checked_in_json(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("topics", "create", "--log", url, "--partitions", "2").out == b""
    fine = run("topics", "check", "--log", url, "--partitions", "2", "--json")
    assert (fine.status, fine.out) == (0, b"")
    wrong = run("topics", "check", "--log", url, "--partitions", "3", "--json")
    assert wrong.status == 2
    assert {(one["setting"], one["wanted"]) for one in wrong.events} == {("partitions", "3")}


def test_keys_and_codes_are_made_in_json(tmp_path: Path) -> None:
    given = ("--catalog", f"sqlite:{tmp_path / 'catalog.db'}")
    assert run("catalog", "upgrade", *given).status == 0
    key = json.loads(run("keys", "create", "reader", "--scope", "events:read", *given, "--json").out)
    assert key["key"].split("_")[1] == key["id"]
    assert key["scopes"] == ["events:read"]
    code = json.loads(run("devices", "add", "phone", "--url", "https://g.example", *given, "--json").out)
    assert (code["device"], code["link"].endswith(code["code"])) == ("phone", True)


def test_a_comparison_in_json_has_the_figures_of_the_table(town: Path, walk: Path) -> None:
    given = ("compare", "--regions", town, "--no-picture", "--events", "3", walk)
    found, table = json.loads(run(*given, "--json").out), run(*given).lines
    assert (found["pings"], found["devices"]) == (60, 2)
    for method, told in found["layers"]["town"]["methods"].items():
        row = next(line for line in table if line.startswith(f"town   {method} "))
        assert row.split(method)[1].split()[0] == str(told["events"])
    assert [len(events) for events in found["events"].values()] == [3, 3, 3, 3]
    first = found["events"]["ours"][0]
    assert (first["from"], first["to"], first["first"]) == (None, "a", True)


def test_a_consent_said_to_a_log_counts_for_the_worker_and_letters_are_json(
    log: str, town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = ("worker", "--log", log, "--regions", town, "--consent", "required", "--until-idle")
    assert json.loads(run("consent", "show", "one", "--log", log, "--json").out)["consent"] == "nothing"
    assert run(*worker).status == 0
    assert run("consent", "give", "one", "--log", log).lines[0].startswith("one: given, ")
    assert run(*worker).status == 0
    assert run("consent", "show", "one", "--log", log).lines == ["one: given"]
    assert json.loads(run("consent", "withdraw", "one", "--log", log, "--json").out)["consent"] == "withdrawn"
    assert run(*worker).status == 0
    passing = itertools.count(0.0, 1e6)
    with monkeypatch.context() as slow:  # reading takes days
        slow.setattr("ingest.retrieving.time", SimpleNamespace(monotonic=lambda: next(passing)))
        assert run("consent", "show", "one", "--log", log).lines == ["one: withdrawn"]
    (listed,) = run("rejected", "list", "--log", log, "--json").events
    assert listed["reason"] == "malformed"
    shown = json.loads(run("rejected", "show", "--log", log, listed["record"], "--json").out)
    assert shown == {**listed, "value": "{"}
    refused = run("consent", "give", "a\nb", "--log", log)
    assert (refused.status, "allowed: text without control characters" in refused.err) == (2, True)


def test_bash_completes_commands_below_commands_and_options(tmp_path: Path) -> None:
    command = tmp_path / "geofence"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m service.cli "$@"\n')
    command.chmod(0o755)
    bash = shutil.which("bash")
    assert bash, "bash is missing"
    script = """
    eval "$(geofence completion bash)" && complete -p geofence
    for words in "geofence cons" "geofence consent w" "geofence explain --pre" "geofence completion z"; do
        COMP_WORDS=($words) COMP_CWORD=$(($(wc -w <<<"$words") - 1)) COMPREPLY=()
        _geofence_completion geofence
        echo "${COMPREPLY[@]}"
    done
    """
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", script], cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "complete -o nosort -F _geofence_completion geofence", "consent", "withdraw", "--preset", "zsh",
    ]  # fmt: skip


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_scripts_of_their_own(shell: str) -> None:
    found = run("completion", shell)
    assert (found.status, f"_GEOFENCE_COMPLETE={shell}_complete" in found.out.decode()) == (0, True)
