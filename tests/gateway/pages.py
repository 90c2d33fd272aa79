"""What stands in a page of docs/ to be run: commands, and whole programs. Not a test itself."""

import os
import re
import subprocess
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"
_MAX_TIME = 28  # what curl says of a stream that it has left


def commands(page: str) -> list[str]:
    """The lines with curl in them, each as it stands."""
    return re.findall(r"^    ((?:printf .*)?curl .*)$", (DOCS / page).read_text(), re.MULTILINE)


def programs(page: str) -> dict[str, str]:
    """The programs, by the name that each begins with."""
    found = re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    return {text[3:].partition(":")[0]: text for text in found}


def run(command: str, *, well: bool = True, **words: str) -> str:
    """What a command prints; it has to end `well`, a stream by its time."""
    line = command.replace("curl ", "curl --fail-with-body --max-time 2 ", 1)
    done = subprocess.run(["sh", "-c", line], env={**os.environ, **words}, capture_output=True, text=True, timeout=20)
    assert not well or done.returncode in ((0, _MAX_TIME) if "-sN" in command else (0,)), done.stdout + done.stderr
    return done.stdout
