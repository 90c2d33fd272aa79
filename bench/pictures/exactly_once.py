"""The picture of exactly once: a worker is killed before its commit, another takes the same input again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from bench.pictures.sheet import BAD, GOOD, INK, MUTED, RULE, WEST, WEST_FILL, Sheet
from bench.pictures.town import SOURCE, districts, ping, steps_of
from geofence.ping import Ping
from geofence.witness import Told

FIRST_OFFSET, COMMITTED, TAKEN = 40, 42, 5  # of the partition; the worker takes the rest as one batch
EAST_M = (-400.0, -300.0, -100.0, 120.0, 260.0, 400.0, 480.0)
_BOX, _LEFT, _TOPS = 58.0, 24.0, (74.0, 236.0, 398.0)
_TITLES = (
    "1  Worker A has decided, and is killed before its commit.",
    "2  Worker B takes the partition, reads its tracks and its offset, and decides again.",
    "3  One transaction: all of it, or nothing.",
)
_ROWS = (
    (_TITLES[0], COMMITTED, BAD, ("never seen by readers,", "given up with worker A")),
    (_TITLES[1], COMMITTED, WEST, ("the same input, the same", "rule: the same bytes")),
    (_TITLES[2], COMMITTED + TAKEN, GOOD, ("seen by everybody at once;", "the next batch begins here")),
)


@cache
def pings() -> list[Ping]:
    """One phone's way over the border."""
    return [ping("phone-1", 20.0 * k, east_m, 10.0) for k, east_m in enumerate(EAST_M)]


@cache
def crossing() -> Told:
    """The event that the batch causes."""
    told = [one for step in steps_of("phone-1", pings(), [districts()]) for one in step.told]
    return next(one for one in told if one.cause == "moved")


def draw() -> str:
    """The picture."""
    event = crossing().id[:12]
    what = (
        "Three rows. A worker takes five pings, decides, and is killed before its commit: nothing of it can be seen. "
    )
    what += f"Another takes the same five from the committed offset and comes to the same event, {event}. It commits: "
    sheet = Sheet(760, 580, "Exactly once", what + "event, track and offset become visible together.")
    sheet.text(_LEFT, 28, "A worker is killed, and nobody can tell", bold=True, size=15)
    sheet.text(_LEFT, 48, "offsets of one partition of pings; what lies left of the mark is committed", MUTED)
    for top, (title, committed, colour, words) in zip(_TOPS, _ROWS, strict=True):
        sheet.text(_LEFT, top, title, bold=True)
        _draw_offsets(sheet, top + 36, committed)
        _draw_outgoing(sheet, top + 14, colour, words, done=colour == GOOD)
    note = f"The id is a hash of source ({SOURCE}), device, layer, the track's birth, and the sequence."
    sheet.text(_LEFT, 566, note, MUTED, size=12)
    return sheet.svg()


def _draw_offsets(sheet: Sheet, y: float, committed: int) -> None:
    for place in range(len(EAST_M)):
        offset, x = FIRST_OFFSET + place, _LEFT + _BOX * place
        sheet.rect(x, y, _BOX - 6, 34, "#eef0f2" if offset < committed else WEST_FILL, RULE, rx=4)
        sheet.text(x + (_BOX - 6) / 2, y + 22, str(offset), MUTED if offset < committed else INK, anchor="middle")
    x = _LEFT + _BOX * (committed - FIRST_OFFSET) - 3
    sheet.line([(x, y - 8), (x, y + 44)], INK, 2.4)
    ends = committed == FIRST_OFFSET + len(EAST_M)
    sheet.text(x + (0 if ends else 4), y + 58, f"committed: {committed}", anchor="end" if ends else "start", size=12)


def _draw_outgoing(sheet: Sheet, y: float, colour: str, words: Sequence[str], *, done: bool) -> None:
    x, wide = 452.0, 140.0
    style = "none" if done else "5 4"
    sheet.arrow((_LEFT + _BOX * len(EAST_M), y + 40), (x - 6, y + 40), stroke_dasharray=style)
    sheet.rect(x, y, wide, 104, "#ffffff", colour, rx=6, stroke_width=1.8, stroke_dasharray=style)
    inside = ("event", f"  {crossing().id[:12]}…", "track of phone-1", "presence")
    sheet.lines(x + 10, y + 20, inside, colour, size=12)
    sheet.text(x + 10, y + 92, f"offset {COMMITTED + TAKEN}", colour, size=12, bold=True)
    sheet.lines(x + wide + 12, y + 48, words, MUTED, size=12)
    if colour == BAD:
        sheet.line([(x - 4, y - 4), (x + wide + 4, y + 108)], BAD, 2)
        sheet.line([(x - 4, y + 108), (x + wide + 4, y - 4)], BAD, 2)
