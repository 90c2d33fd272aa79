"""Documents of what is answered when something is wrong: which status means what, and where it may come from.

Beside `openapi`. Invariant: an endpoint answers no status that is neither its own nor among these.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from web.documents.operation import ANY_KEY, NO_KEY, Operation
from web.problem import MEDIA_TYPE

_MEANS: dict[int, tuple[str, str, str]] = {  # what it means, and an example: title and detail
    400: ("Something can't be read", "No such limit", "limit is '0'; allowed: 1 to 1000."),
    401: ("No key, or one that is wrong, revoked or expired", "Not let in", "The key has been revoked."),
    403: ("The key may not do this", "Not allowed", "This needs the scope admin; abcdefghjk has pings:write."),
    404: ("There is no such thing", "Not there", "there is no key 'zzz'. See: geofence keys list"),
    408: ("The body came too slowly", "Too slow", "The body did not come within 20 s. Send smaller batches."),
    409: ("It is not in a state for that", "Not as it is", "webhook abcdefghjk is dead; only an active one ..."),
    410: ("It was there, and is not retained", "Not retained", "not retained: no ping of device 'phone-07' ..."),
    412: ("It has changed since it was looked at", "Changed", 'If-Match is "3"; it is "4" now. Look at it again.'),
    413: ("Too large", "Too large", "The body has more than 5000000 bytes as sent. Send smaller batches."),
    415: ("Compressed in an unknown way", "Unknown encoding", "content-encoding is 'br'; allowed: gzip, zstd."),
    422: ("It can be read, but it can't be", "Can't be", "scope is 'all'; allowed: one or more of pings:write, ..."),
    428: ("It must be said which state is meant", "Which state?", "Send If-Match with the ETag of what you looked at."),
    429: ("Too often; wait as long as Retry-After says", "Too many requests", "Too much from 'phone-07'."),
    431: ("The headers are too long", "Too large", "The headers have more than 32768 bytes. Send fewer."),
    500: ("The fault is the gateway's", "Internal error", "The fault is ours. It was noted in the log."),
    503: ("Not now; come again when Retry-After says", "Not now", "The log does not answer. Send it again."),
}  # fmt: skip
_COME_AGAIN = (429, 503)
_BODY = (400, 408, 413, 415)


def problem_statuses(one: Operation) -> list[int]:
    """What an operation may answer beside its own answer."""
    found = {*one.refusals, 431, 500}
    if one.scope != NO_KEY:
        found |= {401, 429, 503}
    if one.scope not in (NO_KEY, ANY_KEY):
        found.add(403)
    if one.takes:
        found |= {*_BODY, 503}
    if one.patient:
        found -= {*_BODY, 429} - set(one.refusals)
    return sorted(found)


def problem_answers(schema: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """Each status that these may answer, as a response that they refer to."""
    used = {status for one in operations for status in problem_statuses(one)}
    return {str(status): _answer(status, schema) for status in _MEANS if status in used}


def _answer(status: int, schema: str) -> dict[str, Any]:
    means, title, detail = _MEANS[status]
    example = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    told: dict[str, Any] = {
        "description": means,
        "content": {MEDIA_TYPE: {"schema": {"$ref": schema}, "example": example}},
    }
    if status in _COME_AGAIN:
        seconds = {"type": "integer", "minimum": 1}
        told["headers"] = {"Retry-After": {"description": "Seconds to wait.", "required": True, "schema": seconds}}
    if status == 401:
        told["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    return told
