"""A feature on its way to a region: what is left of its drawing, what was found, what was mended.

Handed from check to check. Invariants: `polygons` has no empty rings; `shape` is a valid polygon or None; only a draft
with an id and a shape, against which no error stands, becomes a region.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from boundaries.checking.codes import CODES
from boundaries.checking.finding import Finding, Mend, Severity
from boundaries.drawing import Feature, Ring

Place = NDArray[np.float64] | tuple[float, float]
SHOWN_POSITIONS = 200  # of the shape in a finding


@dataclass(slots=True)
class Draft:
    """One feature and what is known of it so far."""

    feature: Feature
    polygons: list[list[Ring]]
    id: str | None = None  # None: it has none that can be used
    shape: BaseGeometry | None = None
    recut: bool = False  # the shape was put together anew, so its winding is not the drawing's
    findings: list[Finding] = field(default_factory=list)
    mended: set[str] = field(default_factory=set)

    @property
    def sound(self) -> bool:
        """Whether it can be a region."""
        standing = (one for one in self.findings if one.mend is not Mend.DONE)
        barred = any(CODES[one.code].severity is Severity.ERROR for one in standing)
        return self.id is not None and self.shape is not None and not barred

    @property
    def label(self) -> str:
        """How to call it in a sentence."""
        return f"region {self.id!r}" if self.id is not None else f"feature {self.feature.row}"

    @property
    def title(self) -> str:
        """The same at the beginning of a sentence."""
        return self.label[0].upper() + self.label[1:]

    def note(
        self,
        code: str,
        what: str,
        *,
        at: Place | None = None,
        shape: BaseGeometry | None = None,
        mend: Mend = Mend.NO,
        **figures: float,
    ) -> None:
        """Write a finding down. Without `at`, the place is the shape's, or the first position that is a number."""
        lon, lat = _place(at, shape, self)
        self.findings.append(
            Finding(
                code=code,
                what=what,
                region=self.id,
                row=self.feature.row,
                lon=lon,
                lat=lat,
                shape=None if shape is None else shown(shape),
                mend=mend,
                figures=figures,
            )
        )
        if mend is Mend.DONE and CODES[code].severity is not Severity.NOTE:
            self.mended.add(code)


def drafts_of(features: Collection[Feature]) -> list[Draft]:
    """A draft of each, empty rings left out."""
    return [
        Draft(feature, [rings for polygon in feature.drawing.polygons if (rings := [r for r in polygon if len(r)])])
        for feature in features
    ]


def shown(shape: BaseGeometry) -> BaseGeometry:
    """A shape small enough to show in a report."""
    for step_deg in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        if shapely.get_num_coordinates(shape) <= SHOWN_POSITIONS:
            return shape
        shape = shapely.simplify(shape, step_deg, preserve_topology=False)
    return shape if shapely.get_num_coordinates(shape) <= SHOWN_POSITIONS else shapely.envelope(shape)


def _place(at: Place | None, shape: BaseGeometry | None, draft: Draft) -> tuple[float | None, float | None]:
    if at is None and shape is not None and not shape.is_empty:
        at = shapely.get_coordinates(shape.representative_point())[0]
    if at is None:
        rings = (ring for polygon in draft.polygons for ring in polygon)
        at = next((ring[good][0] for ring in rings if (good := np.isfinite(ring).all(axis=1)).any()), None)
    return (None, None) if at is None else (float(at[0]), float(at[1]))
