"""What devices have just said about their consent, while it is on its way into the log and from there to the worker.

Beside the view of `tracks`, for `consents`. Invariants: what was said last holds from when it is in line for the log
until the row has it or says something that was said later elsewhere, a minute at most; what did not get into the log
holds no longer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from geofence.malformed import Malformed
from geofence.wire_tracks import Said, consent_of
from ingest.topics import PARTITION_KEY

_MOST = 100_000
_NOTHING, _GIVEN, _WITHDRAWN = Said  # asked for each ping, and an enum looks its members up slowly


@dataclass(frozen=True, slots=True, eq=False)
class _Word:
    """What a device said, when, and what its row may well say before it says this."""

    said: Said
    at_s: float
    before: frozenset[Said]


class JustSaid:
    """The last words of all devices."""

    def __init__(self, clock: Callable[[], float], fresh_s: float = 60.0) -> None:
        self._clock, self._fresh_s = clock, fresh_s
        self._words: OrderedDict[str, _Word] = OrderedDict()

    def of(self, device: str) -> Said | None:
        """What it has just said; None if its row says all."""
        word = self._words.get(device)
        return word.said if word is not None and self._clock() - word.at_s < self._fresh_s else None

    def forget(self, device: str) -> None:
        """It is erased."""
        self._words.pop(device, None)

    def change(self, key: bytes, before: bytes | None, now: bytes | None) -> None:
        """A device's row has changed."""
        if not self._words or key == PARTITION_KEY:
            return
        device = key.decode("utf-8", "replace")
        word = self._words.get(device)
        if word is None:
            return
        then, its = _consent(before), _consent(now)
        if its not in word.before or (its is word.said and then is not its):
            del self._words[device]

    @contextmanager
    def saying(self, given: Mapping[str, bool], row: Callable[[str], Said]) -> Iterator[None]:
        """While this is put in line for the log and until it is there; `row`: what a device's row says now."""
        had = {device: self._words.get(device) for device in given}
        words = {device: self._say(device, _GIVEN if yes else _WITHDRAWN, row(device)) for device, yes in given.items()}
        try:
            yield
        except BaseException:
            for device, word in words.items():
                if self._words.get(device) is word:
                    self._restore(device, had[device])
            raise

    def _say(self, device: str, said: Said, row: Said) -> _Word:
        last = self._words.get(device)
        before = {row} if last is None else {row, last.said} | last.before
        word = self._words[device] = _Word(said, self._clock(), frozenset(before))
        self._words.move_to_end(device)
        if len(self._words) > _MOST:
            self._words.popitem(last=False)
        return word

    def _restore(self, device: str, had: _Word | None) -> None:
        if had is None:
            del self._words[device]
        else:
            self._words[device] = had


def _consent(row: bytes | None) -> Said | None:
    """What a row says; None if it can't be read."""
    try:
        return _NOTHING if row is None else consent_of(row)
    except Malformed:
        return None
