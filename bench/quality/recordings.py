"""Reads the recordings of real phones, and makes harder ones of them.

The files are `fixes.csv.gz` (session, phone, time, lon, lat, accuracy_m) and `truth.csv.gz` (session, time,
lon, lat), times in Unix seconds. Degraded versions keep the truth and lose or blur pings.
"""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.quality.columns import Bools, Ints
from bench.quality.corpus import CELL, UNKNOWN, Corpus, Pings, Truth


def read(folder: Path) -> Corpus:
    """The recordings as they are, repeated rows left out."""
    fixes = sorted(
        {
            (
                int(row["session"]),
                row["phone"],
                _ms(row),
                float(row["lon"]),
                float(row["lat"]),
                row["accuracy_m"],
            )
            for row in _rows(folder / "fixes.csv.gz")
        },
        key=lambda fix: fix[:3],
    )
    truth = sorted(
        (int(row["session"]), _ms(row), float(row["lon"]), float(row["lat"])) for row in _rows(folder / "truth.csv.gz")
    )
    sessions = {name: at for at, name in enumerate(sorted({row[0] for row in truth}))}
    devices = {key: at for at, key in enumerate(sorted({fix[:2] for fix in fixes}))}
    pings = Pings(
        device=np.array([devices[fix[:2]] for fix in fixes], np.int64),
        time_ms=np.array([fix[2] for fix in fixes], np.int64),
        lon=np.array([fix[3] for fix in fixes]),
        lat=np.array([fix[4] for fix in fixes]),
        accuracy_m=np.array([float(fix[5] or "nan") for fix in fixes]),
        source=np.full(len(fixes), UNKNOWN, np.int64),
    )
    places = Truth(
        session=np.array([sessions[row[0]] for row in truth], np.int64),
        time_ms=np.array([row[1] for row in truth], np.int64),
        lon=np.array([row[2] for row in truth]),
        lat=np.array([row[3] for row in truth]),
    )
    return Corpus("recordings", pings, places, np.array([sessions[key[0]] for key in devices], np.int64))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _ms(row: dict[str, str]) -> int:
    return round(float(row["time"]) * 1000)


def thinned(corpus: Corpus, *, every_s: float) -> Corpus:
    """At most one ping of each device in `every_s`: the first that comes once that time has passed."""
    keep = np.zeros(len(corpus.pings), np.bool_)
    device, last_ms = -1, 0
    for row, (owner, time_ms) in enumerate(zip(corpus.pings.device, corpus.pings.time_ms, strict=True)):
        if owner != device or time_ms - last_ms >= every_s * 1000:
            keep[row], device, last_ms = True, owner, time_ms
    return corpus.with_pings(f"{corpus.name}, one in {every_s:g} s", corpus.pings.take(keep))


def without_good(corpus: Corpus, *, share: float, seed: int) -> Corpus:
    """Loses `share` of the fixes of 100 m and better, in stretches of about two minutes as tunnels do."""
    lost = _stretches(corpus.pings, share=share, seed=seed) & (corpus.pings.accuracy_m <= 100.0)
    return corpus.with_pings(f"{corpus.name}, {share:.0%} of good fixes lost", corpus.pings.take(~lost))


def cell_grade(corpus: Corpus, *, share: float, seed: int) -> Corpus:
    """In `share` of the time each fix becomes a tower's: up to kilometres off, alike for a minute."""
    rng = np.random.default_rng(seed)
    pings = corpus.pings
    blurred = _stretches(pings, share=share, seed=seed + 1)
    tower = np.cumsum(np.r_[True, np.diff(pings.time_ms // 60_000) != 0] | np.r_[True, np.diff(pings.device) != 0])
    towers = int(tower.max()) + 1
    sigma_m = rng.uniform(600, 900, towers)[tower]
    away_m = rng.normal(0, 1, (2, towers))[:, tower] * sigma_m
    stated_m = 1.51 * sigma_m * np.exp(rng.normal(-0.15, 0.35, towers))[tower]
    stated_m *= np.where(rng.random(towers) < 0.15, 0.4, 1.0)[tower]
    lon = pings.lon + away_m[0] / 111_195.0 / np.cos(np.radians(pings.lat))
    blurred_pings = Pings(
        device=pings.device,
        time_ms=pings.time_ms,
        lon=np.where(blurred, lon, pings.lon),
        lat=np.where(blurred, pings.lat + away_m[1] / 111_195.0, pings.lat),
        accuracy_m=np.where(blurred, stated_m, pings.accuracy_m),
        source=np.where(blurred, CELL, pings.source),
    )
    return corpus.with_pings(f"{corpus.name}, {share:.0%} of cell grade", blurred_pings)


def once_a_second(corpus: Corpus) -> Corpus:
    """Only phones that mostly reported every second, with good radii, on trips faster than a bus's."""
    keep = np.zeros(corpus.devices, np.bool_)
    for device in range(corpus.devices):
        mine = corpus.pings.device == device
        good = np.nanmedian(corpus.pings.accuracy_m[mine]) <= 30.0
        often = np.median(np.diff(corpus.pings.time_ms[mine])) <= 1_500
        keep[device] = good and often and _pace_mps(corpus, int(corpus.session_of[device])) > 10.0
    return corpus.with_pings("cars, good GPS once a second", corpus.pings.take(keep[corpus.pings.device]))


def _pace_mps(corpus: Corpus, session: int) -> float:
    """Metres a second over the whole trip, halts included."""
    mine = corpus.truth.session == session
    lon, lat = corpus.truth.lon[mine], corpus.truth.lat[mine]
    dx, dy = np.diff(lon) * np.cos(np.radians(lat[1:])) * 111_195.0, np.diff(lat) * 111_195.0
    return float(np.sqrt(dx * dx + dy * dy).sum() / (np.ptp(corpus.truth.time_ms[mine]) / 1000.0))


def _stretches(pings: Pings, *, share: float, seed: int) -> Bools:
    """Rows that fall into chosen stretches of two minutes of their device."""
    stretch: Ints = pings.device * 1_000_003 + pings.time_ms // 120_000
    names, where = np.unique(stretch, return_inverse=True)
    chosen: Bools = np.random.default_rng(seed).random(len(names)) < share
    return chosen[where]
