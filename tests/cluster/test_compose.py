"""docker-compose.yml: by the Compose schema, by our own commands and settings, and by what operators ask of it.

`compose-spec.json` is the Compose Specification's own schema, copyright 2020 The Compose Specification Authors, under
the Apache License 2.0, as it lies in `schema/` of the Go module compose-spec/compose-go, v2.16.2.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import pytest
import yaml
from commands import ROOT

from deploy.cluster.cluster import Cluster
from deploy.cluster.compose import COMPLETED, HEALTHY, read_compose
from ingest.gateway.settings import GatewaySettings
from ingest.settings import WorkerSettings
from ingest.webhooks.settings import WebhookSettings
from service.cli import cli
from service.settings.known import every
from service.settings.reading import role_settings
from service.settings.roles import strays
from stream.kafka import KafkaSettings

FILE = ROOT / "docker-compose.yml"
SCHEMA = Path(__file__).parent / "compose-spec.json"
TOLD: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = TOLD["services"]
OURS = {name: its for name, its in SERVICES.items() if its["image"].startswith("geofence:")}
ONCE = {"topics", "catalog"}


@pytest.fixture
def here(tmp_path: Path) -> Cluster:
    """The services as they would be run here, not started."""
    its = Cluster(tmp_path, {})
    its._make_folders()
    return its


@pytest.fixture(params=OURS)
def variables(request: pytest.FixtureRequest, here: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One of our services, with its variables and no others of ours."""
    for name in [name for name in os.environ if name.startswith("GEOFENCE_")]:
        monkeypatch.delenv(name)
    for name, value in here.places.environment(here.services[request.param]).items():
        monkeypatch.setenv(name, value)
    return request.param


def test_the_file_is_one_by_the_compose_schema_and_a_wrong_one_is_found_out() -> None:
    validator = jsonschema_rs.validator_for(yaml.safe_load(SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(TOLD)] == []
    wrong = {**TOLD, "services": {**SERVICES, "kafka": {**SERVICES["kafka"], "restarts": "always"}}}
    assert not validator.is_valid(wrong)


def parsed(words: list[str]) -> dict[str, Any]:
    """The parameters of a command of ours. Raises click.UsageError for what is none."""
    command: click.Command = cli
    context, rest = click.Context(cli, info_name="geofence"), list(words)
    while isinstance(command, click.Group):
        found = command.get_command(context, rest.pop(0))
        assert found is not None, words
        command = found
    with command.make_context(str(command.name), rest) as made:
        return made.params


def test_every_command_is_one_of_ours_with_all_it_needs(variables: str) -> None:
    program, *words = read_compose(FILE, {})[variables].command
    assert program == "geofence"
    found = parsed(words)
    assert found["log_url" if "log_url" in found else "catalog_url"]


@pytest.mark.parametrize("variables", ["gateway-1"], indirect=True)
@pytest.mark.parametrize("page", ["compose.md", "rolling-restart.md"])
def test_every_command_of_the_pages_names_a_service_and_what_that_can_do(variables: str, page: str) -> None:
    text = (ROOT / "docs/operations" / page).read_text()
    lines = re.findall(r"^    docker compose (.+?)(?:  +#.*)?$", text, re.MULTILINE)
    assert len(lines) > 3
    for line in lines:
        what, *words = line.split()
        assert what in ("build", "up", "exec", "run")
        scaled = [] if "--scale" not in words else [words.pop(words.index("--scale") + 1)]
        named = [word for word in words if not word.startswith("-")]
        assert {one.partition("=")[0] for one in [*scaled, *named[:1]]} <= set(SERVICES), line
        if what == "exec":
            assert named[1] == "geofence"
            parsed(words[2:])


def test_every_variable_is_a_setting_and_has_a_value_that_can_be(variables: str) -> None:
    known = {one.variable for one in every()} | {f"{one.variable}_FILE" for one in every() if one.filed}
    ours = {name for name in os.environ if name.startswith("GEOFENCE_")}
    assert ours - known - {"GEOFENCE_LOG_FORMAT", "GEOFENCE_LOG_LEVEL"} == set()
    assert strays({name: os.environ[name] for name in ours}) == []
    assert role_settings("kafka", KafkaSettings, bootstrap="127.0.0.1:1").replication == 1
    role_settings("worker", WorkerSettings)
    role_settings("gateway", GatewaySettings, consent="assumed", private_addresses=False)
    role_settings("webhooks", WebhookSettings, private_addresses=False)


def test_what_is_mounted_is_there_and_what_is_named_inside_is_mounted() -> None:
    for name, its in SERVICES.items():
        targets = [f"/run/secrets/{secret}" for secret in its.get("secrets", [])]
        for mount in its.get("volumes", []):
            source, target = mount.split(":")[:2]
            targets.append(target)
            assert (ROOT / source).exists() if source.startswith(".") else source in TOLD["volumes"]
        texts = [*its.get("command", []), *its.get("environment", {}).values()]
        named = [
            path for text in texts for path in re.findall(r"(?<![\w:/.])/(?:run|var|etc|prometheus)[\w/.-]*", text)
        ]
        assert [path for path in named if not path.startswith(tuple(targets))] == [], name
    assert {secret for its in SERVICES.values() for secret in its.get("secrets", [])} == set(TOLD["secrets"])


def test_nothing_is_reached_from_beyond_this_machine_runs_as_root_or_is_of_any_version() -> None:
    for name, its in SERVICES.items():
        assert all(port.startswith("127.0.0.1:") for port in its.get("ports", [])), name
        assert its["user"].split(":")[0] not in ("", "0", "root")
        assert its["cap_drop"] == ["ALL"]
        assert re.fullmatch(r"[\w/.-]+:v?\d+\.\d+(\.\d+)?(-[\w.]+)?", its["image"]), its["image"]
        assert "privileged" not in its


def test_who_runs_always_comes_back_and_has_a_health_check_and_who_runs_once_does_not() -> None:
    for name, its in SERVICES.items():
        assert its["restart"] == ("on-failure" if name in ONCE else "unless-stopped")
        assert ("healthcheck" in its) is (name not in ONCE)
        for needed, how in its.get("depends_on", {}).items():
            assert how["condition"] == (COMPLETED if needed in ONCE else HEALTHY)


def test_one_service_alone_builds_the_image_and_all_others_of_ours_need_it() -> None:
    [builder] = [name for name, its in SERVICES.items() if "build" in its]
    assert builder in ONCE
    assert all(builder in its["depends_on"] for name, its in OURS.items() if name not in ONCE)


def test_each_service_starts_once_those_it_needs_are_there(here: Cluster) -> None:
    first, second, third = map(set, here._waves())
    assert (first, second) == ({"kafka", "postgres"}, ONCE)
    assert third == set(OURS) - ONCE


def test_no_password_stands_in_the_file_or_in_the_repository() -> None:
    for its in SERVICES.values():
        for name, value in its.get("environment", {}).items():
            if re.search(r"(?i)password|secret|catalog", name):
                assert name.endswith("_FILE")
                assert value.startswith("/run/secrets/")
    assert all(one["file"].startswith("${SECRETS:-./var/secrets}/") for one in TOLD["secrets"].values())
    assert "var/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_broker_is_the_one_that_the_tests_fetch_and_the_image_is_of_this_version() -> None:
    pom = (ROOT / "tests/broker/pom.xml").read_text()
    kafka = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)<", pom)
    assert kafka is not None
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka[1]}"
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert {its["image"] for its in OURS.values()} == {f"geofence:{version[1]}"}


def test_secrets_are_made_once_and_for_the_owner_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run(["sh", str(ROOT / "deploy/secrets.sh"), str(folder)], check=True)
        texts = {one.name: one.read_text().strip() for one in folder.iterdir()}
        assert texts.keys() == set(TOLD["secrets"])
        (folder / "grafana-password").chmod(0o600)
        (folder / "grafana-password").write_text("my-own\n")
    assert texts["grafana-password"] == "my-own"
    assert re.fullmatch(r"\w{32}", texts["postgres-password"])
    password = texts["postgres-password"]
    its = SERVICES["postgres"]["environment"]
    user, database = its["POSTGRES_USER"], its["POSTGRES_DB"]
    assert texts["catalog-url"] == f"postgresql://{user}:{password}@postgres:5432/{database}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "catalog-url").stat().st_mode & 0o777 == 0o444
