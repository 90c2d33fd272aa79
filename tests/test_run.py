"""`geofence run`: every role in one process; it goes on where it was, and says in one line why it can't."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import httpx
import pytest
from broker import free_ports, tied
from shapely.geometry import box
from sqlalchemy import create_engine, text

from boundaries.geojson import geojson_of
from catalog import open_catalog, upgrade
from catalog.secret import key_id
from geofence.region import Region
from service.boundary_server import BoundaryServer
from service.home import Home
from service.samples import Sample, in_force, publish, samples_named
from service.source import Unusable
from service.welcome import welcome

ROOT = Path(__file__).parents[1]
WEST, EAST = {"lon": 0.5, "lat": 0.5}, {"lon": 1.5, "lat": 0.5}
END_S, HOURS_MS = 20.0, 7_200_000


@dataclass(frozen=True)
class Running:
    """One that is ready."""

    home: Path
    url: str
    process: subprocess.Popen[str]

    def environment(self) -> dict[str, str]:
        """What a shell has after it has read demo.env."""
        script = f". {quote(str(self.home / 'demo.env'))} && env -0"
        told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
        return dict(line.split("=", 1) for line in told.split("\0") if line)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """One request, by the ready key."""
        name, _, value = self.environment()["AUTH"].partition(": ")
        answer = httpx.request(method, self.url + path, headers={name: value}, timeout=20, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def send(self, **more: Any) -> None:
        """One ping of a device, now."""
        ping = {"device": "d", "accuracy_m": 5, "time_ms": time.time_ns() // 1_000_000, **more}
        assert self.ask("POST", "/v1/pings", json=ping)["accepted"] == 1

    def events(self) -> list[dict[str, Any]]:
        """All events so far."""
        found: list[dict[str, Any]] = self.ask("GET", "/v1/events?from=beginning&limit=100")["events"]
        return found


def command(home: Path, port: int, *words: str) -> list[str]:
    return [*tied(), sys.executable, "-m", "service.cli", "run", "--home", str(home), "--listen", f"127.0.0.1:{port}",
            "--samples", "none", *words]  # fmt: skip


@contextmanager
def run(home: Path) -> Iterator[Running]:
    """One that runs meanwhile, and is ended by Ctrl-C."""
    port = free_ports(1)[0]
    process = subprocess.Popen(command(home, port), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ready in" in line:
                break
        assert "Ready in" in said[-1], said
        yield Running(home, f"http://127.0.0.1:{port}", process)
        process.send_signal(signal.SIGINT)
        assert "nothing is lost" in process.stdout.read()
        assert process.wait(END_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def until(true: Any) -> Any:
    end = time.monotonic() + END_S
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


async def published(running: Running, file: Path) -> dict[str, int]:
    """The regions of a file as a sample layer, published unless it is."""
    sample = Sample("town", "partition", file)
    with BoundaryServer(running.url, running.environment()["GEOFENCE_KEY"]) as server:
        return await in_force(server, [sample]) or {"town": await publish(server, sample)}


def test_from_a_ping_to_an_event_and_on_after_ctrl_c(tmp_path: Path) -> None:
    home, town = tmp_path / "a home's", tmp_path / "town.geojson"
    town.write_bytes(geojson_of([Region("west", box(0, 0, 1, 1)), Region("east", box(1, 0, 2, 1))]))
    with run(home) as running:
        for _ in range(2):  # the second time it is there already
            assert asyncio.run(published(running, town)) == {"town": 2}
        running.send(**WEST, time_ms=time.time_ns() // 1_000_000 - HOURS_MS)
        (first,) = until(running.events)
        assert first["data"]["to"]["id"] == "west"
        where = running.ask("GET", "/v1/devices/d")
        assert where["layers"]["town"]["regions"][0]["id"] == "west"
        env, send, where_are_you, _ = to_type(welcome(Home(home), running.url, demo=False))
        assert '{"accepted":4,"rejected":[]}' in shell(env, send)
        until(lambda: '"device":"you"' in shell(env, where_are_you))
    with run(home) as running:
        assert asyncio.run(published(running, town)) == {"town": 2}
        now_ms = time.time_ns() // 1_000_000
        for number in range(4):
            running.send(**EAST, time_ms=now_ms + 60_000 * number)
        second = until(lambda: running.events()[1:])[0]
        assert (second["sequence"], second["data"]["from"]["id"]) == ("0000000002", "west")


def test_a_second_one_in_the_same_home_and_at_the_same_port_is_told_why_it_can_not(tmp_path: Path) -> None:
    with run(tmp_path / "home") as running:
        port, key = int(running.url.rpartition(":")[2]), running.home / "demo.key"
        key.rename(tmp_path / "kept")
        for home, said in (
            (running.home, "is owned by process"),
            (tmp_path / "other", "already in use. Choose another port by --listen"),
        ):
            done = subprocess.run(command(home, port), cwd=ROOT, capture_output=True, text=True, timeout=30)
            assert done.returncode == 2
            assert said in done.stderr.replace(": owned", " is owned"), done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
        assert not key.exists(), "the second one has made none"
        (tmp_path / "kept").rename(key)


def test_make_run_takes_another_port() -> None:
    for port, listens in ((8081, " --listen 127.0.0.1:8081"), ("", "")):
        told = subprocess.run(
            ["make", "-n", "--no-print-directory", "run", f"PORT={port}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.splitlines()[-1].partition("--demo")[2].strip() == listens.strip()


def to_type(said: Iterable[str]) -> list[str]:
    """The commands that it says can be typed."""
    typed = [line.partition("  #")[0].strip() for line in said if "  # " in line]
    return [command.replace("curl", "exec curl -sS", 1) for command in typed]


def shell(*commands: str) -> str:
    """What they print, typed one after the other."""
    return subprocess.run(
        ["sh", "-c", "; ".join(commands)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_what_it_prints_to_be_typed_works_as_it_stands_while_pretend_phones_cross_borders(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_ports(1)[0]
    words = [*command(home, port)[:-1], "countries,fences", "--demo"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        said, awaited = [], [r"train-\d +Germany → ", r"desk-3 +region redrawn: North → Centre, without a ping"]
        for line in process.stdout:
            said.append(line.rstrip())
            awaited = [one for one in awaited if not re.search(one, line)]
            if not awaited:
                break
        assert not awaited, said
        ready = next(line for line in said if "Ready in" in line)
        assert "40 pretend phones are moving" in ready
        env, where, send, follow, explain = to_type(said)
        assert [one.split()[0] for one in (env, where, send, follow, explain)] == [".", *["exec"] * 3, "geofence"]
        stream = subprocess.Popen(["sh", "-c", f"{env}; {follow}"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert '"device":"walker-1"' in shell(env, where)
        assert '{"accepted":4,"rejected":[]}' in shell(env, send)
        with stream:
            assert stream.stdout
            assert next(line for line in stream.stdout if line.startswith('data: {"specversion":"1.0"'))
            stream.kill()
        assert "countries (balanced)" in shell(env, explain)
        process.send_signal(signal.SIGHUP)  # its terminal is closed
        assert process.wait(END_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_an_unknown_sample_is_told_with_those_that_there_are() -> None:
    with pytest.raises(Unusable, match=r"no sample layer 'towns'; allowed: all, none, fences, countries"):
        samples_named("towns")
    assert [one.layer for one in samples_named("countries,fences")] == ["countries", "fences"]


def test_the_key_and_what_has_it_are_for_the_owner_alone(tmp_path: Path) -> None:
    with run(tmp_path / "home") as running:
        for name in ("demo.key", "demo.env", "phone.key"):
            assert stat.S_IMODE((running.home / name).stat().st_mode) == 0o600
        before = running.environment()
        assert before["GEOFENCE_KEY"] == (running.home / "demo.key").read_text().strip()
        assert os.pathsep.join(before["PATH"].split(os.pathsep)[:1]) == str(Path(sys.executable).parent)
        log = (running.home / "geofence.log").read_text()
        assert "running partition=0" in log
        phone = {"Authorization": f"Bearer {(running.home / 'phone.key').read_text().strip()}"}
        assert before["GEOFENCE_KEY"] not in log
        assert stat.S_IMODE(running.home.stat().st_mode) == 0o700
        sent = {"_type": "location", "lat": 45.764, "lon": 4.8357, "tst": int(time.time()), "acc": 9, "tid": "ME"}
        assert (
            httpx.post(f"{running.url}/v1/clients/owntracks", json=sent, headers=phone, timeout=20).status_code == 200
        )
        assert httpx.get(f"{running.url}/v1/devices/d", headers=phone, timeout=20).status_code == 403


def test_a_home_that_can_not_be_used_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match=r"can't be used: .* GEOFENCE_HOME"):
        Home(tmp_path / "file").prepare()
    newer = Home(tmp_path / "newer")
    newer.prepare()
    newer.upgrade()
    with create_engine(f"sqlite:///{newer.folder / 'catalog.db'}").begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unusable, match=r"9999, which this program does not know.* GEOFENCE_HOME"):
        newer.upgrade()
    monkeypatch.setattr("service.home._ROOM_BYTES", 1 << 60)
    with pytest.raises(Unusable, match=r"its disk has \d+ MB left"):
        Home(tmp_path / "full").prepare()


def test_stopped_while_it_still_comes_up_it_ends_without_a_fault(tmp_path: Path) -> None:
    words = [*command(tmp_path / "home", free_ports(1)[0]), "--demo"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert next(line for line in process.stdout if "geofence explain" in line)  # the districts come next
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=END_S)
        assert (process.returncode, complained) == (0, "")
        assert said.endswith("✓ stopped; nothing is lost\n")
    finally:
        process.kill()
        process.wait()


def test_a_shell_reads_the_environment_of_a_home_of_any_name(tmp_path: Path) -> None:
    home = Home(tmp_path / 'it\'s a $HOME; "mine"')
    home.prepare()
    commands = tmp_path / "some 'commands'"
    home.write_environment("http://[::1]:8080", "gf_key", commands)
    found = Running(home.folder, "", None).environment()  # type: ignore[arg-type]
    assert found["GEOFENCE_LOG"] == home.log_url
    assert found["AUTH"] == "Authorization: Bearer gf_key"
    assert found["PATH"].startswith(f"{commands}:")
    assert found["GEOFENCE_CATALOG"] == home.catalog_url


def test_a_key_that_was_revoked_or_lost_is_made_anew(tmp_path: Path) -> None:
    home = Home(tmp_path)
    upgrade(home.catalog_url)
    with open_catalog(home.catalog_url) as catalog:
        first = home.key(catalog)
        assert home.key(catalog) == first
        catalog.keys.revoke(key_id(first) or "", by="test", now_ms=2)
        second = home.key(catalog)
        assert second != first
        home.key_file.write_bytes(b"\xff")
        third = home.key(catalog)
        home.key_file.unlink()
        assert home.key(catalog) not in (first, second, third)
        assert [one.name for one in catalog.keys.list()] == ["demo"] * 4
        phone = home.phone_key(catalog)
        assert home.phone_key(catalog) == phone
        its = catalog.keys.list()[-1]
        assert (its.name, its.device, list(its.scopes)) == ("my-phone", "my-phone", ["pings:write"])
