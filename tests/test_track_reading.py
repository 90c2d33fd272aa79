"""Rows of `tracks` as plain values: what is read is what the fence that wrote them shows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rows import CODES, new
from worlds import play, scripts, walk

from geofence.instant import text_of
from geofence.malformed import Malformed
from geofence.track_reading import BeliefRead, read_row
from geofence.view import PlaceView
from geofence.wire_tracks import Said

IDS: dict[int, str | None] = {code: name for name, code in CODES.items()} | {-1: None, -2: None}


@given(scripts())
def test_a_row_reads_as_the_fence_shows_its_tracks(script: list[Any]) -> None:
    kept = new()
    play(kept, script)
    rows = kept.changed()
    read = {rows.device[n]: read_row(row) for n in range(len(rows)) if (row := rows[n]) is not None}
    shown = {(view.device, view.layer): view for view in kept.tracks()}
    found = {(device, track.layer): (its, track) for device, its in read.items() for track in its.tracks}
    assert found.keys() == shown.keys()
    for key, view in shown.items():
        its, track = found[key]
        assert (its.user, track.sequence) == (view.user, view.sequence)
        assert its.heard_ms is not None
        assert text_of(its.heard_ms) == view.heard
        places = [_as_shown(one) for one in track.beliefs if one.confidence is not None or one.pending]
        assert places == [_without_scores(place) for place in view.places]
        assert all(one.confidence is None or 0 <= one.confidence <= 1 for one in track.beliefs)


def _as_shown(belief: BeliefRead) -> tuple[Any, ...]:
    since = "" if belief.confidence is None else text_of(belief.since_ms)
    pending = [(IDS[one.code], text_of(one.first_ms), one.pings, round(one.own, 3)) for one in belief.pending]
    return IDS[belief.code], since, pending


def _without_scores(place: PlaceView) -> tuple[Any, ...]:
    return place.region, place.since, [(one.region, one.since, one.pings, one.own) for one in place.pending]


def test_a_row_tells_where_the_newest_ping_was_and_how_sure_its_region_is() -> None:
    kept = new()
    play(kept, walk("A 0 A 60 A 120 a 180"))
    its = read_row(_row(kept, "d"))
    assert its.spot is not None
    assert (round(its.spot.lon, 4), round(its.spot.lat, 4), its.spot.radius_m) == (0.0098, 0.005, 10.0)
    assert its.consent is Said.NOTHING
    (belief,) = next(track.beliefs for track in its.tracks if track.layer == "row")
    assert belief.confidence is not None
    assert belief.confidence > 0.9


@given(st.data())
def test_bytes_that_are_no_row_are_refused_and_nothing_else(data: st.DataObject) -> None:
    kept = new()
    play(kept, walk("A 0 A 60 b 120", user="u1"))
    row = bytearray(_row(kept, "d"))
    at = data.draw(st.integers(0, len(row) - 1))
    cut = bytes(row[:at])
    with pytest.raises(Malformed):
        read_row(cut)
    row[at] = data.draw(st.integers(0, 255))
    try:
        read_row(bytes(row))
    except Malformed:
        return


def _row(kept: Any, device: str) -> bytes:
    rows = kept.changed()
    return next(row for n in range(len(rows)) if rows.device[n] == device and (row := rows[n]))
