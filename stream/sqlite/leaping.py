"""Offsets are passed over in a log that nobody has open: for one that was put back from a copy.

Readers remember offsets that the log gave after the copy was made. Invariant: none of those is given again, so that
who goes on from such a place misses nothing that is appended later.
"""

from __future__ import annotations

from pathlib import Path

from stream.sqlite.faults import telling
from stream.sqlite.layout import open_writer

_LOCK_S = 5.0


def leap(path: Path, topic: str, offsets: int) -> None:
    """Give what is appended next to a topic offsets that lie so much further on. Raises Unavailable and Unusable."""
    connection = open_writer(path, _LOCK_S)
    try:
        with telling(path):
            connection.execute(
                "UPDATE part SET end = end + ? WHERE topic = (SELECT id FROM topic WHERE name = ?)", (offsets, topic)
            )
    finally:
        connection.close()
