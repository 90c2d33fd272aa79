"""The Dockerfile: what it copies is there, it has all of the program, and it runs as nobody in particular."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import PurePosixPath

import pytest
from broker import free_ports
from commands import ROOT

LINES = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text()).splitlines()
STEPS = [line.split(None, 1) for line in LINES if line and not line.startswith("#")]
HEALTHY = ROOT / "deploy/container/healthy.py"


def steps(name: str) -> list[str]:
    return [rest for word, rest in STEPS if word == name]


def copied() -> list[str]:
    """What is taken from the repository."""
    found = []
    for rest in steps("COPY"):
        words = shlex.split(rest)
        if not any(word.startswith("--from") for word in words):
            found += [word for word in words if not word.startswith("--")][:-1]
    return found


def sent() -> list[str]:
    """What the engine is sent."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def test_what_is_copied_is_there_and_is_sent_to_the_engine() -> None:
    for path in copied():
        assert (ROOT / path).exists(), path
        assert any(PurePosixPath(path).is_relative_to(one) for one in sent()), path
    for path in sent():
        assert any(PurePosixPath(one).is_relative_to(path) for one in copied()), path


def test_every_package_of_the_program_is_in_the_image() -> None:
    found = re.search(r"^include = \[(.+)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert found is not None
    packages = {name.removesuffix("*") for name in re.findall(r'"([^"]+)"', found[1])}
    assert packages <= set(copied())


def test_the_image_is_of_pinned_parts_and_runs_as_nobody_in_particular() -> None:
    assert [rest for rest in steps("FROM") if not rest.startswith("${PYTHON}")] == []
    assert re.fullmatch(r"PYTHON=python:3\.11\.\d+-slim-\w+", steps("ARG")[0])
    installs = [rest for rest in steps("RUN") if "pip install" in rest]
    assert "--require-hashes -r requirements/run.txt" in installs[0]
    assert "--no-deps" in installs[1]
    assert steps("USER") == ["10001:10001"]
    assert steps("HEALTHCHECK")[0].endswith('CMD ["healthy"]')
    assert any(rest.endswith("deploy/container/healthy.py /usr/local/bin/healthy") for rest in steps("COPY"))


def test_what_is_compiled_lies_where_it_is_looked_for_and_belongs_to_who_runs_it() -> None:
    places = {match for rest in steps("ENV") for match in re.findall(r"NUMBA_CACHE_DIR=(\S+)", rest)}
    assert len(places) == 1
    [place] = places
    assert f"--from=build --chown=10001:10001 {place} {place}" in steps("COPY")
    assert "service.warm" in " ".join(steps("RUN"))


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A role that says so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/health/ready"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"ready": "perhaps"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"0.0.0.0:{server.server_port}"
        thread.join(10)


@pytest.mark.parametrize(("status", "ends"), [(200, 0), (503, 1)])
def test_a_role_is_healthy_when_it_says_that_it_is_ready(status: int, ends: int) -> None:
    with answering(status) as address:
        done = subprocess.run([sys.executable, HEALTHY], env={"GEOFENCE_WORKER_HEALTH": address}, capture_output=True)
    assert (done.returncode, done.stdout) == (ends, b'{"ready": "perhaps"}\n')


def test_a_role_that_does_not_answer_and_one_that_nobody_named_is_not() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    for words, says in (([address], b"does not answer"), ([], b"allowed: HOST:PORT")):
        done = subprocess.run([sys.executable, HEALTHY, *words], env={}, capture_output=True)
        assert done.returncode == 1
        assert says in done.stderr
