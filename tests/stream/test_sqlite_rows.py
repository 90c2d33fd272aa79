"""The bytes of a row give back what was put in, and compaction keeps exactly what it must."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.port import Cleanup, Record, Topic
from stream.sqlite import open_log
from stream.sqlite.rows import Columns, columns, pack, unpack

headers = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3).map(tuple)
records = st.builds(
    Record,
    key=st.binary(max_size=12),
    value=st.none() | st.binary(max_size=40),
    headers=headers,
    time_ms=st.integers(0, 1 << 50),
)


@given(st.lists(records, min_size=1, max_size=30), st.integers(0, 1 << 43))
def test_a_row_gives_back_its_records(some: list[Record], base: int) -> None:
    packed = columns(some, base, 0)
    got = unpack(pack(packed), base)
    assert list(got.offsets) == list(range(base, base + len(some)))
    assert [Record(*row) for row in zip(got.keys, got.values, got.headers, got.times_ms, strict=True)] == some


@given(st.lists(records, min_size=2, max_size=30), st.data())
def test_a_row_with_gaps_gives_back_its_offsets(some: list[Record], data: st.DataObject) -> None:
    whole = columns(some, 1000, 0)
    places = sorted(data.draw(st.sets(st.integers(0, len(some) - 1), min_size=1)))
    kept = whole.pick(places)
    got = unpack(pack(kept), kept.offsets[0])
    assert list(got.offsets) == list(kept.offsets)
    assert list(got.values) == list(kept.values)


def test_a_row_that_was_cut_short_is_refused() -> None:
    body = pack(Columns(range(2), [1, 2], [b"a", b"b"], [b"x", None], [(), (("h", b"v"),)]))
    with pytest.raises(ValueError, match="expected"):
        unpack(body[:-1], 0)


Step = tuple[int, bool] | None
steps: st.SearchStrategy[list[Step]] = st.lists(st.none() | st.tuples(st.integers(0, 6), st.booleans()), max_size=40)


@settings(max_examples=25)
@given(steps)
def test_whenever_compaction_runs_each_keys_newest_stays(plan: list[Step]) -> None:
    clock = [0]

    async def story(folder: str) -> None:
        newest: dict[bytes, tuple[int, bytes | None]] = {}
        async with open_log(Path(folder) / "log.db", now=lambda: clock[0]) as log:
            await log.create([Topic("state", 1, Cleanup.COMPACT, compact_within_ms=10)])
            for offset, step in enumerate(step for step in plan if step):
                value = b"%d" % offset if step[1] else None
                newest[b"%d" % step[0]] = (offset, value)
            for step in plan:
                clock[0] += 3
                if step is None:
                    await log.upkeep()
                else:
                    at = (await log.standing("state", group="none"))[0].end
                    await log.append("state", [Record(b"%d" % step[0], b"%d" % at if step[1] else None)])
            clock[0] += 1000
            await log.upkeep()
            got = [
                row
                async for batch in log.read("state", 0, to_end=True)
                for row in zip(batch.offsets, batch.keys, batch.values, strict=True)
            ]
        live = [(offset, key, value) for key, (offset, value) in newest.items() if value is not None]
        assert got == sorted(live)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(folder))
