"""What a device has just said about its consent holds until its row has it, or says something later."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from geofence.wire_tracks import Said
from ingest.gateway.just_said import JustSaid
from stream.port import Unavailable

NOTHING, GIVEN, WITHDRAWN = Said


def row(said: Said) -> bytes:
    """A row as the view has it, for a `consent_of` that reads its first byte."""
    return bytes([said])


@pytest.fixture
def just_said(monkeypatch: pytest.MonkeyPatch) -> JustSaid:
    monkeypatch.setattr("ingest.gateway.just_said.consent_of", lambda row: Said(row[0]))
    return JustSaid(lambda: 0.0)


def say(just_said: JustSaid, given: bool, now: Said) -> None:
    with just_said.saying({"d": given}, lambda _: now):
        pass


# What was said, each with the row of that moment; the rows that come then; what holds beside the row in the end.
ROWS = {
    "its own word": ([(True, NOTHING)], [(NOTHING, GIVEN)], None),
    "nothing new": ([(True, WITHDRAWN)], [(WITHDRAWN, WITHDRAWN)], GIVEN),
    "said elsewhere later": ([(True, GIVEN)], [(GIVEN, WITHDRAWN)], None),
    "its own word, then elsewhere": ([(True, WITHDRAWN)], [(WITHDRAWN, GIVEN), (GIVEN, WITHDRAWN)], None),
    "the first of two words": ([(True, NOTHING), (False, NOTHING)], [(NOTHING, GIVEN)], WITHDRAWN),
    "both words": ([(True, NOTHING), (False, NOTHING)], [(NOTHING, GIVEN), (GIVEN, WITHDRAWN)], None),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_was_just_said_holds_until_the_row_has_it_or_something_later(just_said: JustSaid, name: str) -> None:
    words, rows, left = ROWS[name]
    for given, now in words:
        say(just_said, given, now)
    for before, now in rows:
        just_said.change(b"d", row(before), row(now))
    assert just_said.of("d") is left


def fail(just_said: JustSaid, given: bool, meanwhile: Callable[[], None]) -> None:
    with suppress(Unavailable), just_said.saying({"d": given}, lambda _: NOTHING):
        meanwhile()
        raise Unavailable("away")


def test_what_was_said_before_or_meanwhile_is_not_undone_with_what_failed(just_said: JustSaid) -> None:
    say(just_said, True, NOTHING)
    held = []
    fail(just_said, False, lambda: held.append(just_said.of("d")))
    assert (held, just_said.of("d")) == ([WITHDRAWN], GIVEN)
    fail(just_said, True, lambda: say(just_said, False, NOTHING))
    assert just_said.of("d") is WITHDRAWN
