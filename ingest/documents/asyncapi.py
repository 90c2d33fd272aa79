"""The log as an AsyncAPI 3 document: channels, keys, headers, what each message is.

Made from the topics and their messages. Invariant: what it says of partitions and of how long records are kept comes
from `ingest.topics`, from which the topics themselves are made.
"""

from __future__ import annotations

from typing import Any

from ingest.documents.fields import FIELDS
from ingest.documents.topics import MESSAGES, Message
from ingest.topics import CHANGES, PARTITIONS, PINGS, PRESENCE, REJECTED, topics
from stream.port import Cleanup, Topic
from web.documents.schemas import Schema, schemas_of

_AT = "#/components/schemas/"
_FORMAT = "application/schema+json;version=draft-07"
_KEY = {"type": "string", "description": "The device, in UTF-8; its murmur2 decides the partition, as in Kafka itself."}
_WAYS = {
    "sendPings": ("send", PINGS, "Pings and control records in. Records are refused that are on the wrong partition."),
    "receiveRegionChanges": ("receive", CHANGES, "Read with isolation.level=read_committed: each event is there once."),
    "receivePresence": ("receive", PRESENCE, "Read from the beginning: the newest value of a key is what holds."),
    "receiveRejected": ("receive", REJECTED, "What could not be used, and why."),
}


def asyncapi() -> dict[str, Any]:
    """The document."""
    kinds = [message for message in MESSAGES if message.kind is not None]
    schemas, named = schemas_of([message.kind for message in kinds], at=_AT, fields=FIELDS)
    payloads = {message.name: schema for message, schema in zip(kinds, schemas, strict=True)}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:geofence:log",
        "info": {
            "title": "geofence: the log",
            "version": "1",
            "description": "Location pings in, region changes out, each exactly once. See docs/consumers.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in topics(PARTITIONS)},
        "operations": {name: _operation(*way) for name, way in _WAYS.items()},
        "components": {
            "messages": {message.name: _message(message, payloads.get(message.name)) for message in MESSAGES},
            "schemas": named,
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    mine = [message.name for message in MESSAGES if message.topic == topic.name]
    compact = topic.cleanup is Cleanup.COMPACT
    settings: dict[str, Any] = {"cleanup.policy": ["compact" if compact else "delete"]}
    if topic.keep_ms is not None and not compact:
        settings["retention.ms"] = topic.keep_ms
    return {
        "address": topic.name,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in mine},
        "bindings": {"kafka": {"partitions": PARTITIONS, "topicConfiguration": settings, "bindingVersion": "0.5.0"}},
    }


def _operation(action: str, topic: str, what: str) -> dict[str, Any]:
    mine = [message.name for message in MESSAGES if message.topic == topic]
    return {
        "action": action,
        "summary": what,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in mine],
    }


def _message(message: Message, payload: Schema | None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": message.name,
        "title": message.name,
        "summary": message.what,
        "contentType": message.media,
        "bindings": {"kafka": {"key": _KEY, "bindingVersion": "0.5.0"}},
    }
    if message.headers is not None:
        made["headers"] = {"schemaFormat": _FORMAT, "schema": message.headers()}
    if payload is not None:
        made["payload"] = {"schemaFormat": _FORMAT, "schema": payload}
    if message.example is not None:
        made["examples"] = [{"name": message.name, "payload": message.example}]
    return made
