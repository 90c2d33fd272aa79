"""All checks of a region file, and the report of what they found.

Between reading and whoever publishes or tells. Invariants: every region that is handed on is valid, and no error
stands against it; what was mended is checked again like a new file, so what the report calls done is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import shapely

from boundaries.checking.between import check_between
from boundaries.checking.codes import CODES, severity_of
from boundaries.checking.draft import Draft
from boundaries.checking.finding import Finding, Mend, Mended, Report, Severity, Source
from boundaries.checking.listing import listed
from boundaries.checking.mending_between import mend_between
from boundaries.checking.mends import feature_of, joined, mended_shapes
from boundaries.checking.shapes import Shapes, check_shapes
from boundaries.drawing import Feature
from boundaries.layer import LayerSettings
from geofence.region import Region

ROUNDS = 8  # of mending between regions, and of what it bares
EVERY_CODE = frozenset(CODES)  # for `fix`: mend whatever can be
Progress = Callable[[str, float], None]  # what is done just now, and how much of it, 0 to 1


@dataclass(frozen=True, slots=True)
class Checked:
    """The report, and the regions that can be used; a file can be published if its report has no errors."""

    report: Report
    regions: tuple[Region, ...]


def check(
    source: Source | None,
    features: Sequence[Feature],
    settings: LayerSettings,
    *,
    found: Sequence[Finding] = (),
    previous: Sequence[Region] | None = None,
    fix: Collection[str] = frozenset(),
    progress: Progress | None = None,
) -> Checked:
    """Judge a file's features, mend what `fix` names, and report. `found` is what reading has found already."""
    tell = progress or _in_silence
    tell("single shapes", 0.0)
    shapes = check_shapes(features, source=source, previous=previous, fix=fix)
    mended = mended_shapes(shapes.drafts)
    left = _left(shapes) if mended else []
    tell("single shapes", 1.0)
    regions, between, more = _together(shapes, settings, _comparable(shapes, previous), fix, progress)
    findings = _without_echoes([*found, *shapes.findings, *left, *between])
    tell("report", 1.0)
    report = Report(
        layer=settings.name,
        kind=settings.kind.value,
        source=source,
        features=len(features),
        regions=len(regions),
        vertices=int(sum(shapely.get_num_coordinates(region.geometry) for region in regions)),
        findings=listed(findings),
        mended=joined([*mended, *more]),
    )
    return Checked(report, tuple(regions))


def _together(
    shapes: Shapes,
    settings: LayerSettings,
    previous: Sequence[Region] | None,
    fix: Collection[str],
    progress: Progress | None,
) -> tuple[list[Region], list[Finding], list[Mended]]:
    """The regions that can be used, what is wrong between them, and what of it was mended.

    A region with an error takes part as it would be if it were mended, so that nothing else is said to be missing.
    """
    regions = [_region(draft) for draft in shapes.drafts if draft.sound]
    stand_ins = [_region(draft) for draft in shapes.drafts if not draft.sound and draft.id and draft.shape is not None]
    before = check_between([*regions, *stand_ins], settings, previous, progress)
    mended: list[Mended] = []
    now = before
    if not stand_ins and any(one.mend is Mend.OFFERED and one.code in fix for one in before):
        regions, mended, now = _mended_between(regions, settings, before, previous, fix)
    now = [_stayed(one) if one.mend is Mend.OFFERED and one.code in fix else one for one in now]
    present = {draft.feature.id for draft in shapes.drafts}
    findings = [one for one in now if one.code != "region_vanished" or one.region not in present]
    return regions, [*findings, *_gone(before, now, fix)], mended


def _mended_between(
    regions: list[Region],
    settings: LayerSettings,
    found: Sequence[Finding],
    previous: Sequence[Region] | None,
    fix: Collection[str],
) -> tuple[list[Region], list[Mended], list[Finding]]:
    """The regions mended between each other, what was done, and what is found now.

    What one mend bares, such as positions nearly the same, the next one takes, so that nothing is left for another run.
    Where mends undo each other for ever, such as an overlap and a spike in it, the first of the rounds with the least
    left to mend is the one that counts: another run comes to the same and changes nothing.
    """

    def offered(found: Sequence[Finding]) -> int:
        return sum(one.mend is Mend.OFFERED and one.code in fix for one in found)

    rounds = [(regions, list[Mended](), list(found))]
    for _ in range(ROUNDS):
        regions, mended, now = rounds[-1]
        regions, between = mend_between(regions, settings, now, frozenset(fix))
        if not between:
            return rounds[-1]
        again = check_shapes([feature_of(region, row) for row, region in enumerate(regions)], fix=fix)
        regions = [_region(draft) for draft in again.drafts if draft.sound]
        mended = [*mended, *between, *mended_shapes(again.drafts)]
        rounds.append((regions, mended, check_between(regions, settings, previous)))
    return min(rounds, key=lambda one: offered(one[2]))


def _stayed(finding: Finding) -> Finding:
    """What was to be mended and could not be."""
    what = f"{finding.what} It could not be mended as things are: correct the errors around it first, or redraw it."
    return replace(finding, what=what, mend=Mend.NO)


def _gone(before: Sequence[Finding], now: Sequence[Finding], fix: Collection[str]) -> list[Finding]:
    """What was found before, and is no more."""
    left = {(one.code, one.region, one.other) for one in now}
    gone = [one for one in before if one.code in fix and (one.code, one.region, one.other) not in left]
    return [replace(one, mend=Mend.DONE) for one in gone]


def _left(shapes: Shapes) -> list[Finding]:
    """What mending has left or brought that was not told before."""
    told = {(one.code, one.region) for one in shapes.findings}
    sound = [draft for draft in shapes.drafts if draft.sound]
    again = check_shapes([feature_of(_region(draft), draft.feature.row) for draft in sound])
    return [one for one in again.findings if (one.code, one.region) not in told]


def _comparable(shapes: Shapes, previous: Sequence[Region] | None) -> Sequence[Region] | None:
    """The version before; not where lon and lat are exchanged throughout, or else every region would have jumped."""
    exchanged = any(one.code == "lon_lat_swapped" and one.mend is not Mend.DONE for one in shapes.whole)
    return None if exchanged else previous


def _without_echoes(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out that there are no regions where another error has said why."""
    errors = [one for one in findings if severity_of(one) is Severity.ERROR and one.code != "no_regions"]
    return [one for one in findings if one.code != "no_regions" or not errors]


def _region(draft: Draft) -> Region:
    return Region(str(draft.id), draft.shape, draft.feature.name, draft.feature.properties)


def _in_silence(what: str, share: float) -> None:
    del what, share
