"""What is kept in memory of a partition's end is what the file has, and never more than it may be."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stream.port import Cleanup, Record, Topic
from stream.sqlite import open_log
from stream.sqlite.fresh import KEPT_BYTES, KEPT_ROWS, Fresh, Row
from stream.sqlite.rows import columns

PART = 7
ROWS = st.lists(st.tuples(st.integers(1, 5), st.sampled_from([10, 1000, KEPT_BYTES // 3])), max_size=30)


def rows_of(shapes: Sequence[tuple[int, int]], base: int) -> list[Row]:
    """Rows of so many records and so many bytes, one behind the other."""
    rows = []
    for count, size in shapes:
        records = [Record(b"%d" % (base + k), b"") for k in range(count)]
        rows.append(Row(columns(records, base, 0), size))
        base += count
    return rows


@given(st.lists(ROWS, max_size=4), st.integers(0, 300), st.integers(1, 20), st.booleans())
def test_what_is_kept_is_what_was_written_from_there_on(
    transactions: list[list[tuple[int, int]]], start: int, most: int, forgotten: bool
) -> None:
    fresh, end = Fresh(), 0
    fresh.follow(PART)
    for number, shapes in enumerate(transactions):
        if forgotten and number == 1:
            fresh.forget(PART)
        new = rows_of(shapes, end)
        fresh.put(PART, new)
        end += sum(count for count, _ in shapes)
    found = fresh.get(PART, start, most)
    if found is not None:
        offsets = list(found.offsets)
        assert offsets == list(range(start, start + len(offsets)))
        assert list(found.keys) == [b"%d" % offset for offset in offsets]
        assert len(offsets) >= min(most, end - start)
    kept = fresh._kept[PART]
    assert kept.size == sum(row.size for row in kept.rows) <= KEPT_BYTES
    assert len(kept.rows) <= KEPT_ROWS
    if transactions and transactions[-1] and start == end - 1 and transactions[-1][-1][1] < KEPT_BYTES // 3:
        assert found is not None, "the newest is always here"


def test_nobody_follows_and_nothing_is_kept() -> None:
    fresh = Fresh()
    fresh.put(PART, rows_of([(1, 1)], 0))
    assert fresh.get(PART, 0, 1) is None


async def _keys_after_retention(path: Path) -> list[bytes | None]:
    now_ms = 1_000
    async with open_log(path, now=lambda: now_ms) as log:
        await log.create([Topic("t", 1, Cleanup.DELETE, keep_ms=500)])
        await log.append("t", [Record(b"a", b"1")], partition=0)
        reading = log.read("t", 0)
        assert (await anext(reading)).keys == [b"a"]
        waiting = asyncio.ensure_future(anext(reading))
        await asyncio.sleep(0.05)
        await log.append("t", [Record(b"b", b"2")], partition=0)
        assert (await waiting).keys == [b"b"]
        now_ms = 100_000
        await log.upkeep()
        await log.append("t", [Record(b"c", b"3")], partition=0)
        return [key async for batch in log.read("t", 0, start=1, to_end=True) for key in batch.keys]


def test_what_retention_took_is_not_handed_out_from_memory(tmp_path: Path) -> None:
    assert asyncio.run(_keys_after_retention(tmp_path / "log.db")) == [b"c"]
