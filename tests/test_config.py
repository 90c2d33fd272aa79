"""`geofence config`, and settings from a file, variables and flags as the roles really read them."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from commands import Result, run

from service.documents import documents
from service.settings.known import every, setting_options
from service.settings.roles import GENERAL, ROLES


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, where a settings file may lie."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settle(text: str) -> None:
    """Write the settings file of this folder."""
    Path("geofence.toml").write_text(text)


def told(*words: str) -> dict[str, dict]:
    """What `config --json` says, by name."""
    return {one["name"]: one for one in json.loads(run("config", "--json", *words).out)["settings"]}


def sources(log: str, town: Path, walk: Path, *words: str) -> set[str]:
    """The `source` of the events of a worker that was started so."""
    assert run("append", "--log", log, walk).status == 0
    assert run("worker", "--log", log, "--regions", town, "--until-idle", *words).status == 0
    tail = run("tail", "--log", log, "--from", "beginning", "--json", "--no-follow")
    return {one["source"] for one in tail.events}


def test_a_flag_beats_a_variable_which_beats_the_file_which_beats_the_default(
    town: Path, walk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sources("sqlite:a.db", town, walk) == {"geofence"}
    settle('[worker]\nsource = "from-file"')
    assert sources("sqlite:b.db", town, walk) == {"from-file"}
    monkeypatch.setenv("GEOFENCE_WORKER_SOURCE", "from-variable")
    assert sources("sqlite:c.db", town, walk) == {"from-variable"}
    assert sources("sqlite:d.db", town, walk, "--source", "from-flag") == {"from-flag"}


def test_where_the_log_is_can_stand_in_the_file_and_in_a_file_of_its_own(
    town: Path, walk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("append", "--log", "sqlite:log.db", walk).status == 0
    settle('log = "sqlite:log.db"')
    assert run("topics", "check").status == 0
    monkeypatch.setenv("GEOFENCE_LOG", "sqlite:none.db")
    assert "none.db: there is no log here" in run("topics", "check").err
    monkeypatch.delenv("GEOFENCE_LOG")
    Path("where").write_text("sqlite:elsewhere.db\n")
    monkeypatch.setenv("GEOFENCE_LOG_FILE", "where")
    assert "elsewhere.db: there is no log here" in run("topics", "check").err
    monkeypatch.setenv("GEOFENCE_LOG", "sqlite:log.db")
    assert "GEOFENCE_LOG and GEOFENCE_LOG_FILE are both set; unset one of them" in run("topics", "check").err


def test_another_file_is_named_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    settle("[worker]\nbatch_records = 1")
    Path("other.toml").write_text("[worker]\nbatch_records = 2")
    monkeypatch.setenv("GEOFENCE_CONFIG", "other.toml")
    assert told()["worker.batch_records"]["from"] == "other.toml: [worker] batch_records"
    assert told()["worker.batch_records"]["value"] == 2
    monkeypatch.setenv("GEOFENCE_CONFIG", "none.toml")
    refused = run("config")
    assert refused.status == 2
    assert "GEOFENCE_CONFIG is 'none.toml'; it can't be read: No such file or directory" in refused.err


STARTS = {
    "gateway": ("gateway", "--log", "sqlite:log.db", "--catalog", "sqlite:catalog.db"),
    "boundaries": ("gateway", "--log", "sqlite:log.db", "--catalog", "sqlite:catalog.db"),
    "publishing": ("gateway", "--log", "sqlite:log.db", "--catalog", "sqlite:catalog.db"),
    "worker": ("worker", "--log", "sqlite:log.db", "--catalog", "sqlite:catalog.db"),
    "webhooks": ("webhooks", "--log", "sqlite:log.db", "--catalog", "sqlite:catalog.db"),
    "kafka": ("topics", "check", "--log", "kafka://127.0.0.1:1"),
    "sqlite": ("topics", "check", "--log", "sqlite:log.db"),
}
NUMBERS = {
    "gateway": "key_rate", "boundaries": "upload_s", "publishing": "lease_s", "worker": "tick_s",
    "webhooks": "deadline_s", "kafka": "append_s", "sqlite": "lock_s",
}  # fmt: skip


def test_all_tables_are_tried() -> None:
    assert STARTS.keys() == NUMBERS.keys() == {role.name for role in ROLES}


@pytest.mark.parametrize("table", STARTS)
def test_what_can_not_be_stops_the_start_by_its_name_as_it_stands_there(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = NUMBERS[table]
    prefix, variable = f"GEOFENCE_{table.upper()}_", f"GEOFENCE_{table.upper()}_{key.upper()}"

    def refused() -> str:
        found: Result = run(*STARTS[table])
        assert (found.status, found.err.count("\n")) == (2, 1), found.err
        return found.err

    settle(f'[{table}]\n{key} = "soon"')
    assert f"geofence.toml: [{table}] {key} is 'soon'; allowed: a number" in refused()
    settle(f"[{table}]\n{key} = -1")
    assert f"geofence.toml: [{table}] {key} is -1" in refused()
    settle(f"[{table}]\n{key}x = 1")
    assert f"[{table}] {key}x is set, but there is no such setting; did you mean {key}?" in refused()
    settle(f"[{table}x]\n{key} = 1")
    assert f"[{table}x] is set, but there is no such table; did you mean {table}?" in refused()
    settle("")
    monkeypatch.setenv(variable, "0")
    assert f"{variable} is 0" in refused()
    monkeypatch.delenv(variable)
    monkeypatch.setenv(prefix[:-2] + "_" + key.upper(), "1")  # a letter is missing
    assert f"{prefix[:-2]}_{key.upper()} is set, but there is no such setting; did you mean {variable}?" in refused()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gateway", "geofence.toml is no TOML: "),
        ("logs = 1", "logs is set, but there is no such setting outside of the tables; did you mean log?"),
        ("log = 3", "geofence.toml: log is 3; allowed: a text, URL"),
        ('[gateway]\nlisten = "8080"', "[gateway] listen is '8080'; allowed: HOST:PORT, such as 127.0.0.1:8080"),
        ("[gateway]\nlan = 1", "geofence.toml: [gateway] lan is 1; allowed: true or false"),
        ('[gateway]\nconsent = "perhaps"', "[gateway] consent is 'perhaps'; allowed: assumed or required"),
        ("[worker]\nsource = 5", "[worker] source is 5; allowed: a text"),
        ("[worker]\nmax_age_s = 1e11", "[worker] max_age_s is 1e+11; allowed: less than forget_after_s (2.592e+06)"),
        ('[worker]\ngroup = ""', "[worker] group is '': source and group must not be empty"),
        ('[kafka]\npassword = "hush"', "[kafka] password is '***': username or password is set, but sasl is not"),
        ("[kafka]\npassword = 5", "[kafka] password is '***'; allowed: a text"),
        ('[kafka]\npassword_file = "none"', "[kafka] password_file is 'none'; it can't be read: No such file"),
    ],
)
def test_check_tells_what_can_not_be_in_the_file(text: str, said: str) -> None:
    settle(text)
    found = run("config", "--check")
    assert found.status == 2
    assert said in found.err


@pytest.mark.parametrize(("name", "allowed"), [("LEVEL", "debug, info, warning, error"), ("FORMAT", "text, json")])
def test_check_tells_how_logs_can_be_told(name: str, allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"GEOFENCE_LOG_{name}", "loud")
    refused = run("config", "--check")
    assert refused.status == 2
    assert f"GEOFENCE_LOG_{name} is 'loud'; allowed: {allowed}" in refused.err


def test_check_tells_all_that_is_wrong_and_what_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("config", "--check").status == 0
    settle("[worker]\ntick_s = 0\n[sqlite]\nlock_s = 0")
    monkeypatch.setenv("GEOFENCE_GATEWAY_LAN", "maybe")
    monkeypatch.setenv("GEOFENCE_ELSEWHERE", "1")
    found = run("config", "--check")
    assert found.status == 2
    for said in ("[worker] tick_s is 0", "[sqlite] lock_s is 0", "GEOFENCE_GATEWAY_LAN is 'maybe'; allowed: true or"):
        assert said in found.err
    assert "GEOFENCE_ELSEWHERE is set, but nobody reads it" in found.err


def test_the_table_shows_value_unit_default_and_where_each_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    settle("[gateway]\nkey_rate = 5")
    monkeypatch.setenv("GEOFENCE_WORKER_SKIP_VERSIONS", "b, a")
    found = run("config", "--log", "sqlite:log.db")
    assert found.status == 0
    rows = [line.split() for line in found.lines]
    assert ["log", "sqlite:log.db", "-", "--log"] in rows
    assert ["gateway.key_rate", "5", "pings/s", "10000", "geofence.toml:", "[gateway]", "key_rate"] in rows
    assert ["worker.skip_versions", "a,", "b", "none", "GEOFENCE_WORKER_SKIP_VERSIONS"] in rows
    assert len(rows) == 4
    assert len(run("config", "--all").lines) == len(every()) + 1


def test_a_secret_is_taken_from_a_file_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secret").write_text("hush-hush\nmore\n")
    settle('catalog = "postgresql://me:hush-hush/@x@db/geofence"\n[kafka]\nsasl = "PLAIN"\nusername = "me"')
    monkeypatch.setenv("GEOFENCE_KAFKA_PASSWORD_FILE", "secret")
    assert told()["kafka.password"] | {"means": ""} == {
        "name": "kafka.password", "variable": "GEOFENCE_KAFKA_PASSWORD", "flag": None, "unit": "", "value": "***",
        "default": None, "from": "GEOFENCE_KAFKA_PASSWORD_FILE", "allowed": "a text", "means": "",
    }  # fmt: skip
    assert told()["catalog"]["value"] == "postgresql://me:***@db/geofence"
    for words in ((), ("--all",), ("--json",), ("--check",), ("--toml",)):
        found = run("config", *words)
        assert found.status == 0, found.err
        assert "hush" not in found.out.decode() + found.err
    from service.settings.reading import role_settings
    from stream.kafka import KafkaSettings

    assert "hush-hush" == role_settings("kafka", KafkaSettings).password  # noqa: SIM300
    monkeypatch.setenv("GEOFENCE_KAFKA_PASSWORD", "hush")
    assert "GEOFENCE_KAFKA_PASSWORD and GEOFENCE_KAFKA_PASSWORD_FILE are both set" in run("config", "--check").err


def test_a_pipe_is_refused_where_a_file_has_to_be_read_more_than_once(monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo("pipe")  # whoever opens it waits for a writer that never comes
    monkeypatch.setenv("GEOFENCE_CATALOG_FILE", "pipe")
    assert "GEOFENCE_CATALOG_FILE is 'pipe', which is no file" in run("config", "--check").err
    assert "GEOFENCE_CATALOG_FILE is 'pipe', which is no file" in run("doctor").err
    monkeypatch.delenv("GEOFENCE_CATALOG_FILE")
    monkeypatch.setenv("GEOFENCE_CONFIG", "pipe")
    assert "GEOFENCE_CONFIG is 'pipe', which is no file" in run("doctor").err


@pytest.mark.parametrize(
    "log", ["kafka://me:hush@127.0.0.1:1", "kafkaa://me:hush@h:1", "postgresql://h/x?password=hush"]
)
def test_a_password_in_the_address_of_a_log_is_refused_and_not_repeated(log: str) -> None:
    for words in (("topics", "check"), ("doctor",)):
        found = run(*words, "--log", log)
        assert found.status == 2
        assert "allowed: " in found.out.decode() + found.err
        assert "hush" not in found.out.decode() + found.err


def test_the_sample_has_every_setting_and_can_be_used_with_all_of_them_at_their_defaults() -> None:
    sample = run("config", "--toml").out.decode()
    assert tomllib.loads(sample) == {role.name: {} for role in ROLES}
    kept = ('"..."', "***", "_file = ")  # lines that stay comments: no default, or a secret
    filled = "\n".join(
        line.removeprefix("# ") if " = " in line and not any(mark in line for mark in kept) else line
        for line in sample.splitlines()
    )
    found = tomllib.loads(filled)
    settle(filled)
    assert run("config", "--check").status == 0
    named = {f"{table}.{key}" for table, its in found.items() if isinstance(its, dict) for key in its}
    named |= {key for key, its in found.items() if not isinstance(its, dict)}
    assert named == {one.name for one in every() if one.default is not None}
    for name, one in told().items():
        assert one["value"] == one["default"], name
    assert all(f"# {one.key} = " in sample for one in every())


def test_every_option_that_is_a_setting_stands_in_its_table_and_no_other() -> None:
    listed = {("", key) for key in GENERAL} | {(role.name, key) for role in ROLES for key in role.options}
    assert setting_options().keys() == listed


def test_every_setting_has_a_sentence_and_every_number_a_unit() -> None:
    for one in every():
        assert one.means.endswith("."), one
        assert one.unit or isinstance(one.default, bool) or not isinstance(one.default, int | float), one


def test_the_page_of_settings_names_each_with_its_variable() -> None:
    page = documents()["settings.md"]
    for one in every():
        assert f"| `{one.key}` | `{one.variable}` |" in page
