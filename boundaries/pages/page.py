"""A page as one file of HTML, and the pieces that pages are made of.

Used by `telling` and `difference`. Invariants: a page loads and runs nothing, and says so to the browser by a content
security policy of its own; `text` is the only way for a text from a file onto a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from boundaries.maps.sheet import Sheet
from boundaries.pages.style import STYLE
from boundaries.wording import shown

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PATTERNS = (  # ten times as large, as paths are drawn in tenths of a pixel
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
    '<pattern id="gained" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="scale(10)">'
    '<rect width="7" height="7" style="fill:var(--gain);opacity:.22"/>'
    '<path d="M3.5 1v5M1 3.5h5" style="stroke:var(--gain);stroke-width:1.3"/></pattern>'
    '<pattern id="lost" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="scale(10) rotate(45)">'
    '<rect width="6" height="6" style="fill:var(--loss);opacity:.18"/>'
    '<path d="M0 0v6" style="stroke:var(--loss);stroke-width:2.4"/></pattern></defs></svg>'
)


def text(said: str, *, longest: int = 400) -> str:
    """A text from a file as it may stand on a page: escaped, its direction kept to itself."""
    return f"<bdi>{escape(shown(said, longest=longest))}</bdi>"


def page(*, title: str, head: str, body: str) -> str:
    """The whole file."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="referrer" content="no-referrer"><title>{escape(shown(title))}</title>'
        f"<style>{STYLE}</style></head><body>{_PATTERNS}"
        f'<div class="sheet"><header>{head}</header><main>{body}</main></div></body></html>\n'
    )


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values, both HTML already, without those that have no value."""
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in pairs if value)
    return f'<dl class="facts">{rows}</dl>' if rows else ""


def figure(sheet: Sheet, caption: str = "") -> str:
    """A map and what stands below it, which is HTML already."""
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure>{sheet.svg()}{below}</figure>"


def maps(figures: Sequence[str]) -> str:
    """Maps beside each other."""
    return f'<div class="maps">{"".join(figures)}</div>'


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 1) -> str:
    """A table of HTML already; the last `numbers` columns are numbers."""
    first = len(columns) - numbers

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=many' if place >= first else ''}{' scope=col' if tag == 'th' else ''}>{cell}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', columns)}</tr></thead><tbody>{body}</tbody></table>"
