"""Whatever bytes an app sends, it gets the answer at which it goes on; what is in the log then is a ping.

Each example is a body made of the app's own words and a dozen damaged copies of it: 100,000 bodies and more in
`make torture`.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from desk import Desk
from hypothesis import example, given
from hypothesis import strategies as st

from geofence.fault import TIME_END_MS
from geofence.ping import check
from geofence.wire import decode_ping

COPIES = 11
NOW_S = 1_700_000_000
LOCATION = {
    "_type": "location",
    "lat": 47.3,
    "lon": 8.5,
    "tst": NOW_S,
    "acc": 5,
    "vel": 4,
    "source": "gps",
    "topic": "a/b",
}
FLAT = {
    "id": "1", "deviceid": "2", "lat": 47.3, "lon": 8.5, "location": "47,8", "timestamp": NOW_S, "speed": 3, "acc": 4,
    "accuracy": 5, "valid": "true", "mock": "1", "spd": 1, "prov": "gps", "time": "2026-01-31T08:15:00Z",
}  # fmt: skip
COORDS = {"latitude": 47.3, "longitude": 8.5, "accuracy": 4, "speed": -1}
FEATURE = {
    "geometry": {"type": "Point", "coordinates": [8.5, 47.3]},
    "properties": {"timestamp": "2026-01-31T08:15:00-0700", "speed": 1, "horizontal_accuracy": 3, "device_id": ""},
}
UPDATE = {"DeviceId": "d", "Position": [8.5, 47.3], "SampleTime": NOW_S, "Accuracy": {"Horizontal": 5}}
SAMPLES: dict[str, list[Any]] = {
    "owntracks": [LOCATION, {"_type": "encrypted", "data": "x"}],
    "traccar": [
        FLAT,
        [FLAT, FLAT],
        {"device_id": "1", "location": {"timestamp": NOW_S, "coords": COORDS, "mock": True}},
    ],
    "overland": [{"locations": [FEATURE, {"properties": {"action": "visit"}}]}, {**LOCATION, "tst": 7e8}],
    "gpslogger": [FLAT],
    "homeassistant": [{"type": "update_location", "data": {"gps": [47.3, 8.5], "gps_accuracy": 5, "speed": 1}}],
    "amazon": [{"Updates": [UPDATE, UPDATE]}],
}
ANSWERS = {
    "owntracks": b"[]", "traccar": b"", "overland": b'{"result":"ok"}', "gpslogger": b"", "homeassistant": b"{}",
}  # fmt: skip
ODD = st.sampled_from(
    ["", "NaN", "inf", "-1", "1e400", "\x00", "٣", "\ud800", 10**30, -(10**18), 2**63, 1e308, -0.0, True, None, [], {}]
)
LEAF = st.one_of(
    ODD, st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=9)
)
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@st.composite
def changed(draw: st.DrawFn, sample: Any) -> Any:
    """A sample with some of its values others, or missing."""
    if not draw(st.integers(0, 9)):
        return draw(VALUE)
    if isinstance(sample, dict):
        kept = [name for name in sample if draw(st.integers(0, 14))]
        return {name: draw(changed(sample[name])) for name in kept}
    if isinstance(sample, list):
        return [draw(changed(one)) for one in sample]
    return sample


@st.composite
def bodies(draw: st.DrawFn, name: str) -> bytes:
    """A body of an app: JSON, a form, or anything at all."""
    how = draw(st.sampled_from(["json", "json", "form", "bytes"]))
    if how == "bytes":
        return draw(st.binary(max_size=60))
    told = draw(changed(draw(st.sampled_from(SAMPLES[name]))))
    if how == "form" and isinstance(told, dict):
        told = {key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()}
        return urlencode(told, errors="replace").encode()
    return json.dumps(told, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def damaged(body: bytes, random: Random) -> bytes:
    """A copy with a piece cut out, doubled, or other bytes in it."""
    start = random.randrange(len(body) + 1)
    end = min(len(body), start + random.choice((0, 1, 1, 2, 8, 1000)))
    put = random.choice((b"", body[start:end] * 2, random.randbytes(random.randrange(4)), b'"', b"[", b"}", b"9" * 400))
    return body[:start] + put + body[end:]


def check_answer(desk: Desk, name: str, body: bytes, query: bytes = b"") -> None:
    """That the app goes on, and that what is in the log can be used."""
    desk.log.values.clear()
    reply = desk.ask("POST", f"/v1/clients/{name}/{desk.phone.key}", body, query=query)
    assert reply.status == 200, reply
    if name in ANSWERS:
        assert reply.body == ANSWERS[name]
    else:
        assert isinstance(reply.json["Errors"], list)
    for value in desk.log.values:
        ping = decode_ping(value)
        check(ping)
        assert (ping.device, ping.user) == ("mine", "me")
        assert 0 <= ping.time_ms < TIME_END_MS


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_every_body_gets_the_answer_at_which_the_app_goes_on(at_desk: Desk, name: str, data: Any, seed: int) -> None:
    body, random = data.draw(bodies(name)), Random(seed)
    assert at_desk.ask("POST", f"/v1/clients/{name}/{at_desk.anyone}", body).status in (200, 400, 404)
    check_answer(at_desk, name, body)
    for _ in range(COPIES):
        body = damaged(body, random)
        check_answer(at_desk, name, body)


@pytest.mark.parametrize("name", ["traccar", "gpslogger"])
@given(query=st.binary(max_size=60) | bodies("traccar"))
@example(b"id=1&lat=%FF&lon=%00&timestamp=9999999999999999999")
def test_so_does_every_query(at_desk: Desk, name: str, query: bytes) -> None:
    check_answer(at_desk, name, b"", query)
    assert at_desk.ask("GET", f"/v1/clients/{name}/{at_desk.phone.key}", query=query).status == 200


@given(
    st.dictionaries(st.sampled_from(["X-Limit-U", "X-Limit-D", "Authorization", "Content-Type"]), st.text(max_size=20))
)
def test_so_does_every_header(at_desk: Desk, headers: dict[str, str]) -> None:
    body = json.dumps(LOCATION).encode()
    for key in (at_desk.phone.key, at_desk.anyone):
        assert at_desk.ask("POST", f"/v1/clients/owntracks/{key}", body, headers).status == 200


@pytest.mark.parametrize("name", SAMPLES)
def test_json_that_is_nested_too_deeply_or_too_long_is_delivered(at_desk: Desk, name: str) -> None:
    many = b"[" + b"0," * 2_000_000 + b"0]"
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b'{"locations":' + b"[" * 100_000, many):
        check_answer(at_desk, name, body)
    for body in (b'{"locations":%b}' % many, b'{"Updates":%b}' % many):
        check_answer(at_desk, name, body)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_as_they_are_are_in_the_log(at_desk: Desk, name: str) -> None:
    for sample in SAMPLES[name]:
        at_desk.log.values.clear()
        body = urlencode(FLAT) if sample is FLAT else json.dumps(sample)
        assert at_desk.ask("POST", f"/v1/clients/{name}/{at_desk.phone.key}", body.encode()).delivered
        assert bool(at_desk.log.values) != (sample == {"_type": "encrypted", "data": "x"})
