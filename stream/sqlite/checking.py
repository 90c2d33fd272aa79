"""Whether a topic is as it must be, and if not, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stream.port import Topic, Wrong
from stream.sqlite.shelf import Shelf

_MENDABLE = ("cleanup", "keep_ms", "keep_bytes", "compact_within_ms")


def faults_of(wanted: Topic, there: Shelf | None, path: Path) -> Iterator[Wrong]:
    """What is not as it must be."""
    if there is None:
        yield Wrong(wanted.name, "topic", "missing", "there", "create it")
        return
    found = there.topic
    if found.partitions != wanted.partitions:
        fix = (
            "the number is fixed when a topic is made: make a new set of topics and move over, or ask for what is there"
        )
        yield Wrong(wanted.name, "partitions", str(found.partitions), str(wanted.partitions), fix)
    for setting in _MENDABLE:
        has, must = getattr(found, setting), getattr(wanted, setting)
        if has != must:
            value = "NULL" if must is None else repr(must) if isinstance(must, int) else f"'{must}'"
            sql = f"UPDATE topic SET {setting} = {value} WHERE name = '{wanted.name}'"  # noqa: S608  only shown
            fix = f'while no process owns the log: sqlite3 {path} "{sql}"'
            yield Wrong(wanted.name, setting, str(has), str(must), fix)
