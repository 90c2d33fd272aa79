"""A hook of mkdocs: what links in the repository means the same on the site.

A few files from elsewhere are pages of the site (`SHOWN`). Links to other files outside of docs/ become their path as
text; one that does not exist is a warning, which fails a strict build. Where the text of a link is the name of a page's
file, the page's title stands there. An entry of the navigation may be a pattern, such as `decisions/*`. Invariant:
nothing under docs/ has to be written otherwise because there is a site.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SHOWN = {
    "data/README.md": "samples.md",
    "examples/README.md": "examples.md",
    "ROADMAP.md": "roadmap.md",
    "CHANGELOG.md": "changelog.md",
}
_STAND_INS = {ROOT / "README.md": "README.md"} | {ROOT / place: name for place, name in SHOWN.items()}
_FRONT = "README.md"  # the page of a folder
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\[]+)\]\((?P<place>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")
_log = logging.getLogger("mkdocs.hooks.outside")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that there are in place of patterns."""
    config.nav = _expanded(config.nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from elsewhere."""
    for place, name in SHOWN.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / place)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turn the links that lead out, or to a folder."""
    return _LINK.sub(lambda found: _turned(found, page.file), markdown)


def _expanded(entries: list[Any]) -> list[Any]:
    made: list[Any] = []
    for entry in entries:
        if isinstance(entry, str) and "*" in entry:
            made += sorted((str(one.relative_to(DOCS)) for one in DOCS.glob(f"{entry}.md")), key=_front_first)
        elif isinstance(entry, dict):
            made += [{title: _expanded(its) if isinstance(its, list) else its} for title, its in entry.items()]
        else:
            made.append(entry)
    return made


def _front_first(place: str) -> tuple[bool, str]:
    return not place.endswith(_FRONT), place


def _turned(found: re.Match[str], page: File) -> str:
    """The link as it has to be on the site."""
    source = Path(page.abs_src_path or "")
    target = Path(os.path.normpath(source.parent / found["place"]))
    name = _page_of(target)
    if name is not None:
        way = os.path.relpath(name, Path(page.src_uri).parent)
        shown = _title(name) if found["text"] in (found["place"], Path(found["place"]).name) else found["text"]
        return f"[{shown}]({way}{found['anchor'] or ''})"
    if not target.exists() or not target.is_relative_to(ROOT):
        _log.warning("%s has a link to %s, which there is not", source.relative_to(ROOT), found["place"])
    path, text = os.path.relpath(target, ROOT), found["text"].strip("`")
    return f"`{path}`" if text == found["place"] or path.endswith(text) else f"{found['text']} (`{path}`)"


def _title(name: str) -> str:
    """What the page says that it is."""
    from_elsewhere = {page: ROOT / place for place, page in SHOWN.items()}
    place = from_elsewhere.get(name, DOCS / name)
    if place.suffix != ".md" or not place.exists():
        return name
    head = place.read_text("utf-8").partition("\n")[0]
    return head.removeprefix("# ").strip() if head.startswith("# ") else name


def _page_of(target: Path) -> str | None:
    """The place on the site of what a link leads to; None: it is not there."""
    if target in _STAND_INS:
        return _STAND_INS[target]
    if not target.is_relative_to(DOCS):
        return None
    if target.is_dir():
        return _page_of(target / _FRONT) if (target / _FRONT).exists() else None
    return str(target.relative_to(DOCS))
