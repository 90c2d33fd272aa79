"""The id that a client gave to a request, on the records of its pings; and a device in a line of the log.

Between the gateway, which puts ids on, and the worker, which tells of records that have one. Only ids that clients
chose travel: a header on every record would cost the worker a look at each. Invariant: no line has a device's name, a
place or a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from stream.port import Batch, Headers

REQUEST_ID = "request_id"  # the header's name


def headers_of(request_id: bytes | None) -> Headers:
    """The headers of the pings of a request."""
    return () if request_id is None else ((REQUEST_ID, request_id),)


def traced(batch: Batch) -> Iterator[tuple[int, str]]:
    """The rows of a batch that have an id, with it."""
    if any(batch.headers):
        for row, headers in enumerate(batch.headers):
            for name, value in headers:
                if name == REQUEST_ID:
                    yield row, _shown(value)


def _shown(value: bytes) -> str:
    """An id of somebody else, fit for a line."""
    text = value[:64].decode("ascii", "replace")
    return "".join(letter if letter.isalnum() or letter in "-_" else "?" for letter in text)


def digest(device: bytes | str | None) -> str:
    """A device as lines of the log have it: the same for the same name, in every role."""
    raw = device.encode("utf-8", "surrogatepass") if isinstance(device, str) else device or b""
    return blake2b(raw, digest_size=6).hexdigest()
