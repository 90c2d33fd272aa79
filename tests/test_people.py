"""The generator of people: its statistics are those that its settings promise."""

import numpy as np
import pytest

from data.journeys import Journeys, Mode, travel
from data.noise import IOS_RADII_M, Setting, observed
from data.people import DAY_BEGIN_MS, Phones, sample_day

METRES = 111_195.08


def lying_still(setting: Setting, *, devices: int = 40, hours: float = 4.0, every_s: float = 10.0, ios: bool = False):
    """Fixes of phones lying still on the equator: east and north error, radius, device, seconds."""
    steps = round(hours * 3600 / every_s)
    device = np.repeat(np.arange(devices), steps)
    seconds = np.tile(np.arange(steps) * every_s, devices)
    zeros = np.zeros(len(device))
    fixes = observed(
        np.random.default_rng(17),
        device=device,
        time_ms=(seconds * 1000).astype(np.int64),
        lon=zeros,
        lat=zeros,
        setting=np.full(len(device), int(setting)),
        ios=np.full(len(device), ios),
    )
    return fixes.lon * METRES, fixes.lat * METRES, fixes.accuracy_m, device, seconds


def autocorrelation(error, device, lag):
    same = device[lag:] == device[:-lag]
    return float((error[lag:] * error[:-lag])[same].mean() / error.var())


def test_open_sky_errors_last_as_long_as_they_should():
    east, north, _, device, _ = lying_still(Setting.OPEN, devices=150)
    for error in (east, north):
        assert error.std() == pytest.approx(4.0, rel=0.08)
        for lag in (1, 3, 12):
            expected = 0.6 * np.exp(-lag * 10 / 15) + 0.4 * np.exp(-lag * 10 / 250)
            assert autocorrelation(error, device, lag) == pytest.approx(expected, abs=0.05)
    assert np.corrcoef(east, north)[0, 1] == pytest.approx(0, abs=0.05)


def test_radii_flatter_a_little():
    _, _, accuracy_m, _, _ = lying_still(Setting.OPEN)
    log_ratio = np.log(accuracy_m / (1.51 * 4.0))
    assert log_ratio.mean() == pytest.approx(-0.15, abs=0.02)
    assert log_ratio.std() == pytest.approx(0.35, abs=0.02)


def test_ios_states_its_radii_in_steps():
    _, _, accuracy_m, _, _ = lying_still(Setting.URBAN, ios=True)
    assert set(np.unique(accuracy_m[accuracy_m <= 65])) == set(IOS_RADII_M.tolist())


def test_open_sky_never_jumps_and_canyons_do_a_fifth_of_the_time():
    east, north, _, _, _ = lying_still(Setting.OPEN)
    assert np.abs(np.r_[east, north]).max() < 6 * 4.0
    east, north, accuracy_m, _, _ = lying_still(Setting.CANYON, devices=100)
    away_m = np.sqrt(east**2 + north**2)
    # A jump of 72 m at the median, in 25 of every 115 s.
    assert (away_m > 72).mean() == pytest.approx(0.5 * 25 / 115, abs=0.03)
    admitted = (accuracy_m > 0.5 * away_m)[away_m > 150]
    assert admitted.mean() == pytest.approx(0.5, abs=0.12)


def test_indoors_the_fix_freezes_for_two_minutes():
    east, _, accuracy_m, device, _ = lying_still(Setting.INDOOR, devices=200)
    same = device[1:] == device[:-1]
    renewed = (np.diff(east) != 0)[same].mean()
    assert renewed == pytest.approx(1 - np.exp(-10 / 120), rel=0.05)
    assert (np.diff(accuracy_m)[same & (np.diff(east) == 0)] == 0).all()


def test_a_moved_access_point_is_far_off_and_sure_of_itself():
    east, north, accuracy_m, _, _ = lying_still(Setting.INDOOR, devices=400)
    away_m = np.sqrt(east**2 + north**2)
    far = away_m > 1000
    assert 0 < far.mean() < 0.02
    assert away_m[far].min() > 9_800
    assert away_m[far].max() < 48_300
    assert accuracy_m[far].min() >= 50
    assert accuracy_m[far].max() <= 100


def test_towers_are_hundreds_of_metres_off_and_take_turns():
    east, north, accuracy_m, device, _ = lying_still(Setting.CELL, devices=3, hours=24.0)
    pooled = np.concatenate([lying_at(lon) for lon in np.linspace(0.1, 3.0, 60)])
    assert 600 < pooled.std() < 950
    mine = np.column_stack([east, north])[device == 0]
    assert 2 <= len(np.unique(mine, axis=0)) <= 9
    assert accuracy_m.max() / accuracy_m.min() > 2.5


def lying_at(lon):
    rows = 200
    fixes = observed(
        np.random.default_rng(2),
        device=np.zeros(rows, np.int64),
        time_ms=np.arange(rows) * 60_000,
        lon=np.full(rows, lon),
        lat=np.full(rows, 0.3),
        setting=np.full(rows, int(Setting.CELL)),
        ios=np.zeros(rows, bool),
    )
    return np.r_[(fixes.lon - lon) * METRES, (fixes.lat - 0.3) * METRES]


def test_a_stale_fix_stays_while_its_radius_grows_13_m_a_second():
    east, _, accuracy_m, device, seconds = lying_still(Setting.STALE)
    kept = (np.diff(east) == 0) & (np.diff(device) == 0)
    assert kept.mean() > 0.9
    assert np.allclose((np.diff(accuracy_m) / np.diff(seconds))[kept], 13.0)


@pytest.fixture(scope="module")
def day():
    return sample_day(seed=5, devices=300)


def test_the_same_seed_gives_the_same_day(day):
    again, other = sample_day(seed=5, devices=300)[1], sample_day(seed=6, devices=300)[1]
    for name in ("device", "time_ms", "lon", "lat", "accuracy_m", "source", "received_ms"):
        assert (getattr(day[1], name) == getattr(again, name)).all()
    assert len(other) != len(day[1])


def test_every_ping_is_valid(day):
    _, pings = day
    assert (np.abs(pings.lon) <= 180).all()
    assert (np.abs(pings.lat) <= 90).all()
    assert (pings.accuracy_m > 0).all()
    assert np.isfinite(pings.accuracy_m).all()
    assert (pings.received_ms >= pings.time_ms).all()
    assert set(np.unique(pings.source)) == {1, 2, 3, 4}
    assert pings.time_ms.min() >= DAY_BEGIN_MS
    assert pings.time_ms.max() < DAY_BEGIN_MS + 86_400_000


def test_pings_arrive_in_order_of_arrival_and_a_fifth_of_them_late(day):
    _, pings = day
    assert (np.diff(pings.received_ms) >= 0).all()
    order = np.argsort(pings.device, kind="stable")
    device, time_ms = pings.device[order], pings.time_ms[order]
    newest = np.maximum.accumulate(device * 10**14 + time_ms)
    late = (device * 10**14 + time_ms < newest).mean()
    assert 0.14 < late < 0.22


def test_people_move_no_faster_than_planes_and_their_tracks_never_turn_back_in_time(day):
    tracks, _ = day
    same = np.diff(tracks.device) == 0
    seconds = np.diff(tracks.time_ms)[same] / 1000
    assert (seconds > 0).all()
    east = np.diff(tracks.lon)[same] * METRES * np.cos(np.radians(tracks.lat[1:][same]))
    north = np.diff(tracks.lat)[same] * METRES
    length_m = np.sqrt(east**2 + north**2)
    assert (length_m / np.maximum(seconds, 0.001)).max() < 1_000


def test_fixes_lie_about_the_true_place(day):
    tracks, pings = day
    lon, lat = tracks.at(device=pings.device, time_ms=pings.time_ms)
    east, north = (pings.lon - lon) * METRES * np.cos(np.radians(lat)), (pings.lat - lat) * METRES
    away_m = np.sqrt(east**2 + north**2)
    median = {source: np.median(away_m[pings.source == source]) for source in (1, 2, 3)}
    assert 3 < median[1] < 15
    assert 20 < median[2] < 45
    assert 500 < median[3] < 1_300


def test_neighbours_of_a_border_live_within_60_m_of_it():
    border = (np.array([10.0]), np.array([50.0]))
    tracks, _ = sample_day(seed=1, devices=200, beside=border)
    home = np.flatnonzero(np.r_[True, np.diff(tracks.device) != 0])
    east = (tracks.lon[home] - 10.0) * METRES * np.cos(np.radians(50.0))
    away_m = np.sqrt(east**2 + ((tracks.lat[home] - 50.0) * METRES) ** 2)
    near = away_m[away_m < 1_000]
    assert 8 <= len(near) <= 35
    assert near.min() >= 5 - 1e-6
    assert near.max() <= 60 + 1e-6


@pytest.mark.parametrize("mode", [Mode.WALK, Mode.CAR, Mode.TRAIN, Mode.PLANE])
def test_a_journey_ends_where_it_should_at_about_its_speed(mode):
    goal = {Mode.WALK: 0.02, Mode.CAR: 0.1, Mode.TRAIN: 0.8, Mode.PLANE: 8.0}[mode]
    journeys = Journeys(*(np.array([value]) for value in (0, 60_000, int(mode), 179.9, 1.0, 179.9 + goal - 360, 1.0)))
    tracks, spans = travel(np.random.default_rng(3), journeys, begin_ms=0, end_ms=86_400_000)
    assert (tracks.lon[-1] - 179.9, tracks.lat[-1]) == pytest.approx((goal, 1.0), abs=1e-6)
    assert spans.mode.tolist() == [Mode.STAY, mode, Mode.STAY]
    speed_mps = goal * METRES / (np.ptp(tracks.time_ms) / 1000)
    low, high = {Mode.WALK: (0.6, 2), Mode.CAR: (3, 16), Mode.TRAIN: (15, 60), Mode.PLANE: (150, 330)}[mode]
    assert low < speed_mps < high
    lon, _ = tracks.at(device=np.array([0]), time_ms=np.array([10**12]))
    assert -180 <= lon[0] < 180


def test_phones_report_at_their_interval_and_seldom_at_rest():
    phones = Phones.alike(4, interval_s=30.0, rest_s=300.0)
    assert phones.interval_s.tolist() == [30.0] * 4
    _, pings = sample_day(seed=2, devices=50)
    per_day = np.bincount(pings.device, minlength=50)
    assert per_day.min() >= 60
    assert per_day.max() < 90_000
