"""Reports as checks make them, one of them with names that mean harm, and the regions around their findings."""

from __future__ import annotations

import shapely
from shapely import box

from boundaries.checking.finding import Finding, Mend, Mended, Report, Source
from geofence.region import Region

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e'\"&"
SOURCE = Source(
    file="town.zip",
    size=12_345,
    format="ESRI Shapefile",
    inner="districts",
    crs="EPSG:25832, ETRS89 / UTM zone 32N",
    operation="Inverse of UTM zone 32N",
    operation_m=1.0,
    encoding="ISO-8859-1",
    id_from="property KEY",
    name_from="property NAME",
    guessed=True,
    attributes=("KEY", "NAME"),
)
TOWN = (
    Region("a", box(10.0, 50.0, 10.1, 50.1), "Altstadt"),
    Region("b", box(10.0999, 50.0, 10.2, 50.1), "Berg"),
    Region("c", box(10.0, 50.1, 10.2, 50.15), "Cellerberg"),
)


def overlap(number: int = 0) -> Finding:
    """An error: a and b share a strip."""
    strip = box(10.0999, 50.0 + number / 1000, 10.1, 50.1)
    return Finding(
        code="overlap",
        what=f"a and b overlap, up to 7.1 m wide ({number}).",
        region="a",
        other="b",
        lon=10.09995,
        lat=50.05,
        shape=strip,
        mend=Mend.OFFERED,
        figures={"area_m2": 79_000.0, "width_m": 7.1},
    )


def nameless() -> Finding:
    """An error about a feature, without id and place."""
    return Finding(code="id_missing", what="Feature 7 has no id.", row=7)


def spike() -> Finding:
    """A warning with a line to show."""
    line = shapely.LineString([(10.15, 50.12), (10.1501, 50.1201)])
    return Finding(code="spike", what="A spike of 13 m.", region="c", lon=10.15, lat=50.12, shape=line)


def turned() -> Finding:
    """A note about what was done."""
    return Finding(code="winding_turned", what="The ring was turned.", region="c", mend=Mend.DONE)


def report(*findings: Finding, mended: tuple[Mended, ...] = (), layer: str = "districts") -> Report:
    """A report of these findings."""
    return Report(
        layer=layer,
        kind="partition",
        source=SOURCE,
        features=4,
        regions=3,
        vertices=15,
        findings=findings,
        mended=mended,
    )


def bow_tie() -> Mended:
    """A region that crossed itself, and what it became."""
    before = shapely.Polygon([(10.0, 50.1), (10.2, 50.15), (10.2, 50.1), (10.0, 50.15)])
    after = shapely.make_valid(before, method="structure", keep_collapsed=False)
    return Mended(region="c", codes=("ring_crosses",), before_m2=4.1e7, after_m2=4.0e7, before=before, after=after)


def everything() -> Report:
    """A bit of everything."""
    return report(overlap(), nameless(), spike(), turned(), mended=(bow_tie(),))


def hostile() -> Report:
    """Every text that can come from a file is an attack."""
    finding = Finding(
        code="overlap",
        what=HOSTILE,
        region=HOSTILE,
        other=HOSTILE,
        row=1,
        lon=10.1,
        lat=50.05,
        shape=box(10.09, 50.04, 10.1, 50.05),
        figures={"<b>area_m2": 1.0},
    )
    source = Source(
        file=HOSTILE,
        size=1,
        format="GeoJSON",
        inner=HOSTILE,
        crs=HOSTILE,
        operation=HOSTILE,
        encoding=HOSTILE,
        id_from=HOSTILE,
        name_from=HOSTILE,
    )
    tie = bow_tie()
    mended = Mended(region=HOSTILE, codes=("spike",), before_m2=1.0, after_m2=1.0, before=tie.before, after=tie.after)
    return Report(
        layer=HOSTILE,
        kind="partition",
        source=source,
        features=1,
        regions=1,
        vertices=5,
        findings=(finding, *[finding] * 8),
        mended=(mended,),
    )


def hostile_regions() -> tuple[Region, ...]:
    """One whose id and name are attacks."""
    return (Region(HOSTILE, box(10.0, 50.0, 10.2, 50.1), HOSTILE),)
