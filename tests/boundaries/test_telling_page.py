"""A report's page: what it has, that it carries nothing of a hostile file, and what a real browser makes of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from time import process_time

import pytest
import reports
import shapely
from browser import CHROMIUM, Tab, chromium
from shapely import box
from shapes import sample

from boundaries.checking.finding import Finding
from boundaries.telling import report_page, report_text
from geofence.region import Region

VOID = {"meta", "img", "br", "hr", "input", "link"}
HEADINGS = "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(one => +one.tagName[1])"


class Read(HTMLParser):
    """What is on a page; unbalanced elements fail."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.values: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def levels(self) -> list[int]:
        return [int(tag[1]) for tag in self.tags if tag in ("h1", "h2", "h3", "h4")]


def in_order(levels: list[int]) -> bool:
    """Whether a page begins with its title and never skips a level on the way down."""
    return levels[0] == 1 and levels.count(1) == 1 and all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_the_page_tells_every_finding_with_its_values_and_what_to_do() -> None:
    read = Read(report_page(reports.everything(), reports.TOWN))
    words = " ".join(read.words)
    for finding in reports.everything().findings:
        assert finding.what in words
    assert "Redraw the border between the two." in words
    assert "50.050000° N, 10.099950° E" in words
    assert "7.1 m" in words
    assert "Can’t be published: 2 errors, 1 warning, 1 note." in words
    assert "Before: 41 km²" in words
    assert in_order(read.levels)


def test_links_lead_to_elements_of_the_page_and_ids_are_unique() -> None:
    read = Read(report_page(reports.report(*[reports.overlap(n) for n in range(30)], reports.spike()), reports.TOWN))
    ids = [value for _, name, value in read.values if name == "id"]
    assert len(ids) == len(set(ids))
    links = [value for _, name, value in read.values if name == "href"]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_every_map_says_what_it_shows() -> None:
    read = Read(report_page(reports.everything(), reports.TOWN))
    maps = [value for tag, name, value in read.values if (tag, name) == ("svg", "role")]
    labels = [value for tag, name, value in read.values if (tag, name) == ("svg", "aria-label")]
    assert len(maps) == len(labels) >= 5
    assert all(labels)


def test_nothing_of_a_hostile_file_becomes_part_of_the_page() -> None:
    page = report_page(reports.hostile(), reports.hostile_regions())
    read = Read(page)
    assert not {"script", "img", "iframe", "object", "link"} & set(read.tags)
    assert not [name for _, name, _ in read.values if name.startswith("on") or name == "src"]
    assert all(one.isprintable() or one == "\n" for one in page)
    assert "<b>area" not in page
    assert "alert(1)" in " ".join(read.words)


def test_the_page_loads_nothing_and_forbids_it() -> None:
    page = report_page(reports.everything(), reports.TOWN)
    assert "default-src 'none'" in page
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page


def test_a_page_without_regions_findings_or_places_is_still_one() -> None:
    for told in (reports.report(), reports.report(reports.nameless()), reports.report(reports.overlap())):
        assert in_order(Read(report_page(told, ())).levels)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.MultiPolygon([box(179.9, -17, 180, -16), box(-180, -17, -179.9, -16)]),
        box(-180, -90, 180, -70),
        box(-180, -90, 180, 90),
        box(10, 89.99, 11, 90),
        shapely.Point(180, 90),
        shapely.Point(-180, -90),
        shapely.Point(200, 95),
        shapely.LineString([(0, 0), (1e-12, 0)]),
        shapely.LinearRing([(0, 0), (1, 1), (1, 0), (0, 1)]),
        shapely.GeometryCollection([shapely.Point(0, 0), box(0, 0, 1, 1)]),
    ],
)
def test_any_place_of_the_world_can_be_drawn(shape: shapely.Geometry) -> None:
    middle = shape.bounds
    finding = Finding(code="gap", what="Here.", region="a", lon=middle[0], lat=middle[1], shape=shape)
    regions = [Region("a", shape)] if shape.geom_type.endswith("Polygon") else list(reports.TOWN)
    page = report_page(reports.report(finding), regions)
    assert "nan" not in page
    assert "inf " not in page
    Read(page)


def test_values_and_places_that_are_no_numbers_are_told_as_unknown() -> None:
    nan, inf = float("nan"), float("inf")
    figures = {"area_m2": nan, "width_m": inf, "parts": -inf}
    finding = Finding(code="position_not_finite", what="lon is inf.", region="a", lon=inf, lat=nan, figures=figures)
    told = reports.report(finding)
    assert " ".join(Read(report_page(told, reports.TOWN)).words).count("unknown") == 3
    assert "lon is inf." in report_text(told)


def test_the_page_of_the_counties_is_small_and_quick() -> None:
    regions = sample("us-counties").regions
    places = [regions[row].geometry.representative_point() for row in range(0, len(regions), 10)]
    findings = [
        Finding(code=code, what=f"Number {n}.", region=regions[10 * n].id, lon=place.x, lat=place.y, shape=place)
        for code in ("overlap", "gap", "spike")
        for n, place in enumerate(places)
    ]
    start = process_time()
    page = report_page(reports.report(*findings), regions)
    assert process_time() - start < 3
    assert len(page.encode()) < 2_000_000


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a real browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; install Debian's package `chromium` to run this")
    with chromium(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.mark.parametrize("width_px", [375, 1280])
def test_in_a_real_browser_pages_fit_any_width_and_complain_of_nothing(tab: Tab, tmp_path: Path, width_px: int) -> None:
    for name, told, regions in (
        ("all", reports.everything(), reports.TOWN),
        ("hostile", reports.hostile(), reports.hostile_regions()),
    ):
        path = tmp_path / f"{name}.html"
        path.write_text(report_page(told, regions), encoding="utf-8")
        tab.open(path, width_px=width_px)
        assert tab.complaints == []
        assert tab.value("document.documentElement.scrollWidth") <= width_px
        assert in_order(tab.value(HEADINGS))


def test_in_a_real_browser_the_page_is_dark_where_the_system_is(tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(report_page(reports.everything(), reports.TOWN), encoding="utf-8")
    colours = []
    for dark in (False, True):
        tab.open(path, width_px=800, dark=dark)
        colours.append(tab.value("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(251, 250, 247)", "rgb(21, 25, 28)"]


def test_in_a_real_browser_a_script_in_the_page_would_be_stopped(tab: Tab, tmp_path: Path) -> None:
    page = report_page(reports.everything(), reports.TOWN)
    path = tmp_path / "page.html"
    path.write_text(page.replace("</main>", "<script>document.title = 'taken over'</script></main>"), encoding="utf-8")
    tab.open(path, width_px=800)
    assert tab.value("document.title") == "districts: boundary report"
    assert len(tab.complaints) == 1
