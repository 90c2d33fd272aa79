"""The JSON Schemas of the topics: real records fit them, and what they forbid is what is refused."""

import hashlib
import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import World
from test_worker_input import BAD, FENCES, ROW
from worlds import consent, erase, partition, switch, tick, walk

from geofence.malformed import Malformed
from geofence.ping import InvalidPing, Source, check
from geofence.wire import decode_ping
from geofence.wire_events import decode_event
from ingest.documents.asyncapi import asyncapi
from ingest.documents.topics import MESSAGES, topic_schemas
from ingest.topics import CHANGES, KIND, PINGS, PRESENCE, REJECTED, topics

SCHEMAS = topic_schemas()
VALIDATORS = {name: jsonschema_rs.Draft202012Validator(its, validate_formats=True) for name, its in SCHEMAS.items()}


def misfits(name: str, value: Any) -> list[str]:
    """Why a value does not fit a schema."""
    return [f"{error.instance_path}: {error.message}" for error in VALIDATORS[name].iter_errors(value)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """All that a worker writes: walks, dwells, a switch, consents, an erasure, and every kind of bad record."""
    later = partition(layer="row", nearest_within_m=100.0)
    its = World(tmp_path_factory.mktemp("world") / "log.db", [ROW, FENCES], library=[later])
    steps = walk("A 0 A 60 A 120 B 180 B 240 B 300 B 3000", user="jane", source=Source.GPS, speed_mps=1.5, mock=True)
    more = [tick(4000), switch(later, 4100), consent("e", True, 4200), *walk("A 4300 A 4360 N 4400", device="e")]
    end = [consent("e", False, 5000), *walk("B 5100", device="f"), erase("f", 5200), tick(5300)]
    its.pour([*(place for place, _ in BAD.values()), *steps, *more, *end])
    its.work()
    return its


@pytest.mark.parametrize(("topic", "name", "least"), [(CHANGES, "region-change", 4), (PRESENCE, "presence", 2)])
def test_what_the_worker_writes_fits_its_schema(world: World, topic: str, name: str, least: int) -> None:
    records = [record for record in world.records(topic) if record[2] is not None]
    assert len(records) >= least
    for _, _, value, headers in records:
        assert misfits(name, json.loads(value or b"")) == []
        if f"{name}-headers" in SCHEMAS:
            assert misfits(f"{name}-headers", {key: text.decode() for key, text in headers}) == []


def test_an_event_as_one_object_fits_its_schema(world: World) -> None:
    lines = [line for lines in world.events().values() for line in lines]
    assert {decode_event(line).type for line in lines} >= {"geofence.region.changed", "geofence.region.entered"}
    for line in lines:
        assert misfits("event", json.loads(line)) == []


def test_dead_letters_have_the_headers_that_are_documented(world: World) -> None:
    records = world.records(REJECTED)
    assert len(records) == len(BAD)
    for *_, headers in records:
        assert misfits("rejected-headers", {key: text.decode() for key, text in headers}) == []


def test_pings_and_controls_fit_their_schemas_where_they_were_not_refused(world: World) -> None:
    refused = {(letter.partition, letter.sha256) for letter in world.letters()}
    seen = set()
    for number, _, value, headers in world.records(PINGS):
        name = "control" if any(key == KIND for key, _ in headers) else "ping"
        if (number, _sha256(value)) not in refused:
            seen.add(name)
            assert misfits(name, json.loads(value or b"")) == []
            if name == "control":
                assert misfits("control-headers", {key: text.decode() for key, text in headers}) == []
    assert seen == {"ping", "control"}


_TEXTS = st.text(max_size=3) | st.sampled_from(["x" * 256, "x" * 257, "a\n", "\x7f", "\x80", "ok"])
_NUMBERS = st.floats(-200, 200) | st.integers(-200, 200) | st.just(0)
_TIMES = st.sampled_from([-1, 0, 1_769_847_300_250, 4_102_444_799_999, 4_102_444_800_000, 2**63, 1.5])
_ANYTHING = st.none() | st.booleans() | _TEXTS | _NUMBERS | st.lists(st.none(), max_size=1)
_FIELDS = {
    "device": _TEXTS, "lon": _NUMBERS, "lat": _NUMBERS, "time_ms": _TIMES, "accuracy_m": _NUMBERS,
    "source": st.sampled_from(["gps", "wifi", "cell", "fused", "unknown", "GPS", "satellite"]), "user": _TEXTS,
    "received_ms": _TIMES, "confidence": _NUMBERS, "speed_mps": _NUMBERS, "mock": st.booleans(), "v": st.integers(1, 3),
}  # fmt: skip
_GOOD = {"device": "d", "lon": 1.0, "lat": 1.0, "time_ms": 1_769_847_300_250}


@given(st.sampled_from(sorted(_FIELDS)).flatmap(lambda name: st.tuples(st.just(name), _FIELDS[name] | _ANYTHING)))
def test_the_schema_of_a_ping_forbids_what_the_code_refuses_and_nothing_else(field: tuple[str, Any]) -> None:
    name, value = field
    if name == "received_ms" and isinstance(value, int) and value < _GOOD["time_ms"] - 300_000 and value >= 0:
        return  # a ping of the future: no schema compares two fields
    if isinstance(value, float) and value.is_integer() and name in ("time_ms", "received_ms", "v"):
        return  # 1.0 is an integer to JSON Schema, and none to msgspec
    raw = {**_GOOD, name: value}
    try:
        check(decode_ping(json.dumps(raw).encode()))
        taken = True
    except (Malformed, InvalidPing):
        taken = False
    assert (misfits("ping", raw) == []) is taken


def test_every_topic_is_a_channel_and_every_reference_leads_somewhere() -> None:
    told = asyncapi()
    assert set(told["channels"]) == {topic.name for topic in topics(1)}
    for topic in topics(1):
        its = told["channels"][topic.name]["bindings"]["kafka"]["topicConfiguration"]
        assert its["cleanup.policy"] == [topic.cleanup.value]
        assert its.get("retention.ms") == topic.keep_ms
    for reference in _references(told):
        found: Any = told
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


_TEXT = {"type": "string", "minLength": 1}
_REF = {"type": "object", "properties": {"$ref": {"type": "string", "pattern": "^#/"}}, "required": ["$ref"],
        "additionalProperties": False}  # fmt: skip


def _only(needed: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    """An object with these members and no others."""
    every = {name: properties.get(name, _TEXT) for name in f"{needed} {optional}".split()}
    return {"type": "object", "properties": every, "required": needed.split(), "additionalProperties": False}


def _each(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema, "minProperties": 1}


_MULTI = _only("schemaFormat schema", schema={"type": "object"})
_KAFKA = _only("kafka", kafka={"type": "object", "required": ["bindingVersion"]})
_MESSAGE = _only(
    "name title summary contentType bindings", "headers payload examples", bindings=_KAFKA, headers=_MULTI,
    payload=_MULTI, examples={"type": "array", "items": _only("name payload", payload={})},
)  # fmt: skip
_ASYNCAPI = _only(
    "asyncapi id info defaultContentType channels operations components",
    asyncapi={"const": "3.0.0"},
    info=_only("title version", "description license", license=_only("name")),
    channels=_each(_only("address messages bindings", messages=_each(_REF), bindings=_KAFKA)),
    operations=_each(
        _only("action channel messages", "summary", action={"enum": ["send", "receive"]}, channel=_REF,
              messages={"type": "array", "items": _REF, "minItems": 1})),
    components=_only("messages schemas", messages=_each(_MESSAGE), schemas=_each({"type": "object"})),
)  # fmt: skip


def test_the_asyncapi_document_has_the_members_of_version_3_and_no_others() -> None:
    validator = jsonschema_rs.Draft202012Validator(_ASYNCAPI)
    assert [str(error) for error in validator.iter_errors(asyncapi())] == []
    for name, one in asyncapi()["operations"].items():
        channel = one["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in one["messages"]), name


def test_the_examples_fit_and_every_message_has_a_topic() -> None:
    for message in MESSAGES:
        if message.example is not None:
            assert misfits(message.name, message.example) == []
    assert {message.topic for message in MESSAGES} == {topic.name for topic in topics(1)}
    for schema in SCHEMAS.values():
        jsonschema_rs.meta.validate(schema)


def _sha256(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()


def _references(document: Any) -> list[str]:
    if isinstance(document, dict):
        mine = [document["$ref"]] if isinstance(document.get("$ref"), str) else []
        return mine + [one for value in document.values() for one in _references(value)]
    return [one for value in document for one in _references(value)] if isinstance(document, list) else []
