"""Dead letters: records that were refused, as they lie on `pings-rejected`, and back.

Behind the worker's steps, and for who wants to see or send them again. Invariant: key and value are what was received,
up to 64 KiB of each, so that a letter is never too large to be kept; why, where and how much there was is in the
headers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from ingest.reading import Refused, kind_of
from ingest.topics import KIND
from stream.port import Batch, Headers, Record

KEPT_BYTES = 65_536
_HINT_BYTES = 1000


class LetterHeaders(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The headers of a dead letter: why it was refused, where it was, how much there was of it."""

    reason: str
    hint: str
    partition: str
    offset: str
    received_ms: str
    length: str
    sha256: str
    kind: str | None = None  # named as the header of a control record is, whose it was
    key_length: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `value` None: what was refused was a tombstone; cut if it is shorter than `length`.

    `key_length` is that of a key that was cut, else None.
    """

    partition: int
    offset: int
    received_ms: int
    reason: str
    hint: str
    length: int
    sha256: str
    key: bytes
    value: bytes | None
    kind: str | None = None
    key_length: int | None = None

    def again(self) -> Record:
        """The record as it was, to be sent again. Raises ValueError where only a part of it was kept."""
        if self.value is None or len(self.value) < self.length:
            kept = 0 if self.value is None else len(self.value)
            raise ValueError(f"the record had {self.length} bytes, {kept} were kept. Send it again from where it came.")
        if self.key_length is not None:
            raise ValueError(
                f"the record's key had {self.key_length} bytes, {len(self.key)} were kept. Send it again from where it "
                "came."
            )
        headers = () if self.kind is None else ((KIND, self.kind.encode()),)
        return Record(self.key, self.value, headers)


def letter_of(batch: Batch, refused: Refused) -> Record:
    """The record for `pings-rejected` that tells of a refusal."""
    row = refused.row
    key, value, kind = batch.keys[row] or b"", batch.values[row], kind_of(batch.headers[row])
    told = LetterHeaders(
        reason=refused.reason,
        hint=refused.hint,
        partition=str(batch.partition),
        offset=str(batch.offsets[row]),
        received_ms=str(batch.times_ms[row]),
        length="none" if value is None else str(len(value)),
        sha256=hashlib.sha256(value or b"").hexdigest(),
        kind=kind,
        key_length=str(len(key)) if len(key) > KEPT_BYTES else None,
    )
    texts = [(name, text) for name, text in msgspec.structs.asdict(told).items() if text is not None]
    headers = tuple((name, text.encode("utf-8", "backslashreplace")[:_HINT_BYTES]) for name, text in texts)
    return Record(key[:KEPT_BYTES], (value or b"")[:KEPT_BYTES], headers)


def read_letter(key: bytes | None, value: bytes | None, headers: Headers) -> Letter:
    """A dead letter back. Raises ValueError if the record is none."""
    told = {name: text.decode("utf-8", "replace") for name, text in headers}
    try:
        length = told["length"]
        return Letter(
            partition=int(told["partition"]),
            offset=int(told["offset"]),
            received_ms=int(told["received_ms"]),
            reason=told["reason"],
            hint=told["hint"],
            length=0 if length == "none" else int(length),
            sha256=told["sha256"],
            key=key or b"",
            value=None if length == "none" else value or b"",
            kind=told.get(KIND),
            key_length=int(told["key_length"]) if "key_length" in told else None,
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"the record is no dead letter: {error} is missing or no number") from None
