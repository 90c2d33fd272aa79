"""README.md and docs/files.md show what the commands print: each example is typed as it stands there.

A line of `...` stands for any lines. What a page has written or made before is there for its later examples.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from commands import ROOT

from service.home import Home
from service.welcome import welcome

PAGES = {page: (ROOT / page).read_text() for page in ("README.md", "docs/files.md")}


@dataclass(frozen=True)
class Example:
    """A command as typed, and what is shown below it."""

    page: str
    command: str
    shown: str


def blocks(page: str) -> list[str]:
    """The indented blocks of a page, without their indentation."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGES[page], re.MULTILINE)
    return ["".join(line[4:] or "\n" for line in block.splitlines(keepends=True)).strip("\n") for block in found]


def examples() -> list[Example]:
    """The commands behind a `$`, in their order."""
    found = []
    for page in PAGES:
        for piece in (piece for block in blocks(page) for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]):
            command, _, shown = piece.partition("\n")
            found.append(Example(page, command, shown.strip("\n")))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader has it: the project's data, and the files that the pages have them write."""
    path = tmp_path_factory.mktemp("readme")
    for name in ("data", "tests"):
        (path / name).symlink_to(ROOT / name)
    for block in (block for page in PAGES for block in blocks(page)):
        if block.startswith("cat > "):
            typed(block, path)
    return path


@cache
def typed(command: str, folder: Path) -> str:
    """What a shell prints, standard error first; what stands on both pages is typed once."""
    tools = f'geofence() {{ "{sys.executable}" -m service.cli "$@"; }}; python() {{ "{sys.executable}" "$@"; }}\n'
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", tools + command], cwd=folder, env=environment, capture_output=True, check=True)
    return (done.stderr + done.stdout).decode().strip("\n")


def agree(shown: str, printed: str) -> bool:
    """Whether this is what was printed, a line of `...` standing for any lines."""
    pieces = (piece.strip("\n") for piece in re.split(r"^\s*\.\.\.$", shown, flags=re.MULTILINE))
    lines = (re.escape(f"{piece}\n") if piece else "" for piece in pieces)
    return re.fullmatch(r"(?:.*\n)?".join(lines), f"{printed}\n" if printed else "", re.DOTALL) is not None


@pytest.mark.parametrize("number", range(len(examples())), ids=lambda number: examples()[number].command[:40])
def test_an_example_prints_what_the_page_shows(number: int, folder: Path) -> None:
    example = examples()[number]
    assert agree(example.shown, typed(example.command, folder))


def test_what_running_it_says_is_as_shown() -> None:
    (shown,) = (block for block in blocks("README.md") if block.startswith("✓ log and catalog"))
    said = "\n".join(line.rstrip() for line in welcome(Home(Path("var")), "http://127.0.0.1:8080", demo=True))
    assert said.strip("\n") in shown


def test_each_page_has_examples() -> None:
    assert len([one for one in examples() if one.page == "README.md"]) >= 1
    assert len([one for one in examples() if one.page == "docs/files.md"]) >= 10
