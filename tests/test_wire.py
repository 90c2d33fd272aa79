"""The bytes of pings, control records and events: there and back, old and new, one bad among many."""

import json
from dataclasses import fields

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence import control, wire, wire_events
from geofence.control import Consent, Erase, InvalidControl, Switch, Tick
from geofence.crossing import Cause, Change, Crossing, Evidence, Place
from geofence.instant import ms_of, text_of
from geofence.malformed import Malformed
from geofence.ping import Ping, Pings, Source
from geofence.text import Texts

TIMES = st.integers(0, 4_102_444_799_999)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
pings = st.builds(
    Ping,
    device=texts,
    lon=st.floats(-180, 180),
    lat=st.floats(-90, 90),
    time_ms=TIMES,
    accuracy_m=numbers,
    source=st.sampled_from(Source),
    user=st.none() | texts,
    received_ms=st.none() | TIMES,
    confidence=numbers,
    speed_mps=numbers,
    mock=st.booleans(),
)
controls = (
    st.builds(Consent, device=names, given=st.booleans(), at_ms=TIMES)
    | st.builds(Erase, device=names, at_ms=TIMES)
    | st.builds(Tick, at_ms=TIMES)
    | st.builds(Switch, layer=names, version=names, at_ms=TIMES)
)
places = st.none() | st.builds(Place, id=texts, name=texts)
crossings = st.builds(
    Crossing,
    device=texts,
    layer=texts,
    change=st.sampled_from(Change),
    cause=st.sampled_from(Cause),
    origin=places,
    target=places,
    born_ms=TIMES,
    sequence=st.integers(0, 10**9),
    occurred_ms=TIMES,
    confirmed_ms=TIMES,
    received_ms=st.none() | TIMES,
    user=st.none() | texts,
    confidence=st.floats(0, 1),
    evidence=st.none() | st.builds(Evidence, st.integers(0, 99), st.floats(0, 1e6), st.floats(0, 99)),
    version=texts,
).filter(lambda crossing: crossing.origin is not None or crossing.target is not None)
MINIMAL = b'{"device":"a","lon":1,"lat":2.5,"time_ms":3}'


def columns_equal(one: Pings, other: Pings) -> bool:
    for field in fields(Pings):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, Texts):
            if list(left) != list(right):
                return False
        elif not np.array_equal(left, right, equal_nan=left.dtype.kind == "f"):
            return False
    return True


class TestPings:
    """The documented ping."""

    @given(pings)
    def test_a_ping_comes_back(self, ping: Ping) -> None:
        assert wire.decode_ping(wire.encode_ping(ping)) == ping

    @given(st.lists(pings, max_size=6))
    def test_many_come_back_as_columns(self, rows: list[Ping]) -> None:
        columns, places, unread = wire.decode_pings([wire.encode_ping(ping) for ping in rows])
        assert columns_equal(columns, Pings.of(rows))
        assert places.tolist() == list(range(len(rows)))
        assert unread == []

    def test_the_least_ping_has_four_fields(self) -> None:
        assert wire.decode_ping(MINIMAL) == Ping(device="a", lon=1.0, lat=2.5, time_ms=3)

    def test_sources_are_words(self) -> None:
        ping = Ping(device="a", lon=1.0, lat=2.5, time_ms=3, source=Source.WIFI)
        assert json.loads(wire.encode_ping(ping))["source"] == "wifi"

    def test_unknown_fields_are_ignored_and_null_is_absent(self) -> None:
        nulls = dict.fromkeys(["accuracy_m", "source", "user", "received_ms", "confidence", "speed_mps", "mock"])
        raw = json.dumps(json.loads(MINIMAL) | nulls | {"battery": [1, {}]}).encode()
        assert wire.decode_ping(raw) == wire.decode_ping(MINIMAL)

    def test_the_version_may_be_said(self) -> None:
        assert wire.decode_ping(MINIMAL.replace(b"{", b'{"v":1,', 1)) == wire.decode_ping(MINIMAL)

    def test_a_newer_version_is_refused_naming_both(self) -> None:
        newer = MINIMAL.replace(b"{", b'{"v":2,', 1)
        with pytest.raises(wire.NewerVersion, match="version 2; this program reads versions up to 1"):
            wire.decode_ping(newer)
        columns, places, unread = wire.decode_pings([MINIMAL, newer])
        assert (len(columns), places.tolist()) == (1, [0])
        assert [(one.row, one.reason) for one in unread] == [(1, "version_newer")]

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (b"", "ends too early"),
            (b"null", "Expected object, got null"),
            (b"[]", "Expected object, got array"),
            (b"{}", "device is missing; allowed: text in UTF-8, 1 to 256 bytes. Send"),
            (MINIMAL + MINIMAL, "trailing characters"),
            (MINIMAL.replace(b"1,", b"NaN,", 1), "JSON has no NaN"),
            (MINIMAL.replace(b"1,", b'"1",', 1), 'lon is "1"; allowed: a number, -180 to 180 degrees. Send degrees'),
            (MINIMAL.replace(b"1,", b"true,", 1), "lon is true; allowed: a number"),
            (MINIMAL.replace(b"1,", b"1e999,", 1), "lon is 1e999; allowed: a number"),
            (MINIMAL.replace(b'"a"', b"5"), "device is 5; allowed: text"),
            (MINIMAL.replace(b'"a"', b'"\xff"'), 'device is "\\xff"; allowed: text in UTF-8'),
            (MINIMAL.replace(b'"a"', b'"\\ud800"'), "not JSON"),
            (MINIMAL.replace(b":3", b":3.5"), "time_ms is 3.5; allowed: a whole number, 1970-01-01 to"),
            (MINIMAL.replace(b"}", b',"source":"radar"}'), "source is 'radar'; allowed: unknown, gps"),
            (MINIMAL.replace(b"}", b',"received_ms":-1}'), "received_ms is -1; allowed: a whole number"),
            (MINIMAL.replace(b"}", b',"user":' + b"9" * 99 + b"}"), "9... (99 bytes); allowed: text"),
            (MINIMAL.replace(b"}", b',"mock":1}'), "mock is 1; allowed: true or false. Leave it out"),
            (b'{"more":' + b"[" * 100_000, "nested too deeply"),
        ],
    )
    def test_one_bad_ping_is_told_and_hides_no_other(self, raw: bytes, told: str) -> None:
        with pytest.raises(Malformed) as refused:
            wire.decode_ping(raw)
        assert told in str(refused.value)
        columns, places, unread = wire.decode_pings([MINIMAL, raw, MINIMAL])
        assert list(columns.device) == ["a", "a"]
        assert places.tolist() == [0, 2]
        assert [(one.row, one.message) for one in unread] == [(1, str(refused.value))]

    @pytest.mark.parametrize("time", [2**63, -(2**63) - 1, 10**30])
    def test_a_time_too_large_for_a_column_is_told_as_it_stands(self, time: int) -> None:
        columns, _, (unread,) = wire.decode_pings([MINIMAL.replace(b":3", b":%d" % time), MINIMAL])
        assert len(columns) == 1
        assert unread.message.startswith(f"time_ms is {time}; allowed: a whole number, 1970-01-01")

    def test_a_newer_ping_is_refused_for_that_even_if_its_fields_changed(self) -> None:
        with pytest.raises(wire.NewerVersion, match="version 2"):
            wire.decode_ping(b'{"v":2,"device":{"id":"a"},"place":[1,2]}')

    @given(st.lists(st.binary(max_size=12) | st.just(MINIMAL), max_size=5))
    def test_whatever_the_bytes_each_record_is_read_or_told(self, raws: list[bytes]) -> None:
        columns, rows, unread = wire.decode_pings(raws)
        assert len(columns) == len(rows)
        assert sorted([*rows.tolist(), *(one.row for one in unread)]) == list(range(len(raws)))


class TestControls:
    """Control records."""

    @given(controls)
    def test_a_control_record_comes_back(self, record: control.Control) -> None:
        assert wire.decode_control(wire.encode_control(record)) == record

    def test_the_kind_tells_them_apart(self) -> None:
        kinds = [
            json.loads(wire.encode_control(record))["kind"]
            for record in (
                Consent(device="a", given=True, at_ms=1),
                Erase(device="a", at_ms=1),
                Tick(at_ms=1),
                Switch(layer="a", version="b", at_ms=1),
            )
        ]
        assert kinds == ["consent", "erase", "tick", "version"]

    def test_a_newer_version_is_refused_naming_both(self) -> None:
        assert wire.decode_control(b'{"kind":"tick","at_ms":1,"v":1,"more":2}') == Tick(at_ms=1)
        with pytest.raises(wire.NewerVersion, match="version 7; this program reads versions up to 1"):
            wire.decode_control(b'{"kind":"tock","v":7}')

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (b'{"kind":"tock","at_ms":1}', "'tock'"),
            (b'{"kind":"tick"}', "at_ms"),
            (b'{"kind":"tick","at_ms":-1}', "at_ms is -1"),
            (b'{"kind":"tick","at_ms":4102444800000}', "1970-01-01 to 2099-12-31"),
            (b'{"kind":"erase","at_ms":1,"device":""}', "device is ''"),
            (b'{"kind":"version","at_ms":1,"layer":"a","version":""}', "version is ''"),
        ],
    )
    def test_a_bad_control_record_is_told(self, raw: bytes, told: str) -> None:
        with pytest.raises((Malformed, InvalidControl)) as refused:
            wire.decode_control(raw)
        assert told in str(refused.value)


class TestEvents:
    """Crossings as CloudEvents."""

    @given(crossings)
    def test_an_event_comes_back_in_both_modes(self, crossing: Crossing) -> None:
        event = wire_events.event_of(crossing, source="here")
        assert wire_events.decode_event(wire_events.encode_event(event)) == event
        assert wire_events.decode_binary(*wire_events.encode_binary(event)) == event

    def test_an_event_says_what_the_design_says(self) -> None:
        crossing = Crossing(
            device="phone",
            layer="zones",
            change=Change.CHANGED,
            cause=Cause.MOVED,
            origin=Place("a", "A"),
            target=None,
            born_ms=0,
            sequence=3,
            occurred_ms=1_000,
            confirmed_ms=61_234,
            received_ms=62_000,
            user="ada",
            confidence=0.98765,
            evidence=Evidence(4, 60.234, 5.55555),
            version="f00",
        )
        event = json.loads(wire_events.encode_event(wire_events.event_of(crossing, source="here")))
        assert event == {
            "specversion": "1.0",
            "id": crossing.event_id("here"),
            "source": "here",
            "type": "geofence.region.changed",
            "subject": "phone",
            "time": "1970-01-01T00:00:01.000Z",
            "sequence": "0000000003",
            "partitionkey": "phone",
            "recordedtime": "1970-01-01T00:01:02.000Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:geofence:region-change:1",
            "data": {
                "device": "phone",
                "user": "ada",
                "layer": "zones",
                "from": {"id": "a", "name": "A"},
                "to": None,
                "cause": "moved",
                "occurred_at": "1970-01-01T00:00:01.000Z",
                "confirmed_at": "1970-01-01T00:01:01.234Z",
                "received_at": "1970-01-01T00:01:02.000Z",
                "confidence": 0.9877,
                "evidence": {"pings": 4, "seconds": 60.234, "score": 5.556},
                "version": "f00",
            },
        }

    @given(crossings)
    def test_binary_headers_are_the_attributes(self, crossing: Crossing) -> None:
        event = wire_events.event_of(crossing, source="here")
        headers, data = wire_events.encode_binary(event)
        assert headers["ce_type"] == event.type
        assert headers["content-type"] == "application/json"
        assert msgspec.json.decode(data)["layer"] == crossing.layer
        assert set(headers) - {"content-type"} == {f"ce_{name}" for name in msgspec.json.decode(
            wire_events.encode_event(event)) if name not in ("data", "datacontenttype")}  # fmt: skip

    def test_from_nowhere_to_nowhere_is_no_event(self) -> None:
        crossing = Crossing(
            device="a", layer="b", change=Change.CHANGED, cause=Cause.FIRST_FIX, origin=None, target=None,
            born_ms=0, sequence=1, occurred_ms=0, confirmed_ms=0,
        )  # fmt: skip
        with pytest.raises(ValueError, match="neither"):
            wire_events.event_of(crossing, source="here")

    @given(crossings)
    def test_a_newer_schema_is_refused_naming_both(self, crossing: Crossing) -> None:
        event = wire_events.event_of(crossing, source="here")
        newer = msgspec.structs.replace(event, dataschema="urn:geofence:region-change:2")
        told = "version 2; this program reads versions up to 1"
        with pytest.raises(wire.NewerVersion, match=told):
            wire_events.decode_event(wire_events.encode_event(newer))
        with pytest.raises(wire.NewerVersion, match=told):
            wire_events.decode_binary(*wire_events.encode_binary(newer))

    def test_headers_that_are_missing_are_told(self) -> None:
        with pytest.raises(Malformed, match="ce_id, ce_source, ce_type"):
            wire_events.decode_binary({}, _DATA)

    @pytest.mark.parametrize("schema", ["", "urn:geofence:region-change:", "urn:geofence:region-change:x", "urn:x:1"])
    def test_another_schema_is_refused(self, schema: str) -> None:
        with pytest.raises(Malformed, match="dataschema is"):
            wire_events.decode_binary({"ce_dataschema": schema}, _DATA)

    @given(st.binary())
    def test_whatever_the_bytes_an_event_is_read_or_refused(self, raw: bytes) -> None:
        with pytest.raises(Malformed):
            wire_events.decode_event(raw)


_DATA = msgspec.json.encode(
    {
        "device": "a",
        "layer": "b",
        "from": None,
        "to": None,
        "cause": "moved",
        "occurred_at": "",
        "confirmed_at": "",
        "confidence": 1.0,
        "version": "",
    }
)


class TestInstants:
    """Milliseconds as RFC 3339."""

    @given(st.integers(-(10**13), 10**14))
    def test_an_instant_comes_back(self, time_ms: int) -> None:
        assert ms_of(text_of(time_ms)) == time_ms

    @given(TIMES, TIMES)
    def test_texts_sort_as_the_instants_do(self, one: int, other: int) -> None:
        assert (text_of(one) < text_of(other)) == (one < other)

    @pytest.mark.parametrize(
        ("text", "time_ms"),
        [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:01.5", 1500),
            (" 1970-01-01T02:00:00+02:00 ", 0),
            ("1969-12-31T23:59:59.9994Z", -1),
        ],
    )
    def test_other_ways_to_write_it_are_read(self, text: str, time_ms: int) -> None:
        assert ms_of(text) == time_ms

    @pytest.mark.parametrize("text", ["", "yesterday", "2024-02-30T00:00:00Z", "1700000000", "x" * 10_000])
    def test_what_is_no_time_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="allowed: such as"):
            ms_of(text)

    def test_far_away_times_are_refused(self) -> None:
        with pytest.raises(ValueError, match="years 1 to 9999"):
            text_of(10**18)
