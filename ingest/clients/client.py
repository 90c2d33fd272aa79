"""What every app's adapter takes and gives: a request as it was said, what was heard in it, and the answer.

Between `gateway.apps`, which knows HTTP and keys, and the adapters, which know one app each. Invariants: whatever the
bytes are, reading them ends in a `Heard`; one row that can't be read costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from geofence.wire import PingRecord
from ingest.gateway.intake import Refused, Sent

_read = msgspec.json.Decoder().decode
_BOM = b"\xef\xbb\xbf"
MOST_ROWS = 50_000  # in a request: far more than any app sends, and little enough to be held


@dataclass(frozen=True, slots=True)
class Said:
    """A request as an app has made it. `login`: the user name of HTTP Basic; header names are in small letters."""

    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    login: str = ""
    now_ms: int = 0


class Unfit(Exception):
    """A row from which no ping can be made: which field, what is allowed there, and the reason by which it counts."""

    def __init__(self, field: str, allowed: str, reason: str = "malformed") -> None:
        super().__init__(f"{field}: {reason}; allowed: {allowed}")
        self.field, self.allowed, self.reason = field, allowed, reason


@dataclass(slots=True)
class Heard:
    """What was heard in a request; what is no position at all, such as a heartbeat, is in neither list."""

    sent: Sent = field(default_factory=lambda: Sent([], []))
    unfit: list[tuple[str, Refused]] = field(default_factory=list)  # each with the device as the app calls it
    rows: Sequence[Any] = ()  # as they were sent, where the answer speaks of them
    nameless: int = 0  # the status, if neither the app nor the key says which device it is; 0: as if delivered

    def hear(self, index: int, device: str, read: Callable[[], PingRecord | None]) -> None:
        """Hear one row. `read` gives its ping or None if it is no position, and raises Unfit."""
        try:
            record = read()
        except Unfit as error:
            self.refuse(index, device, error)
            return
        if record is not None:
            self.sent.records.append(record)
            self.sent.index.append(index)

    def refuse(self, index: int, device: str, error: Unfit) -> None:
        """A row that can't be used."""
        self.unfit.append((device, Refused(index, error.field, None, error.reason, error.allowed)))


@dataclass(frozen=True, slots=True)
class Client:
    """An app: how its requests are read, and what it must hear to take them as delivered."""

    name: str
    read: Callable[[Said], Heard]
    answer: Callable[[Heard, Sequence[Refused]], bytes]  # with all that was refused, by the rows' places
    methods: tuple[str, ...] = ("POST",)
    media_type: str = "application/json"
    fleet: bool = False  # one request may well speak of several devices


def as_json(body: bytes | msgspec.Raw, allowed: str) -> Any:
    """The body as JSON. Raises Unfit."""
    try:
        return _read(body.removeprefix(_BOM) if isinstance(body, bytes) else body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unfit("", f"{allowed}, as JSON in UTF-8", "unreadable") from None


def as_object(body: bytes | msgspec.Raw, allowed: str) -> dict[str, Any]:
    """The body as a JSON object. Raises Unfit."""
    found = as_json(body, allowed)
    if not isinstance(found, dict):
        raise Unfit("", f"{allowed}, as JSON in UTF-8", "unreadable")
    return found


Rows = Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_ROWS)]


def always(answer: bytes) -> Callable[[Heard, Sequence[Refused]], bytes]:
    """The same answer to everything."""
    return lambda _heard, _refused: answer
