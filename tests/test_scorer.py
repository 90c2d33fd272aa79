"""The scorer, on timelines small enough to be judged by eye."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.quality import peers, reliability
from bench.quality.align import EARLY_MS, LATE_MS, align
from bench.quality.cells import Cells, Frame, border_m, of_sites, polygons, region_of, sight, voronoi
from bench.quality.corpus import Corpus, Pings, Truth
from bench.quality.events import EVENT, FIRST_FIX, MOVED, Events
from bench.quality.ours import ours
from bench.quality.product import through_core
from bench.quality.score import Tally, figures, intervals, score
from bench.quality.simulated import TRIPS, trips
from bench.quality.visits import Visits, visits
from geofence.hysteresis import Rule

A, B, C = 0, 1, 2
MINUTE_S = 60


def strips() -> Cells:
    """Regions A, B and C, each 1,000 m wide, from west to east."""
    frame = Frame(lon0=0.0, lat0=0.0, lon_m=1e5, lat_m=1e5, width_m=3000.0, height_m=1000.0)
    return of_sites(frame, site_x=np.array([500.0, 1500, 2500]), site_y=np.full(3, 500.0), bucket_m=1000.0)


def at(*rows: tuple[float, float]) -> dict[str, np.ndarray]:
    """Columns of (seconds, metres east)."""
    table = np.array(rows, float)
    time_ms = (table[:, 0] * 1000).astype(np.int64)
    return {"time_ms": time_ms, "lon": table[:, 1] / 1e5, "lat": np.full(len(rows), 0.005)}


def trip(truth: list[tuple[float, float]], pings: list[tuple[float, float]], accuracy_m: float = 10.0) -> Corpus:
    """One device: where it was and what it reported, both as (seconds, metres east)."""
    true, seen = at(*truth), at(*pings)
    count = len(pings)
    zeros = np.zeros(count, np.int64)
    columns = Pings(device=zeros, accuracy_m=np.full(count, accuracy_m), source=zeros, **seen)
    places = Truth(session=np.zeros(len(truth), np.int64), **true)
    return Corpus("trip", columns, places, np.zeros(1, np.int64))


# In A for 10 min, in B for 10 min, in C for 10 min; walks over at 600 and 1,200 s, a ping every 30 s.
WAY = [(0.0, 500.0), (590, 500), (610, 1500), (1190, 1500), (1210, 2500), (1800, 2500)]
TICKS = [(t, float(np.interp(t, *np.transpose(WAY)))) for t in np.arange(0.0, 1801, 30)]


def events(*rows: tuple[float, int, int], cause: int = MOVED) -> Events:
    """Events of one device: (confirmed at second, from, to)."""
    emitted = np.zeros(len(rows), EVENT)
    for row, (seconds, origin, target) in zip(emitted, rows, strict=True):
        row["from_region"], row["to_region"] = origin, target
        row["confirmed_ms"] = row["occurred_ms"] = round(seconds * 1000)
        row["cause"], row["confidence"] = cause, 0.9
    return emitted


def judged(*rows: tuple[float, int, int], corpus: Corpus | None = None) -> tuple[Tally, dict[str, float]]:
    corpus = corpus or trip(WAY, TICKS)
    cells = strips()
    tally = score(corpus, cells, sight(cells, lon=corpus.pings.lon, lat=corpus.pings.lat), events(*rows))
    return tally, figures(tally)


def count(tally: Tally, name: str) -> int:
    return int(tally.counts[name].sum())


RIGHT = ((0.0, -1, A), (620.0, A, B), (1240.0, B, C))


def test_right_events_leave_nothing_to_complain_of():
    tally, figure = judged(*RIGHT)
    assert count(tally, "crossings") == 2
    assert (figure["flaps"], figure["miss"]) == (0, 0)
    assert figure["delay_s"] == pytest.approx(30, abs=1)
    assert figure["wrong"] == pytest.approx(60 / 1800, abs=0.002)


def test_the_first_region_is_a_start_and_not_a_crossing():
    tally, figure = judged(*RIGHT[1:])
    assert count(tally, "crossings") == 2
    assert figure["miss"] == 0


def test_a_first_fix_in_a_region_the_device_was_not_in_is_a_flap():
    tally, _ = judged((0.0, -1, C), (30.0, C, A), *RIGHT[1:])
    assert count(tally, "flaps") == 1


def test_there_and_back_for_no_reason_is_two_flaps():
    tally, figure = judged(RIGHT[0], (200.0, A, C), (260.0, C, A), *RIGHT[1:])
    assert count(tally, "flaps") == 2
    assert figure["flaps"] == 1.0
    assert figure["flaps_per_h"] == pytest.approx(4.0)


def test_a_crossing_told_twice_is_found_once_and_flaps_twice():
    tally, figure = judged(RIGHT[0], (620.0, A, B), (650.0, B, A), (680.0, A, B), RIGHT[2])
    assert count(tally, "flaps") == 2
    assert figure["miss"] == 0
    assert min(tally.delays_s[0]) == pytest.approx(20, abs=1)


def test_a_visit_without_an_event_is_a_miss():
    tally, figure = judged(RIGHT[0], (1240.0, A, C))
    assert figure["miss"] == 0.5
    assert count(tally, "flaps") == 0


def test_a_miss_is_clear_only_with_three_good_pings_inside():
    assert judged(*RIGHT[:1])[1]["clear_miss"] == 1.0
    assert judged(*RIGHT[:1], corpus=trip(WAY, TICKS, accuracy_m=101.0))[1]["clear_miss"] == 0.0
    two_in_b = [tick for tick in TICKS if not 610 < tick[0] < 1190] + [(700.0, 1500.0), (900.0, 1500.0)]
    assert count(judged(*RIGHT[:1], corpus=trip(WAY, sorted(two_in_b)))[0], "clear_misses") == 1


def test_a_good_ping_elsewhere_does_not_make_a_miss_clear():
    strayed = [(t, 500.0 if 610 < t < 1190 else east) for t, east in TICKS]
    assert count(judged(*RIGHT[:1], corpus=trip(WAY, strayed))[0], "clear_misses") == 1


@pytest.mark.parametrize(
    ("seconds", "flaps"), [(600 - 88, 0), (600 - 92, 1), (1200 + 599, 0)], ids=["early", "too early", "late"]
)
def test_an_event_may_come_90_s_early_and_15_min_late(seconds, flaps):
    assert count(judged(RIGHT[0], (seconds, A, B))[0], "flaps") == flaps


def test_an_event_more_than_15_min_after_the_end_is_a_flap():
    columns = ([A, B, C], [0, 10, 20], [10, 20, 30], [True] * 3)
    track = Visits(*(np.array(column) for column in columns))

    def stands_for(confirmed_ms):
        return align(region=np.array([B]), confirmed_ms=np.array([confirmed_ms]), visits=track).tolist()

    assert stands_for(20 + LATE_MS) == [1]
    assert stands_for(21 + LATE_MS) == [-1]
    assert stands_for(10 - EARLY_MS) == [1]
    assert stands_for(9 - EARLY_MS) == [-1]


def test_events_in_the_wrong_order_do_not_both_count():
    tally, _ = judged(RIGHT[0], (1230.0, A, C), (1250.0, C, B))
    assert count(tally, "flaps") == 1


def test_a_clipped_corner_may_be_told_but_is_not_asked_for():
    clip = [(0.0, 900.0), (300, 900), (310, 1100), (330, 1100), (340, 900), (900, 900)]
    corpus = trip(clip, [(t, float(np.interp(t, *np.transpose(clip)))) for t in np.arange(0.0, 901, 10)])
    for told in ((), ((315.0, A, B), (345.0, B, A))):
        tally, _ = judged((0.0, -1, A), *told, corpus=corpus)
        assert [count(tally, name) for name in ("flaps", "crossings", "asked")] == [0, 0, 0]


def test_only_what_happened_between_the_first_ping_and_the_last_is_asked():
    early = trip(WAY, [tick for tick in TICKS if tick[0] <= 630])
    assert count(judged(*RIGHT[:1], corpus=early)[0], "asked") == 0


def test_a_visit_inside_a_gap_of_the_truth_is_not_asked_for():
    gap = [(0.0, 500.0), (600, 500), (1200, 2500), (1800, 2500)]
    track = visits(strips(), **at(*gap))
    assert track.region.tolist() == [A, B, C]
    assert track.seen.tolist() == [True, False, True]
    tally, figure = judged((0.0, -1, A), (1240.0, A, C), corpus=trip(gap, TICKS))
    assert (count(tally, "crossings"), figure["miss"]) == (1, 0)


def test_visits_begin_where_the_straight_way_meets_the_border():
    track = visits(strips(), **at((0, 500), (20, 2500)))
    assert np.abs(track.begin_ms - np.array([0, 5000, 15000])).max() <= 200


def brute_force(region, confirmed_ms, track):
    """The greatest number of events that can be matched in order, by trying all choices of events."""
    window = [
        [
            track.region[v] == region[e]
            and track.begin_ms[v] - EARLY_MS <= confirmed_ms[e] <= track.end_ms[v] + LATE_MS
            for v in range(len(track))
        ]
        for e in range(len(region))
    ]
    for size in range(min(len(region), len(track)), 0, -1):
        for some in combinations(range(len(region)), size):
            for places in combinations(range(len(track)), size):
                if all(window[e][v] for e, v in zip(some, places, strict=True)):
                    return size
    return 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3_000)), max_size=5),
)
def test_no_alignment_in_order_matches_more_events(regions, told):
    begin_ms = np.arange(len(regions)) * 500_000
    track = Visits(np.array(regions), begin_ms, begin_ms + 500_000, np.ones(len(regions), bool))
    told.sort(key=lambda event: event[1])
    region = np.array([event[0] for event in told], np.int64)
    confirmed_ms = np.array([event[1] * 1000 for event in told], np.int64)
    found = align(region=region, confirmed_ms=confirmed_ms, visits=track)
    matched = found[found >= 0]
    assert len(matched) == brute_force(region, confirmed_ms, track)
    assert (np.diff(matched) > 0).all()
    assert (track.region[matched] == region[found >= 0]).all()


def test_of_equal_alignments_the_one_nearest_in_time_is_taken():
    begin_ms = np.array([0, 100_000, 200_000, 300_000])
    track = Visits(np.array([A, B, A, B]), begin_ms, begin_ms + 100_000, np.ones(4, bool))
    assert align(region=np.array([B]), confirmed_ms=np.array([310_000]), visits=track).tolist() == [3]


def test_tallies_add_up_and_intervals_hold_the_figure():
    tally = Tally(8)
    for session in range(8):
        tally.add(session, flaps=session % 2, crossings=10, asked=10, misses=1)
        tally.delays_s[session].append(10.0 + session)
    other = Tally(8)
    other.merge(tally)
    other.merge(tally)
    assert figures(other)["flaps"] == figures(tally)["flaps"] == 0.05
    low, high = intervals(tally)["flaps"]
    assert low < 0.05 < high
    assert intervals(tally) == intervals(tally)
    assert intervals(tally)["miss"] == (0.1, 0.1)


def test_cells_agree_with_their_polygons():
    lon, lat = np.array([8.0, 8.1]), np.array([47.0, 47.1])
    cells = voronoi(lon=lon, lat=lat, width_m=1500.0, seed=4)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, cells.width_m, 300), rng.uniform(0, cells.height_m, 300)
    shapes = polygons(cells)
    for px, py in zip(x, y, strict=True):
        point = shapely.Point(px / cells.lon_m + cells.lon0, py / cells.lat_m + cells.lat0)
        region = region_of(cells, px, py)
        assert shapes[region].distance(point) < 1e-9
        other = int(rng.integers(len(shapes)))
        scaled = shapely.transform(shapes[other], lambda c: (c - [cells.lon0, cells.lat0]) * [cells.lon_m, cells.lat_m])
        assert border_m(cells, px, py, other) == pytest.approx(
            scaled.exterior.distance(shapely.Point(px, py)), abs=1e-6
        )


def test_outside_the_box_is_a_region_of_its_own():
    cells = strips()
    assert region_of(cells, -1.0, 500.0) == -1
    assert border_m(cells, -30.0, -40.0, -1) == pytest.approx(50.0)
    assert border_m(cells, 20.0, 500.0, -1) == pytest.approx(20.0)


def told_by(rule: peers.Judge, *rows: tuple[float, float], accuracy_m: float = 10.0) -> list[tuple[int, int, float]]:
    """What a rule makes of pings at (seconds, metres east): (from, to, second confirmed)."""
    corpus, cells = trip([(0.0, 500.0), (1.0, 500.0)], list(rows), accuracy_m), strips()
    emitted = rule(corpus.pings, sight(cells, lon=corpus.pings.lon, lat=corpus.pings.lat), cells)
    assert [e["cause"] for e in emitted] == [FIRST_FIX, *[MOVED] * (len(emitted) - 1)]
    return [(int(e["from_region"]), int(e["to_region"]), e["confirmed_ms"] / 1000) for e in emitted]


def test_raw_switching_believes_every_ping_but_a_late_one():
    assert told_by(peers.raw, (0, 500), (30, 1500), (20, 500), (60, 500)) == [
        (-1, A, 0),
        (A, B, 30),
        (B, A, 60),
    ]


def test_three_in_a_row_waits_for_the_third():
    pings = ((0, 500), (30, 1500), (60, 500), (90, 1500), (120, 1500), (150, 1500))
    assert told_by(peers.three_in_a_row, *pings) == [(-1, A, 0), (A, B, 150)]


def test_dwell_waits_for_two_minutes_of_agreement():
    pings = ((0, 500), (30, 1500), (100, 1500), (149, 1500), (150, 1500))
    assert told_by(peers.dwell, *pings) == [(-1, A, 0), (A, B, 150)]


def test_the_accuracy_filter_ignores_what_moved_less_than_both_radii():
    assert told_by(peers.accuracy_based, (0, 995), (30, 1005), (60, 1014)) == [(-1, A, 0)]
    assert told_by(peers.accuracy_based, (0, 995), (30, 1005), (60, 1016)) == [(-1, A, 0), (A, B, 60)]


def test_p1_does_not_believe_one_jump():
    pings = [(t, 500.0) for t in range(0, 600, 30)]
    pings[10] = (300, 1100.0)
    assert told_by(peers.plain, *pings) == [(-1, A, 0)]


def test_p1_believes_a_move_that_lasts():
    told = told_by(peers.plain, *((t, east + t % 4) for t, east in TICKS))
    assert [event[:2] for event in told] == [(-1, A), (A, B), (B, C)]
    assert all(0 < event[2] - 600 * number < 120 for number, event in enumerate(told) if number)


def test_p1_does_not_leave_a_region_for_a_blur_on_its_border():
    blurred = [(t, 1010.0 - 20 * (t % 60 == 0)) for t in range(60, 3600, 30)]
    assert told_by(peers.plain, (0, 500), (30, 505), *blurred, accuracy_m=60.0) == [(-1, A, 0)]


def test_the_whole_core_says_what_the_step_on_quick_geometry_says():
    kind = replace(TRIPS[1], devices=12, hours=1.5)
    corpus = trips(kind, seed=9)
    cells = voronoi(lon=corpus.truth.lon, lat=corpus.truth.lat, width_m=2000.0, seed=9)
    seen = sight(cells, lon=corpus.pings.lon, lat=corpus.pings.lat)
    quick, whole = (judge(corpus.pings, seen, cells) for judge in (ours(Rule()), through_core(Rule())))
    assert len(quick) > 30
    for name in ("device", "from_region", "to_region", "occurred_ms", "confirmed_ms", "cause"):
        assert (quick[name] == whole[name]).all()


def test_bins_of_a_true_confidence_lie_on_the_diagonal():
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.5, 1.0, 4000)
    rows = reliability.bins(confidence, rng.random(4000) < confidence)
    assert reliability.calibration_error(rows) < 0.03
    assert sum(row.low <= row.confidence <= row.high for row in rows) >= 0.7 * len(rows)
    assert sum(row.events for row in rows) == 4000


def test_the_diagram_is_written(tmp_path):
    rows = reliability.bins(np.array([0.9] * 40), np.array([True] * 36 + [False] * 4))
    reliability.draw({"ours": rows}, tmp_path / "out.svg", title="Reliability")
    assert "<svg" in (tmp_path / "out.svg").read_text()
