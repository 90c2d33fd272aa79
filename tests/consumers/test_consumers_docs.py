"""docs/consumers: its code is that of examples/, its links lead somewhere, what it says is printed is printed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, run

PAGES = sorted((ROOT / "docs" / "consumers").glob("*.md"))
_CODE = re.compile(r"\[(examples/[^\]]+)\]\(\.\./\.\./\1\)\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#]+)(?:#([^)]+))?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_is_that_of_the_example(page: Path) -> None:
    text = page.read_text()
    shown = _CODE.findall(text)
    assert len(shown) == text.count("```") // 2, "code that is of no example"
    for name, code in shown:
        assert code in (ROOT / name).read_text(), f"{page.name} does not show {name} as it is"


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "examples" / "README.md"], ids=lambda page: page.parent.name + page.stem
)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text()):
        found = page.parent / target
        assert target.startswith("https:") or found.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}, anchor


def test_every_program_is_on_a_page() -> None:
    pages = "".join(page.read_text() for page in PAGES)
    sources = {path for kind in ("py", "java", "ts") for path in (ROOT / "examples").glob(f"*/*.{kind}")}
    missing = {path.name for path in sources if path.name not in pages}
    assert missing == {"from-lines.ts"}


def test_what_the_page_feeds_a_program_with_is_printed_as_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"((?:^    .*\n)+)", (ROOT / "docs" / "consumers" / "README.md").read_text(), re.MULTILINE)
    commands, printed = blocks[-2:]
    demo, _, program = commands.strip().partition(" | ")
    fed = run(*shlex.split(demo)[1:])
    assert fed.status == 0
    words = [sys.executable, *shlex.split(program)[1:]]
    done = subprocess.run(
        [words[0], str(ROOT / words[1])], input=fed.out, stdout=subprocess.PIPE, cwd=tmp_path, check=True
    )
    assert done.stdout.decode().split("\n") == [line[4:] for line in printed.split("\n")]
