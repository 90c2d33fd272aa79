"""How docker-compose.yml is read for processes, and what becomes of its addresses and paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.cluster.compose import Service, read_compose
from deploy.cluster.kafka import properties
from deploy.cluster.places import Places
from deploy.cluster.postgres import within_reach

TEXT = """
x-shared: &shared {image: "geofence:1.0", stop_grace_period: 1m30s}
services:
  one:
    <<: *shared
    command: [geofence, "${WORD:-worker}", "$${kept}", "${NONE}"]
    environment: {A: "kafka://two:9092", B: /run/secrets/s, C: "0.0.0.0:80", D: "/data/x,/database", E: "http://two-b:1"}
    ports: ["127.0.0.1:81:80"]
    volumes: ["named:/data"]
    secrets: [s]
    depends_on: {two: {condition: service_healthy}}
  two:
    image: other:2.0
    healthcheck: {test: [CMD, ask, "127.0.0.1:9092"], timeout: 500ms, start_interval: 2s, start_period: 1m}
secrets: {s: {file: "${WHERE:-./var}/s"}}
"""


def services(folder: Path, **variables: str) -> dict[str, Service]:
    file = folder / "compose.yml"
    file.write_text(TEXT)
    return read_compose(file, variables)


def test_variables_defaults_and_what_is_merged(tmp_path: Path) -> None:
    one = services(tmp_path)["one"]
    assert one.command == ["geofence", "worker", "${kept}", ""]
    assert services(tmp_path, WORD="gateway")["one"].command[1] == "gateway"
    assert (one.image, one.grace_s, one.ports, one.needs) == (
        "geofence:1.0",
        90.0,
        {80: 81},
        {"two": "service_healthy"},
    )
    assert one.places == {"/run/secrets/s": "./var/s", "/data": "named"}
    check = services(tmp_path)["two"].check
    assert check is not None
    assert (check.words, check.timeout_s, check.again_s, check.start_s) == (["ask", "127.0.0.1:9092"], 0.5, 2.0, 60.0)


def test_each_address_and_path_becomes_the_same_thing_wherever_it_is_named(tmp_path: Path) -> None:
    its = services(tmp_path, WHERE=str(tmp_path))
    places = Places(its, tmp_path, tmp_path, published=False)
    broker = places.address("two", 9092)
    told = places.environment(its["one"])
    assert told["A"] == f"kafka://{broker}"
    assert told["B"] == str(tmp_path / "s")
    assert told["C"] == places.address("one", 80) != "127.0.0.1:80"
    assert told["D"] == f"{tmp_path}/volumes/named/x,/database"
    assert told["E"] == "http://two-b:1"
    assert places.translate(its["two"], "127.0.0.1:9092") == places.translate(its["one"], "two:9092") == broker
    assert places.translate(its["two"], "</dev/tcp/localhost/9092") == "</dev/tcp/" + broker.replace(":", "/")


def test_published_ports_are_taken_as_they_are_where_that_is_asked_for(tmp_path: Path) -> None:
    its = services(tmp_path)
    assert Places(its, tmp_path, tmp_path, published=True).port("one", 80) == 81
    assert Places(its, tmp_path, tmp_path, published=False).port("one", 80) != 81


@pytest.mark.parametrize("wrong", ["10", "1x", "s", "1m 2s"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(TEXT.replace("1m30s", f'"{wrong}"'))
    with pytest.raises(ValueError, match="no time"):
        read_compose(file, {})


def test_the_broker_s_variables_become_its_settings_as_in_the_image() -> None:
    given = {"KAFKA_LOG_DIRS": "/d", "KAFKA_HEAP_OPTS": "-Xmx1g", "CLUSTER_ID": "x", "KAFKA_NODE_ID": "1"}
    assert properties(given) == "log.dirs=/d\nnode.id=1\n"


def test_tools_of_postgresql_in_a_folder_that_is_closed_are_run_from_a_copy(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    tools, library = closed / "package/pginstall/bin", closed / "package.libs/libpq.so"
    for file in (tools / "postgres", library):
        file.parent.mkdir(parents=True)
        file.touch(mode=0o755)
    closed.chmod(0o700)
    copy = tmp_path / "copy"
    found = within_reach(tools, copy, user=65_534)
    assert found == copy / "package/pginstall/bin"
    assert (found / "postgres").stat().st_mode & 0o777 == 0o755
    assert (copy / "package.libs/libpq.so").exists()
    assert closed.stat().st_mode & 0o777 == 0o700, "nobody's folder is opened"
    assert within_reach(tools, copy, user=None) == tools
    assert within_reach(Path("/usr/bin"), copy, user=65_534) == Path("/usr/bin")
