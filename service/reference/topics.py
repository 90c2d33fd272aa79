"""The page of all topics and of what lies on them, made from the AsyncAPI document and the schema of an event.

For `service.documents`. Invariant: every topic and every message of the document is on it, with key, headers and
fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from service.reference.schemas import named_in, table, text, types, words

TOPICS, EVENTS = "reference/topics.md", "reference/events.md"
_DAY_MS = 86_400_000


def topics_page(document: Mapping[str, Any]) -> str:
    """The page of topics."""
    parts = document["components"]
    lines = [_TOPICS]
    for name, channel in document["channels"].items():
        lines += [*_channel(name, channel, document), ""]
        for message in channel["messages"]:
            lines += [*_message(parts["messages"][message]), ""]
    payloads = [its.get("payload", {}).get("schema", {}) for its in parts["messages"].values()]
    lines += types(named_in(payloads, parts["schemas"]), parts["schemas"])
    return "\n".join(lines).rstrip() + "\n"


def events_page(event: Mapping[str, Any], example: Mapping[str, Any]) -> str:
    """The page of an event: its schema, which needs no other document, and an example."""
    lines = [_EVENTS, *_json(example), "", "## Attributes", "", *table(event), ""]
    return "\n".join([*lines, *types(named_in(event["properties"], event["$defs"]), event["$defs"])]).rstrip() + "\n"


def _channel(name: str, channel: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    kafka = channel["bindings"]["kafka"]
    settings = kafka["topicConfiguration"]
    yield f"## `{name}`"
    yield ""
    for its in document["operations"].values():
        if its["channel"]["$ref"] == f"#/channels/{name}":
            yield f"**To {its['action']}.** {text(its['summary'])}"
            yield ""
    days = settings.get("retention.ms", 0) / _DAY_MS
    keeps = f"kept for {days:g} day{'s' * (days != 1)}" if days else "compacted: the newest value of each key is kept"
    yield f"{kafka['partitions']} partitions unless said otherwise when it is made; {keeps}."


def _message(its: Mapping[str, Any]) -> Iterator[str]:
    yield f"### Record: {its['title']}"
    yield ""
    yield text(its["summary"])
    yield ""
    payload = its.get("payload", {}).get("schema")
    value = words(payload) if payload else "bytes"
    yield f"- key: {text(its['bindings']['kafka']['key']['description'])}"
    yield f"- value: `{its['contentType']}`, {value}"
    if "headers" in its:
        yield f"- headers, all of them text in UTF-8:\n\n{chr(10).join(table(its['headers']['schema']))}"
    yield ""
    for example in its.get("examples", ()):
        yield from _json(example["payload"])


def _json(value: object) -> Iterator[str]:
    yield from ["```json", json.dumps(value, indent=2, ensure_ascii=False), "```"]


_TOPICS = """# Topics

Made from the code by `python -m service.documents`, as are [asyncapi.json](../asyncapi.json) and the JSON Schemas in
`docs/schemas`, which say the same to programs. How to read them well: [consumers](../consumers/README.md). On Kafka
they are topics, in an embedded log tables of one file; the records are the same.
"""
_EVENTS = """# Events

A region change as it comes over HTTP, to webhooks and from `geofence tail --json`: a CloudEvent 1.0 as one JSON
object. On the topic [region-changes](topics.md#region-changes) the attributes are headers, and `data` is the value.
Made from the code by `python -m service.documents`, as is [event.json](../schemas/event.json).

- In a partition `type` is `geofence.region.changed`; in an overlay `.entered`, `.exited` and `.dwelled`, one a fence.
- `from` and `to` are null outside every region, and where the region is not known. Never both.
- `cause`: `first_fix` (where it was first seen), `moved`, `boundary` (a new version of the layer), `consent`
  (withdrawn, or erased), `expired` (silent for too long).
- `id` and `sequence` are the same whenever the same input is read: who has seen an id may drop the event.
- There are no coordinates in it.
"""
