"""Who is in a box: looked for in the box's cells alone, a bounded number at once."""

import json

import msgspec

from geofence.track_reading import Spot
from ingest.gateway.places import Box, Places
from ingest.gateway.sse import frame

SMALL = Box(1.01, 1.01, 1.02, 1.02)


def test_a_small_box_over_a_crowded_cell_costs_no_more_than_it_may() -> None:
    places = Places(10_000)
    for number in range(300):
        inside = number % 100 == 99
        places._put(f"d{number:03}", None, Spot(1, 1.015 if inside else 1.1, 1.015, 5.0))
    found, after = list[str](), None
    for _ in range(6):
        some = list(places.near(SMALL, after, 50))
        assert len(some) == 50
        found += [device for _, device, spot in some if spot is not None]
        cell, last, _ = some[-1]
        after = (*cell, last)
    assert found == ["d099", "d199", "d299"]
    assert list(places.near(SMALL, after, 50)) == []


def test_what_is_told_is_one_line_for_whoever_splits_lines_at_all_that_unicode_has() -> None:
    name = "A\u2028B\u2029C\u0085D\x0b\x0c\x1c\x1d\x1e\r\nÄ"
    lines = frame(msgspec.json.encode({"name": name}), bookmark="AQ").decode().splitlines()
    assert lines[0] == "id: AQ"
    assert lines[2:] == [""]
    assert json.loads(lines[1].removeprefix("data: ")) == {"name": name}
