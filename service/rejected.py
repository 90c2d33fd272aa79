"""`geofence rejected`: dead letters listed, shown, and sent again.

A letter is named by its record's place in the input, `PARTITION:OFFSET`. Invariant: nothing is taken away from the
topic; what is sent again is a new record and is judged anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection
from typing import BinaryIO

import msgspec

from geofence.instant import text_of
from ingest.letters import Letter, read_letter
from ingest.topics import PARTITION_KEY, PINGS, REJECTED
from service.complaints import note, printable
from service.logs import open_log
from service.source import Unusable
from stream.port import Log

_KEY_BYTES = 64  # of a key that are listed; `show` has all


async def list_letters(url: str, out: BinaryIO, reasons: Collection[str], *, as_json: bool = False) -> None:
    """One line for each letter, and their sum."""
    found: Counter[str] = Counter()
    async with open_log(url, read_only=True) as log:
        async for letter in _letters(log, reasons=reasons):
            found[letter.reason] += 1
            if as_json:
                out.write(msgspec.json.encode(_told(letter)) + b"\n")
                continue
            key = printable(letter.key[:_KEY_BYTES].decode("utf-8", "backslashreplace"))
            told = (name_of(letter), _time(letter), letter.reason, key, f"{letter.length} bytes")
            out.write("  ".join(told).encode() + b"\n")
    note(f"{found.total()} rejected" + "".join(f", {reason} {count}" for reason, count in sorted(found.items())))


async def show_letter(url: str, out: BinaryIO, name: str, *, as_json: bool = False) -> None:
    """All that is known of one letter, then its bytes as they were."""
    async with open_log(url, read_only=True) as log:
        async for letter in _letters(log, names=[name]):
            told = _told(letter)
            if as_json:
                value = None if letter.value is None else letter.value.decode("utf-8", "backslashreplace")
                out.write(msgspec.json.encode({**told, "value": value}) + b"\n")
                return
            out.write("".join(f"{field}: {printable(str(text))}\n" for field, text in told.items()).encode())
            out.write((letter.value or b"") + b"\n")
            return
    raise _nothing(name)


async def replay_letters(url: str, names: Collection[str], reasons: Collection[str]) -> None:
    """Append the records of letters to the input again: those named, or all with one of the reasons."""
    found, sent = set[str](), 0
    async with open_log(url) as log:
        async for letter in _letters(log, names=names, reasons=reasons):
            if name_of(letter) in found:
                continue
            found.add(name_of(letter))
            try:
                record = letter.again()
                whole = letter.partition if record.key == PARTITION_KEY else None  # where it was for all devices
                await log.append(PINGS, [record], partition=whole)
                sent += 1
            except ValueError as error:
                note(f"{name_of(letter)}: {error}")
    for name in names:
        if name not in found:
            raise _nothing(name)
    note(f"{sent} records sent again")


def _told(letter: Letter) -> dict[str, str | int]:
    """All that is known of one, but for its bytes."""
    return {
        "record": name_of(letter),
        "received": _time(letter),
        "key": letter.key.decode("utf-8", "backslashreplace"),
        "reason": letter.reason,
        "hint": letter.hint,
        "length": letter.length,
        "sha256": letter.sha256,
    }


def name_of(letter: Letter) -> str:
    """How a letter is named."""
    return f"{letter.partition}:{letter.offset}"


async def _letters(log: Log, *, names: Collection[str] = (), reasons: Collection[str] = ()) -> AsyncIterator[Letter]:
    for partition in range(await log.partitions(REJECTED)):
        async for batch in log.read(REJECTED, partition, to_end=True):
            for offset, key, value, headers in zip(batch.offsets, batch.keys, batch.values, batch.headers, strict=True):
                try:
                    letter = read_letter(key, value, headers)
                except ValueError as error:
                    note(f"{REJECTED} {partition}:{offset}: {error}")
                    continue
                if (not names or name_of(letter) in names) and (not reasons or letter.reason in reasons):
                    yield letter


def _time(letter: Letter) -> str:
    try:
        return text_of(letter.received_ms)
    except ValueError:
        return str(letter.received_ms)


def _nothing(name: str) -> Unusable:
    return Unusable(f"there is no rejected record {name!r}. See: geofence rejected list")
