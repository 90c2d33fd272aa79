"""One process of the cluster: started, looked at, ended, started again.

Under `cluster`. Invariants: it ends with this process, however that ends; what it says goes to a file of its own;
Ctrl-C in the terminal does not reach it: it is told to end in its turn.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SHOWN = 3000


@dataclass(frozen=True, slots=True)
class Program:
    """What is to be run."""

    words: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    user: int | None = None  # whose rights it has; None: ours
    end: signal.Signals = signal.SIGTERM


class Process:
    """A program that runs, or has run."""

    def __init__(self, name: str, program: Program, log: Path) -> None:
        self.name, self.program, self.log = name, program, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it must not run."""
        its = self.program
        with self.log.open("ab") as said:
            self._process = subprocess.Popen(  # noqa: S603
                [*_tied(), *its.words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=dict(its.environment),
                cwd=its.folder,
                user=its.user,
                start_new_session=True,
            )

    @property
    def status(self) -> int | None:
        """Its exit status; None: it runs, or was never started."""
        return None if self._process is None else self._process.poll()

    @property
    def runs(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def tell_to_end(self) -> None:
        """Have it end in order."""
        if self._process is not None and self.runs:
            self._process.send_signal(self.program.end)

    def wait(self, most_s: float) -> int:
        """Its exit status once it has ended. After `most_s` it is killed, as an engine would."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(most_s)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Kill -9."""
        if self._process is None:
            return 0
        if self.runs:
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait(10)

    def said(self) -> str:
        """The end of what it said."""
        return self.log.read_text(errors="replace")[-_SHOWN:] if self.log.exists() else ""


def _tied() -> list[str]:
    """What makes a process end with this one; to the kernel the parent is the thread, so from the main one only."""
    if shutil.which("setpriv") and threading.current_thread() is threading.main_thread():
        return ["setpriv", "--pdeathsig", "KILL", "--"]
    return []
