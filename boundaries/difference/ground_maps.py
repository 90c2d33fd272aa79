"""The maps of a difference's page: the whole layer with what changed, and each change before and after.

Between `boundaries.maps` and `page`. Gained ground is green with crosses, lost ground red with stripes and a broken
edge, so that the two can be told apart without their colours.
"""

from __future__ import annotations

from collections.abc import Sequence

from shapely.geometry.base import BaseGeometry

from boundaries.difference.change import Difference, Place, Reshaped
from boundaries.maps import closeup
from boundaries.maps.backdrop import Backdrop
from boundaries.maps.pins import Spot, pinned
from boundaries.maps.sheet import Sheet
from boundaries.maps.window import box_of


def whole(difference: Difference, backdrop: Backdrop, numbered: Sequence[BaseGeometry]) -> Sheet | None:
    """All of the layer, ground that changed on it, some of it numbered; None: there is nothing to draw."""
    gained, lost = _ground(difference)
    box = box_of([*backdrop.shapes, *gained, *lost])
    if box is None:
        return None
    sheet = closeup.whole(box, backdrop, title="Map of the layer with the ground that changed")
    sheet.shapes(gained, "gained")
    sheet.shapes(lost, "lost")
    spots = [Spot(number, *_middle(shape), "note") for number, shape in enumerate(numbered, 1)]
    sheet.pins(pinned(spots, sheet.window), to="c")
    sheet.scale_bar()
    return sheet


def _middle(shape: BaseGeometry) -> tuple[float, float]:
    west, south, east, north = box_of([shape]) or (0.0, 0.0, 0.0, 0.0)
    return (west + east) / 2, (south + north) / 2


def _ground(difference: Difference) -> tuple[list[BaseGeometry], list[BaseGeometry]]:
    gained = [place.shape for place in difference.added]
    lost = [place.shape for place in difference.removed]
    gained += [one.gained for one in difference.reshaped if one.gained is not None]
    lost += [one.lost for one in difference.reshaped if one.lost is not None]
    return gained, lost


def of_reshaped(one: Reshaped, old: Backdrop, new: Backdrop) -> list[Sheet]:
    """Where a region gained and lost ground, and all of the region if it is much larger."""
    changed = [shape for shape in (one.gained, one.lost) if shape is not None]
    box, before, after = box_of(changed), old.region(one.id), new.region(one.id)
    if box is None or before is None or after is None:
        return []
    close = Sheet(closeup.near(box), title=f"Map of the ground that region {one.id} gained and lost")
    close.neighbours(new)
    close.shapes([shape for shape in (one.gained,) if shape is not None], "gained", found_anywhere=True)
    close.shapes([shape for shape in (one.lost,) if shape is not None], "lost", found_anywhere=True)
    close.shapes([before.geometry], "old")
    close.shapes([after.geometry], "new")
    close.scale_bar()
    around = closeup.around(after.geometry, close.window, "mark note", new)
    return [close] if around is None else [close, around]


def of_place(place: Place, backdrop: Backdrop, style: str) -> list[Sheet]:
    """A region that was added or removed, among the regions of one side."""
    box = box_of([place.shape])
    if box is None:
        return []
    sheet = Sheet(closeup.near(box), title=f"Map of region {place.id}, {style}")
    sheet.neighbours(backdrop)
    sheet.shapes([place.shape], style)
    sheet.scale_bar()
    return [sheet]


def before_and_after(places: Sequence[Place], old: Backdrop, new: Backdrop, *, by_id: bool = False) -> list[Sheet]:
    """The same ground on both sides, the regions in question with a bold edge."""
    box = box_of([place.shape for place in places])
    if box is None:
        return []
    names = " and ".join(sorted({place.id for place in places}))
    sheets = []
    for backdrop, when in ((old, "before"), (new, "after")):
        sheet = Sheet(closeup.near(box, spare=0.2), title=f"Map of the ground of {names} {when} the change")
        sheet.neighbours(backdrop, by_id=by_id)
        involved = [region.geometry for place in places if (region := backdrop.region(place.id)) is not None]
        sheet.shapes(involved, "own")
        sheet.scale_bar()
        sheets.append(sheet)
    return sheets
