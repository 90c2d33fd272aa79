"""What makes a ping valid, for one and for columns alike."""

from dataclasses import fields
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.fault import FAULTS, fault_of
from geofence.ping import InvalidPing, Ping, Pings, Source, check

GOOD: dict[str, Any] = {"device": "phone", "lon": 12.5, "lat": 55.7, "time_ms": 1_700_000_000_000}

REFUSED = [
    ("device", "", "device_missing"),
    ("device", "a" * 257, "device_too_long"),
    ("device", "a" * 1_000_000, "device_too_long"),
    ("device", "a\nb", "device_text"),
    ("device", "a\x00", "device_text"),
    ("device", "a\x7f", "device_text"),
    ("device", "a\x85", "device_text"),
    ("device", "a\ud800", "device_text"),
    ("lon", 180.0000001, "lon_range"),
    ("lon", -200.0, "lon_range"),
    ("lon", nan, "lon_range"),
    ("lon", inf, "lon_range"),
    ("lat", 91.0, "lat_range"),
    ("lat", -inf, "lat_range"),
    ("lat", nan, "lat_range"),
    ("time_ms", -1, "time_range"),
    ("time_ms", 32_503_680_000_000, "time_range"),
    ("time_ms", 10**30, "time_range"),
    ("time_ms", -(10**30), "time_range"),
    ("accuracy_m", inf, "accuracy_range"),
    ("accuracy_m", -inf, "accuracy_range"),
    ("confidence", 0.0, "confidence_range"),
    ("confidence", 1.0, "confidence_range"),
    ("confidence", inf, "confidence_range"),
    ("speed_mps", -1.0, "speed_range"),
    ("speed_mps", inf, "speed_range"),
    ("user", "a\tb", "user_text"),
    ("user", "u" * 257, "user_text"),
]
FINE = [
    ("device", "a" * 256),
    ("device", "Zoë's 📱"),
    ("lon", -180.0),
    ("lon", 180.0),
    ("lat", -90.0),
    ("lat", 90.0),
    ("time_ms", 0),
    ("time_ms", 4_102_444_799_999),
    ("accuracy_m", None),
    ("accuracy_m", 0.0),
    ("accuracy_m", -1.0),
    ("accuracy_m", 1e9),
    ("confidence", 0.95),
    ("speed_mps", 0.0),
    ("user", "u" * 256),
]


@pytest.mark.parametrize(("field", "value", "reason"), REFUSED)
def test_a_bad_ping_is_refused_with_value_range_and_remedy(field: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidPing) as refused:
        check(Ping(**GOOD | {field: value}))
    message = str(refused.value)
    assert refused.value.fault.reason == reason
    assert message.startswith(f"{field} is ")
    assert "allowed: " in message
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("received_ms", [-5, 4_102_444_800_000, 2**70])
def test_an_impossible_time_of_receipt_is_refused(received_ms: int) -> None:
    with pytest.raises(InvalidPing, match="received_ms is"):
        check(Ping(**GOOD, received_ms=received_ms))


@pytest.mark.parametrize(("field", "value"), FINE)
def test_odd_but_possible_values_are_fine(field: str, value: Any) -> None:
    check(Ping(**GOOD | {field: value}))


def test_a_ping_from_the_future_is_refused() -> None:
    check(Ping(**GOOD, received_ms=GOOD["time_ms"] - 300_000))
    with pytest.raises(InvalidPing, match="clock"):
        check(Ping(**GOOD, received_ms=GOOD["time_ms"] - 300_001))


def test_of_several_faults_the_first_is_told() -> None:
    with pytest.raises(InvalidPing) as refused:
        check(Ping(device="", lon=nan, lat=nan, time_ms=-1))
    assert refused.value.fault is FAULTS[0]


def test_columns_are_refused_row_by_row_for_the_same_reasons() -> None:
    pings = Pings.of([Ping(**GOOD | {field: value}) for field, value, _ in REFUSED] + [Ping(**GOOD)])
    codes = pings.faults().tolist()
    assert codes.pop() == 0
    assert [fault_of(code).reason for code in codes] == [reason for _, _, reason in REFUSED]


texts = st.text(max_size=6)
numbers = st.none() | st.floats(allow_nan=False)
pings = st.builds(
    Ping,
    device=texts,
    lon=st.floats(allow_nan=False),
    lat=st.floats(allow_nan=False),
    time_ms=st.integers(-(2**60), 2**60),
    accuracy_m=numbers,
    source=st.sampled_from(Source),
    user=texts.map(lambda text: text or None),
    received_ms=st.none() | st.integers(0, 2**50),
    confidence=numbers,
    speed_mps=numbers,
    mock=st.booleans(),
)


@given(st.lists(pings, max_size=5))
def test_columns_give_back_the_pings_they_were_made_of(rows: list[Ping]) -> None:
    columns = Pings.of(rows)
    assert [columns.ping(row) for row in range(len(rows))] == rows


@given(st.lists(pings, min_size=1, max_size=5))
def test_one_and_many_agree(rows: list[Ping]) -> None:
    for row, code in zip(rows, Pings.of(rows).faults().tolist(), strict=True):
        if code == 0:
            check(row)
            continue
        with pytest.raises(InvalidPing) as refused:
            check(row)
        assert refused.value.fault.code == code


@given(st.lists(pings, min_size=1, max_size=6), st.data())
def test_rows_can_be_taken_in_any_order(rows: list[Ping], data: st.DataObject) -> None:
    order = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    taken = Pings.of(rows).take(np.array(order, np.int64))
    assert len(taken) == len(order)
    assert [taken.ping(row) for row in range(len(taken))] == [rows[row] for row in order]
    part = Pings.of(rows).slice(1, len(rows))
    assert [part.ping(row) for row in range(len(part))] == rows[1:]


def test_every_column_is_as_long_as_the_others() -> None:
    columns = Pings.of([Ping(**GOOD)] * 3)
    assert {len(getattr(columns, field.name)) for field in fields(columns)} == {3}
