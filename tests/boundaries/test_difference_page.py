"""A difference's page: what it has, and what a real browser makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import reports
from browser import CHROMIUM, chromium
from edits import Edited, edited
from hypothesis import given, settings
from shapely import box
from test_telling_page import HEADINGS, Read, in_order

from boundaries.difference import Side, compare, difference_page
from geofence.region import Region
from geofence.rule import Rule


def page_of(old: Side, new: Side, layer: str = "cells") -> str:
    return difference_page(compare(old, new), old, new, layer=layer)


@given(edited())
@settings(max_examples=12)
def test_every_change_of_ground_gets_a_card_with_a_map(made: Edited) -> None:
    old, new = Side(regions=tuple(made.old.values())), Side(regions=tuple(made.new.values()))
    found = compare(old, new)
    read = Read(difference_page(found, old, new, layer="cells"))
    kinds = (found.added, found.removed, found.reshaped, found.split, found.merged, found.reidentified)
    assert read.tags.count("article") == sum(map(len, kinds))
    assert read.tags.count("figure") >= read.tags.count("article") + 1
    assert in_order(read.levels)


def test_gained_and_lost_ground_differ_in_pattern_and_are_explained() -> None:
    old = Side(regions=(Region("a", box(10, 50, 10.1, 50.1)),))
    page = page_of(old, Side(regions=(Region("a", box(10.01, 50, 10.11, 50.1)),)))
    assert "url(#gained)" in page
    assert "url(#lost)" in page
    assert 'id="gained"' in page
    assert 'id="lost"' in page
    words = " ".join(Read(page).words)
    assert "gained or added" in words
    assert "lost or removed" in words


def test_nothing_of_a_hostile_version_becomes_part_of_the_page() -> None:
    old = Side(regions=reports.hostile_regions())
    moved = Region(reports.HOSTILE, box(10.0, 50.0, 10.25, 50.1), reports.HOSTILE + "2", {reports.HOSTILE: "<b>"})
    page = page_of(old, Side(regions=(moved, Region("<i>", box(11, 50, 12, 51)))), layer=reports.HOSTILE)
    read = Read(page)
    assert not {"script", "img", "i", "b"} & set(read.tags)
    assert all(one.isprintable() or one == "\n" for one in page)


@pytest.mark.parametrize("side", [Side(regions=()), Side(regions=reports.TOWN)])
def test_a_page_of_no_change_says_so(side: Side) -> None:
    read = Read(page_of(side, side))
    assert "Nothing changed" in " ".join(read.words)
    assert in_order(read.levels)


def test_a_layer_that_is_retired_and_one_that_begins_can_be_shown() -> None:
    nothing, town = Side(regions=()), Side(regions=reports.TOWN)
    for old, new in ((nothing, town), (town, nothing)):
        assert Read(page_of(old, new)).tags.count("article") == 3


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; install Debian's package `chromium`")
def test_in_a_real_browser_the_page_fits_a_phone_and_complains_of_nothing(tmp_path: Path) -> None:
    old = Side(regions=reports.TOWN)
    new = Side(
        regions=(*reports.TOWN[1:], Region("d", box(10.0, 50.0, 10.05, 50.1), "Dorf")), rule=Rule.preset("strict")
    )
    path = tmp_path / "page.html"
    path.write_text(page_of(old, new), encoding="utf-8")
    with chromium(tmp_path / "profile") as tab:
        tab.open(path, width_px=375)
        assert tab.complaints == []
        assert tab.value("document.documentElement.scrollWidth") <= 375
        assert in_order(tab.value(HEADINGS))
