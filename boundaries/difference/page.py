"""A difference as one page of HTML with maps, to look at before publishing.

Invariant: every change is told; those that move most ground come first and get maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry

from boundaries.difference.change import Difference, Merged, Place, Reidentified, Reshaped, Split
from boundaries.difference.ground_maps import before_and_after, of_place, of_reshaped, whole
from boundaries.difference.side import Side
from boundaries.difference.text import ground_of, sections, summary, value
from boundaries.maps.backdrop import Backdrop
from boundaries.maps.sheet import Sheet
from boundaries.pages.page import figure, maps, page, table, text
from boundaries.wording import change_m2, square_metres

MAPS = 40  # changes that get maps
LINES = 200
_AREA, _LINE = "M0 0h220v140H0z", "M0 70h220"
_SIGNS = (
    ("gained", _AREA, "gained or added"),
    ("lost", _AREA, "lost or removed"),
    ("old", _LINE, "border before"),
    ("new", _LINE, "border after"),
)
_KEY = "".join(
    '<li><svg class="sign" aria-hidden="true">'
    f'<path class="{style}" transform="scale(.1)" d="{drawn}"/></svg>{says}</li>'
    for style, drawn, says in _SIGNS
)


@dataclass(frozen=True, slots=True)
class _Card:
    """One change of ground, and how to draw it."""

    title: str  # plain, not HTML
    told: str
    ground_m2: float
    shape: BaseGeometry
    draw: Callable[[], list[Sheet]]
    captions: tuple[str, ...] = ("The change", "The whole region; the frame is the other map")


def difference_page(difference: Difference, old: Side, new: Side, *, layer: str = "") -> str:
    """A page that shows what changed from one side to the other."""
    before, after = Backdrop(old.regions), Backdrop(new.regions)
    cards = sorted(_cards(difference, before, after), key=lambda card: -card.ground_m2)
    body = [_overview(difference, cards, after), _settings(difference), *_ground(cards), *_listed(difference)]
    style = "fine" if difference.nothing else "note"
    head = (
        f'<p class="eyebrow">What changes</p><h1>{text(layer) if layer else "Two versions"}</h1>'
        f'<p class="verdict {style}">{summary(difference)}</p>'
    )
    return page(title=f"{layer}: what changes" if layer else "What changes", head=head, body="".join(body))


def _overview(difference: Difference, cards: list[_Card], after: Backdrop) -> str:
    sheet = whole(difference, after, [card.shape for card in cards[:MAPS]])
    if sheet is None:
        return ""
    key = f'<ul class="key">{_KEY}</ul>' if cards else ""
    caption = "Each number is a change below, those that move most ground first." if cards else ""
    return f"<section><h2>Overview</h2>{key}{figure(sheet, caption)}</section>"


def _settings(difference: Difference) -> str:
    if not difference.settings:
        return ""
    rows = [(text(one.name), text(value(one.before)), text(value(one.after))) for one in difference.settings]
    return f"<section><h2>Settings</h2>{table(('Setting', 'Before', 'After'), rows, numbers=2)}</section>"


def _cards(difference: Difference, before: Backdrop, after: Backdrop) -> Iterator[_Card]:
    yield from (_of_reshaped(one, before, after) for one in difference.reshaped)
    yield from (_of_place(place, "Added", after, "gained") for place in difference.added)
    yield from (_of_place(place, "Removed", before, "lost") for place in difference.removed)
    yield from (_of_split(one, before, after) for one in difference.split)
    yield from (_of_merged(one, before, after) for one in difference.merged)
    yield from (_of_other_id(one, before, after) for one in difference.reidentified)


def _of_reshaped(one: Reshaped, before: Backdrop, after: Backdrop) -> _Card:
    told = (
        f"{ground_of(one).capitalize()}; area "
        f"{change_m2(one.before_m2, one.after_m2)}; {one.overlap:.2%} of the ground is shared."
    )
    shape = one.gained if one.gained is not None else one.lost
    return _Card(
        f"{_called(one.id, one.name)} reshaped",
        told,
        one.gained_m2 + one.lost_m2,
        shape if shape is not None else after.shapes[0],
        lambda: of_reshaped(one, before, after),
    )


def _of_place(place: Place, word: str, backdrop: Backdrop, style: str) -> _Card:
    return _Card(
        f"{_called(place.id, place.name)} {word.lower()}",
        f"{word}, {square_metres(place.area_m2)}.",
        place.area_m2,
        place.shape,
        lambda: of_place(place, backdrop, style),
    )


def _of_split(one: Split, before: Backdrop, after: Backdrop) -> _Card:
    pieces = ", ".join(f"{_called(place.id, place.name)} ({square_metres(place.area_m2)})" for place in one.after)
    return _Card(
        f"{_called(one.before.id, one.before.name)} split into {len(one.after)}",
        f"{square_metres(one.before.area_m2)} became {pieces}.",
        sum(place.area_m2 for place in one.after if place.id != one.before.id),
        one.before.shape,
        lambda: before_and_after([one.before, *one.after], before, after),
        ("Before", "After"),
    )


def _of_merged(one: Merged, before: Backdrop, after: Backdrop) -> _Card:
    pieces = ", ".join(f"{_called(place.id, place.name)} ({square_metres(place.area_m2)})" for place in one.before)
    return _Card(
        f"{len(one.before)} merged into {_called(one.after.id, one.after.name)}",
        f"{pieces} became one of {square_metres(one.after.area_m2)}.",
        sum(place.area_m2 for place in one.before if place.id != one.after.id),
        one.after.shape,
        lambda: before_and_after([one.after, *one.before], before, after),
        ("Before", "After"),
    )


def _of_other_id(one: Reidentified, before: Backdrop, after: Backdrop) -> _Card:
    told = f"The very shape of {one.before} ({square_metres(one.area_m2)}) is now {_called(one.after, one.name)}."
    places = [Place(id=ident, name=one.name, area_m2=one.area_m2, shape=one.shape) for ident in (one.before, one.after)]
    return _Card(
        f"{one.before} is now {_called(one.after, one.name)}",
        told,
        one.area_m2,
        one.shape,
        lambda: before_and_after(places, before, after, by_id=True),
        ("Before", "After"),
    )


def _ground(cards: list[_Card]) -> Iterator[str]:
    if not cards:
        return
    yield "<section><h2>Ground that changes</h2>"
    for number, card in enumerate(cards[:MAPS], 1):
        drawn = [figure(sheet, caption) for sheet, caption in zip(card.draw(), card.captions, strict=False)]
        yield (
            f'<article class="card" id="c{number}"><h3>{number}. {text(card.title)}</h3>'
            f"<p>{text(card.told, longest=1000)}</p>{maps(drawn)}</article>"
        )
    if len(cards) > MAPS:
        yield f"<p>The other {len(cards) - MAPS:,} are in the lists below.</p>"
    yield "</section>"


def _listed(difference: Difference) -> Iterator[str]:
    told = [(title, lines) for title, lines in sections(difference) if title != "Settings"]
    if not told:
        return
    yield "<section><h2>All changes</h2>"
    for title, lines in told:
        items = "".join(f"<li>{text(line, longest=1000)}</li>" for line in lines[:LINES])
        rest = f"<p>And {len(lines) - LINES:,} more.</p>" if len(lines) > LINES else ""
        yield f"<h3>{title} ({len(lines):,})</h3><ul>{items}</ul>{rest}"
    yield "</section>"


def _called(ident: str, name: str) -> str:
    return f"{ident} {name}" if name else ident
