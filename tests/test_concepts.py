"""The pages of docs/concepts and those beside them: pictures are what the rule draws, figures and links hold."""

import re
from pathlib import Path

import pytest

from bench.pictures.__main__ import DRAWN, FOLDER
from bench.pictures.accuracy import BEYOND_M, said
from bench.pictures.hysteresis import lanes

DOCS = FOLDER.parent
CONCEPTS = sorted((DOCS / "concepts").glob("*.md"))
PAGES = [*CONCEPTS, *(DOCS / name for name in ("security.md", "faq.md", "capacity.md"))]
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]+)?\)")


def links(page: Path) -> list[tuple[str, str, str]]:
    """Words, path and anchor of every link within the tree."""
    return [one for one in LINK.findall(page.read_text()) if "://" not in one[1]]


def anchors(page: Path) -> set[str]:
    """What its headings are called in links."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_what_the_code_draws(name: str) -> None:
    drawn = DRAWN[name]()
    assert (FOLDER / name).read_text() == drawn, "draw it anew: python -m bench.pictures"
    assert len(drawn) < 60_000
    assert '<rect width="760"' in drawn, "it brings its own background"
    assert "<title" in drawn
    assert "<desc" in drawn


@pytest.mark.parametrize("page", CONCEPTS, ids=lambda page: page.stem)
def test_a_concept_is_short_begins_with_a_question_and_has_its_picture(page: Path) -> None:
    text = page.read_text()
    assert len(text.splitlines()) < 120
    assert re.match(r"# [\w ]+\n\n\*[^*]+\?[^*]*\*\n", text)
    shown = [(words, path) for words, path, _ in links(page) if path.endswith(".svg")]
    assert [path for _, path in shown] == [f"../pictures/{page.stem}.svg"]
    assert all(len(words) > 40 for words, _ in shown), "the picture is told in words"
    assert "glossary.md" in text.split("## Read on")[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    found = links(page)
    assert found
    for _, path, anchor in found:
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), path
        assert not anchor or anchor in anchors(goal), f"{path}{anchor}"


def test_the_changes_that_the_page_counts_are_those_of_the_rules() -> None:
    text = (DOCS / "concepts/hysteresis.md").read_text()
    told = {name: int(count) for name, count in re.findall(r"^\| (.+) \| (\d+) \|$", text, re.MULTILINE)}
    counted = {name: len(lane) - 1 for name, lane in lanes().items()}
    assert {next(name for name in counted if row.startswith(name)): count for row, count in told.items()} == counted
    assert counted["geofence"] == 1 < min(count for name, count in counted.items() if name != "geofence")


def test_what_pings_say_on_the_page_is_what_they_say_to_the_rule() -> None:
    text = " ".join((DOCS / "concepts/accuracy.md").read_text().split())
    values = [said(BEYOND_M, radius) for radius in (10.0, 50.0, 300.0)]
    assert "say {:.1f} at an accuracy of 10 m, {:.1f} at 50 m and {:.1f} at 300 m".format(*values) in text
