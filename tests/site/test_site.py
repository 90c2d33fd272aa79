"""The site: it is built without a complaint, loads nothing from another host, and search works from the disk."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.boundaries.browser import CHROMIUM, Tab, chromium

ROOT = Path(__file__).parents[2]
LOADING = {("a", "href"), ("form", "action")}  # what names an address and loads nothing until somebody asks
ADDRESS = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)
FOUND = "document.querySelectorAll('.md-search-result__item').length"
SEARCH = """(() => {
  document.querySelector('[data-md-toggle=search]').click();
  const box = document.querySelector('[data-md-component=search-query]');
  box.focus();
  box.value = WORD;
  box.dispatchEvent(new Event('keyup'));
})()"""


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(site)]
    environment = {"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1", "LANG": "C.UTF-8"}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    path = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", path)
    assert done.returncode == 0, done.stdout + done.stderr
    return path


class Loads(HTMLParser):
    """Whatever a page names that a browser loads by itself, and the text of its paragraphs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.places: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = dict(attrs)
        if tag == "link" and its.get("rel") in ("canonical", "prev", "next"):
            return
        for name, value in attrs:
            if name in ("src", "href", "srcset", "poster", "data", "action", "style") and (tag, name) not in LOADING:
                self.places.append(value or "")


def test_no_page_and_no_style_sheet_loads_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        loads = Loads(page.read_text("utf-8")).places
        assert [one for one in loads if ADDRESS.match(one) or "url(" in one] == [], page
        assert len(loads) > 5, page
    for sheet in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        named = re.findall(r"url\(\s*['\"]?([^'\")]*)|@import\s+['\"]([^'\"]*)", sheet.read_text("utf-8"))
        assert [one for pair in named for one in pair if ADDRESS.match(one)] == [], sheet


def test_lists_are_lists_and_tables_are_tables(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = re.sub(r"<(pre|script)\b.*?</\1>", "", page.read_text("utf-8"), flags=re.DOTALL)
        for paragraph in re.findall(r"<p>(.*?)</p>", text, re.DOTALL):
            assert not re.search(r"^(- |1\. |\||```)", paragraph, re.MULTILINE), (page, paragraph)


def test_a_link_out_of_the_pages_leads_to_a_page_with_its_title_or_is_a_path(site: Path) -> None:
    front, samples = (site / "index.html").read_text("utf-8"), (site / "samples.html").read_text("utf-8")
    assert '<a href="samples.html">Sample data</a>' in front
    assert '<a href="decisions/index.html">decisions/</a>' in front
    assert '<a href="quickstart.html">Quick start</a>' in front
    assert "<code>docs/schemas</code>" in front
    assert ".md)" not in samples
    assert "<h1" in samples
    for page in site.rglob("*.html"):
        assert not re.search(r"<a [^>]*>[^<]*\w\.md</a>", page.read_text("utf-8")), page


def test_a_link_that_leads_nowhere_and_a_page_that_nobody_finds_fail_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copytree(ROOT / "docs" / "site", tmp_path / "docs" / "site")
    for folder in ("data", "examples"):
        (tmp_path / folder).mkdir()
    for name in ("README.md", "ROADMAP.md", "CHANGELOG.md", "data/README.md", "examples/README.md"):
        (tmp_path / name).write_text(f"# {name}\n")
    config = tmp_path / "mkdocs.yml"
    settings = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[0]
    config.write_text(f"{settings}\nnav: ['*', samples.md, examples.md, roadmap.md, changelog.md]\n")
    wrong = "# T\n\n[a](../no.py) [b](no.md) [c](#no) [d](two.md#no)"
    (tmp_path / "docs" / "README.md").write_text(wrong)
    (tmp_path / "docs" / "two.md").write_text("# Two\n")
    (tmp_path / "docs" / "apart").mkdir()
    (tmp_path / "docs" / "apart" / "three.md").write_text("# Three\n")
    done = build(config, tmp_path / "site")
    assert done.returncode == 1
    for said in ("../no.py", "'no.md'", "'#no'", "'two.md#no'", "apart/three.md"):
        assert said in done.stderr, done.stderr


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a real browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; install Debian's package `chromium` to run this")
    with chromium(tmp_path_factory.mktemp("profile")) as one:
        yield one


def strangers(tab: Tab) -> list[str]:
    """What the page complained of, but for pictures that stand in the page itself."""
    return [one for one in tab.complaints if not json.loads(one).get("request", {}).get("url", "").startswith("data:")]


@pytest.mark.parametrize(("width_px", "dark"), [(375, True), (1280, False)])
def test_in_a_real_browser_pages_come_whole_from_the_disk(tab: Tab, site: Path, width_px: int, *, dark: bool) -> None:
    for name in ("index.html", "explain.html", "reference/http/pings.html"):
        tab.open(site / name, width_px=width_px, dark=dark)
        assert strangers(tab) == [], name
        assert tab.value("document.documentElement.scrollWidth") <= width_px, name
        broken = "[...document.images].filter(one => !(one.complete && one.naturalWidth)).map(one => one.src)"
        assert tab.value(broken) == [], name
        light = "rgb(255, 255, 255)"
        assert (tab.value("getComputedStyle(document.body).backgroundColor") == light) is not dark, name


def test_in_a_real_browser_search_from_the_disk_finds_a_word(tab: Tab, site: Path) -> None:
    tab.open(site / "operations" / "index.html", width_px=1280)
    assert tab.value(FOUND) == 0
    tab.value(SEARCH.replace("WORD", json.dumps("hysteresis")))
    end = time.monotonic() + 60
    while not tab.value(FOUND) and time.monotonic() < end:
        time.sleep(0.02)
    found = tab.value("[...document.querySelectorAll('.md-search-result__link')].map(one => one.href)")
    assert any("/detection.html" in one for one in found), found
    assert strangers(tab) == []
