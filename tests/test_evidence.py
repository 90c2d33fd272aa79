"""What one ping says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geofence.evidence import cap_m, caps_m, confidence_of, deep_m, doubt, freshness, log_odds, sigma_m
from geofence.ground import ground_m, offset_m
from geofence.hysteresis import BALANCED, Rule

RULE = BALANCED.packed()[0]
METRES = st.floats(0.0, 50_000.0)
NAN = float("nan")


@pytest.mark.parametrize(
    ("confidence", "radius_in_sigmas"),
    [(0.68, 1.5096), (NAN, 1.5096), (0.95, 2.4477), (0.5, 1.1774), (0.99, 3.0349)],
)
def test_a_stated_confidence_says_how_many_sigmas_a_radius_is(confidence: float, radius_in_sigmas: float) -> None:
    assert sigma_m(100.0, confidence, RULE) == pytest.approx(1.8 * 100.0 / radius_in_sigmas, rel=1e-4)


def test_no_fix_is_believed_to_better_than_the_floor() -> None:
    assert sigma_m(1.0, NAN, RULE) == sigma_m(8.0, NAN, RULE)


@pytest.mark.parametrize("absent", [NAN, 0.0, -1.0])
def test_a_missing_accuracy_counts_as_100_m(absent: float) -> None:
    assert cap_m(absent, NAN, RULE) == cap_m(100.0, NAN, RULE)


@given(st.floats(1.0, 1e9), st.sampled_from([NAN, 0.05, 0.5, 0.68, 0.95]))
def test_a_distance_beyond_the_cap_says_nothing_more(accuracy_m: float, confidence: float) -> None:
    cap, sigma = cap_m(accuracy_m, confidence, RULE), sigma_m(accuracy_m, confidence, RULE)
    assert cap == min(4.0 * sigma, 50_000.0)
    if cap < 50_000.0:
        assert log_odds(cap * 1.001, sigma, 0.01) == log_odds(cap * 100, sigma, 0.01)


def test_the_caps_of_a_column_are_those_of_its_rows() -> None:
    accuracies, confidences = np.array([NAN, 5.0, 80.0, 1e6]), np.array([0.68, NAN, 0.5, 0.9])
    caps, deep = caps_m(accuracies, confidences, RULE)
    assert caps.tolist() == [cap_m(a, c, RULE) for a, c in zip(accuracies, confidences, strict=True)]
    assert deep.tolist() == [deep_m(a, c, RULE) for a, c in zip(accuracies, confidences, strict=True)]


@given(METRES, st.floats(1.0, 5000.0), st.floats(0.001, 0.5))
def test_both_sides_of_a_border_say_the_same_with_opposite_signs(metres: float, sigma: float, doubted: float) -> None:
    assert log_odds(metres, sigma, doubted) == pytest.approx(-log_odds(-metres, sigma, doubted), abs=1e-9)


@given(METRES, METRES, st.floats(1.0, 5000.0))
def test_farther_from_the_border_never_says_less(one: float, other: float, sigma: float) -> None:
    near, far = sorted([one, other])
    assert log_odds(near, sigma, 0.01) <= log_odds(far, sigma, 0.01)


@given(METRES, st.floats(1.0, 100_000.0))
def test_no_ping_says_more_than_its_doubt_allows(metres: float, radius_m: float) -> None:
    doubted = doubt(radius_m)
    most = math.log((1 - doubted / 2) / (doubted / 2))
    assert 0.0 <= log_odds(metres, sigma_m(radius_m, NAN, RULE), doubted) <= most + 1e-9


@given(METRES, METRES)
def test_coarser_fixes_are_doubted_more(one: float, other: float) -> None:
    fine, coarse = sorted([one, other])
    assert 0.004 <= doubt(fine) <= doubt(coarse) <= 0.15


@given(st.floats(0.0, 1e6), st.floats(0.1, 1e4))
def test_freshness_is_a_share(elapsed: float, scale: float) -> None:
    assert 0.0 <= freshness(elapsed, scale) <= 1.0


@given(st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_more_evidence_never_means_less_confidence(one: float, other: float) -> None:
    less, more = sorted([one, other])
    assert 0.9 < confidence_of(less) <= confidence_of(more) < 1.0


@given(st.floats(-180.0, 180.0), st.floats(-80.0, 80.0), st.floats(0.0, 360.0), st.floats(1.0, 20_000.0))
def test_quick_distances_are_within_1_percent_of_the_geodesic(
    lon: float, lat: float, azimuth: float, metres: float
) -> None:
    there_lon, there_lat, _ = Geod(ellps="WGS84").fwd(lon, lat, azimuth, metres)
    assert ground_m(lon, lat, there_lon, there_lat) == pytest.approx(metres, rel=0.01)


def test_the_short_way_crosses_the_180th_meridian() -> None:
    east_m, north_m = offset_m(179.999, 0.0, -179.999, 0.0)
    assert (east_m, north_m) == (pytest.approx(222.39, abs=0.01), 0.0)


def test_the_accuracy_trust_widens_every_radius() -> None:
    wary = Rule(accuracy_trust=3.6).packed()[0]
    assert sigma_m(50.0, NAN, wary) == 2 * sigma_m(50.0, NAN, RULE)
