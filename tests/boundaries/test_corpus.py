"""Every file of the corpus gives the findings that it must give, at their places, and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpus import CASES, Case, Expected

from boundaries.checking.check import EVERY_CODE, Checked, check
from boundaries.checking.codes import CODES
from boundaries.checking.finding import Finding, Mend
from boundaries.checking.mends import feature_of
from boundaries.ground import lengths_m
from boundaries.layer import LayerSettings
from boundaries.reading.read import read
from geofence.region import Kind, Version


def _settings(case: Case) -> LayerSettings:
    return LayerSettings(name="corpus", kind=Kind.OVERLAY if case.overlay else Kind.PARTITION)


def _checked(case: Case, folder: Path, fix: frozenset[str] = frozenset()) -> Checked:
    previous = case.previous() if case.previous else None
    reading = read(case.write(folder))
    source = case.source or reading.source
    return check(source, reading.features, _settings(case), found=reading.findings, previous=previous, fix=fix)


def _is(expected: Expected, finding: Finding) -> bool:
    alike = expected.many > 1 or expected.region == finding.region
    if expected.code != finding.code or not alike:
        return False
    if expected.lon is None:
        return True
    lat = finding.lat if expected.lat is None else expected.lat
    away_m = lengths_m(np.array([[expected.lon, lat]], float), np.array([[finding.lon, finding.lat]], float))
    return bool(away_m[0] <= expected.within_m)


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(bool(case.expected) for case in CASES) >= 60


def test_the_corpus_has_every_code() -> None:
    assert {expected.code for case in CASES for expected in case.expected} == set(CODES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_gives_its_findings_and_no_others(case: Case, tmp_path: Path) -> None:
    found = list(_checked(case, tmp_path).report.findings)
    told = [(one.code, one.region, one.lon, one.lat, one.what) for one in found]
    for expected in case.expected:
        alike = [one for one in found if _is(expected, one)]
        assert len(alike) >= expected.many, f"{expected}: {told}"
        for one in alike[: expected.many]:
            found.remove(one)
    assert not found, told


@pytest.mark.parametrize("case", [one for one in CASES if one.name != "too_many_vertices"], ids=lambda one: one.name)
def test_what_is_mended_is_clean_and_mending_again_changes_nothing(case: Case, tmp_path: Path) -> None:
    first = _checked(case, tmp_path, EVERY_CODE)
    assert not [one for one in first.report.findings if one.mend is Mend.OFFERED]
    Version.of("corpus", first.regions)  # refuses what an atlas could not take
    features = [feature_of(region, row) for row, region in enumerate(first.regions)]
    again = check(None, features, _settings(case), fix=EVERY_CODE)
    assert [region.geometry.wkb for region in again.regions] == [region.geometry.wkb for region in first.regions]
    assert not [one.what for one in again.report.findings if one.mend is not Mend.NO]
