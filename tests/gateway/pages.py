"""What stands in a page of docs/: commands and whole programs to be run, and tables of settings. Not a test itself."""

import inspect
import os
import re
import subprocess
from dataclasses import fields
from pathlib import Path
from types import ModuleType

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


def rows(page: str, begin: str) -> dict[str, list[str]]:
    """The rows of a page's tables whose first cell is code that begins so."""
    found = {}
    for line in (DOCS / page).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith(f"| `{begin}"):
            found[cells[0].strip("`")] = cells[1:]
    return found


def settings_in(module: ModuleType, kind: type, prefix: str) -> dict[str, list[str]]:
    """The rows that the code has for a dataclass of settings: each variable with its default and its meaning."""
    pairs = re.findall(r"((?:    # .*\n)+)    (\w+): ", inspect.getsource(module))
    means = {name: " ".join(line.strip(" #") for line in said.splitlines()) for said, name in pairs}
    defaults = {field.name: f"{field.default}".removesuffix(".0").lower() for field in fields(kind)}
    return {prefix + name.upper(): [default, means[name]] for name, default in defaults.items()}
