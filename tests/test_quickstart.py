"""docs/quickstart.md: typed into one shell, line for line as it stands, it shows what it says it shows.

The shell is that of the page's second terminal. In the first one are fewer sample layers than `make run` publishes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from broker import free_ports, tied

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "quickstart.md").read_text()
PORT = "9009"
SHOWN = {  # how a block begins, and what is said among the rest
    ". var/demo.env": r'"device":"walker-1"',
    "geofence boundaries upload": r"[Ii]n force",
    'curl -s -H "$AUTH" $GEOFENCE_SERVER/v1/webhooks': r'"secret":"whsec_',
    "awk": r'\{"accepted":11,"rejected":\[\]\}',
    'curl -s -H "$AUTH" $GEOFENCE_SERVER/v1/layers': r'"anna"(.|\n)*Presqu\'île to Part-Dieu',
}
LONG_S = 120.0


def blocks() -> list[str]:
    """What is typed, block by block; and what is shown, in a block that begins with `webhook:`."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE, re.MULTILINE)
    return ["".join(line[4:] or "\n" for line in block.splitlines(keepends=True)).strip("\n") for block in found]


class Shell:
    """A shell that somebody types into."""

    def __init__(self, folder: Path) -> None:
        words = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [*tied(), "bash"], cwd=folder, env=words, text=True, bufsize=1, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.said = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.said += line

    def type(self, block: str) -> str:
        """Type a block; what was said until its last command had ended, which has to end well."""
        before = len(self.said)
        assert self._process.stdin
        self._process.stdin.write(f'{block}\nprintf "\\nended $?\\n"\n')
        self.until(r"^ended \d+$", before)
        said = self.said[before:]
        assert re.search(r"^ended 0$", said, re.MULTILINE), (block, said)
        return said

    def until(self, pattern: str, before: int = 0) -> None:
        """Wait until it has said something."""
        end = time.monotonic() + LONG_S
        while not re.search(pattern, self.said[before:], re.MULTILINE):
            assert time.monotonic() < end, (pattern, self.said)
            time.sleep(0.05)

    def end(self) -> None:
        """And whatever it has started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Everything, meanwhile, with its home where `make run` has it."""
    words = [*tied(), sys.executable, "-m", "service.cli", "run", "--demo", "--samples", "fences"]
    words += ["--listen", f"127.0.0.1:{free_ports(1)[0]}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert any("Ready in" in line for line in process.stdout)
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield
            process.send_signal(signal.SIGINT)
            assert process.wait(LONG_S) == 0
        finally:
            process.kill()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """The second terminal."""
    one = Shell(tmp_path)
    try:
        yield one
    finally:
        one.end()


def test_each_command_works_as_it_stands_and_the_crossing_arrives(tmp_path: Path, shell: Shell) -> None:
    first, *typed = blocks()
    assert first == "make run"
    port, met = str(free_ports(1)[0]), list[str]()
    with running(tmp_path):
        for block in typed:
            if block.startswith("webhook:"):  # what is shown
                for line in block.splitlines():
                    shell.until(f"{re.escape(line)}$")
                shell.until(r'data: .*"cause":"moved"')
            else:
                said = shell.type(block.replace(PORT, port))
                while block.startswith(". var") and '"status":404' in said:  # a reader is not as quick
                    said = shell.type(block)
                wanted = [shown for begin, shown in SHOWN.items() if block.startswith(begin)]
                assert all(re.search(shown, said) for shown in wanted), (block, said)
                met += wanted
    assert met == list(SHOWN.values())
    told = re.findall(r"data: (\{.*\})$", shell.said, re.MULTILINE)
    causes = [event["data"]["cause"] for event in map(json.loads, told) if "data" in event]
    assert causes == ["first_fix", "moved"]


def test_what_the_page_calls_running_it_runs_it_with_pretend_phones() -> None:
    words = ["make", "-n", "--no-print-directory", "run"]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "geofence run --demo" in said.splitlines()[-1]
