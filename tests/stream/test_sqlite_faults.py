"""Real faults of the embedded log: a full disk, a second owner, files that are read-only, damaged, foreign or newer."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stories import claim_of, out, texts, values

from stream.port import LogError, Record, Topic, Unavailable, Unusable
from stream.sqlite import Settings, SqliteLog, open_log
from stream.sqlite.layout import open_writer

ONE = Topic("one", 1)
KILOBYTES = os.urandom(64 << 10)
ROOT = Path(__file__).parents[2]


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"a small disk needs root: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def limit(size: int) -> Iterator[None]:
    """No file may grow beyond this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def fill(log: SqliteLog) -> tuple[int, Unavailable]:
    """Append until it is refused: how many were acknowledged, and what was said then."""
    for count in range(10_000):
        try:
            await log.append("one", [Record(b"k", KILOBYTES)])
        except Unavailable as error:
            return count, error
    raise AssertionError("it never got full")


def make(path: Path) -> None:
    """A log with a few records."""

    async def story() -> None:
        async with open_log(path) as log:
            await log.create([ONE])
            for i in range(200):
                await log.append("one", [Record(b"k", b"%d" % i * 500)])

    asyncio.run(story())


async def read(path: Path) -> list[bytes | None]:
    """All that is in it."""
    async with open_log(path) as log:
        return await values(log, "one")


def refusal(path: Path, kind: type[LogError], read_only: bool = False) -> str:
    """What opening and reading it is refused with."""

    async def story() -> None:
        async with open_log(path, read_only=read_only) as log:
            await values(log, "one")

    with pytest.raises(kind) as error:
        asyncio.run(story())
    assert str(path) in str(error.value)
    return str(error.value)


async def goes_on_after(log: SqliteLog, count: int, free: Callable[[], object]) -> None:
    """A full log keeps what it has, commits whole or not at all, and goes on when there is space."""
    assert await values(log, "one") == [KILOBYTES] * count
    async with claim_of(log, "one", "group") as claim:
        with pytest.raises(Unavailable):
            async with claim.take() as grip:
                await grip.commit([out("other", [Record(b"k", KILOBYTES)] * 20)], 1)
        assert await values(log, "other") == []
        free()
        async with claim.take() as grip:
            assert grip.offset == 0
            await grip.commit([out("other", texts("x"))], 1)
    await log.append("one", texts("after"))
    assert await values(log, "other") == [b"x"]


def test_a_full_disk_refuses_keeps_what_it_has_and_goes_on_once_there_is_space(tmp_path: Path) -> None:
    async def story(folder: Path) -> int:
        ballast = folder / "ballast"
        ballast.write_bytes(bytes(8 << 20))
        async with open_log(folder / "log.db") as log:
            await log.create([ONE, Topic("other", 1)])
            count, error = await fill(log)
            assert "disk is full" in str(error)
            assert str(folder / "log.db") in str(error)
            await goes_on_after(log, count, ballast.unlink)
            return count

    async def again(folder: Path, count: int) -> None:
        async with open_log(folder / "log.db") as log:
            assert await values(log, "one") == [*[KILOBYTES] * count, b"after"]

    with tmpfs(tmp_path / "disk", "16m") as folder:
        count = asyncio.run(story(folder))
        assert count > 20
        asyncio.run(again(folder, count))


def test_a_file_at_its_limit_refuses_keeps_what_it_has_and_goes_on_above_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([ONE, Topic("other", 1)])
            with limit(4 << 20):
                count, error = await fill(log)
                assert count > 20
                assert str(tmp_path / "log.db") in str(error)
                _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
                await goes_on_after(log, count, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)))
            assert await values(log, "one") == [*[KILOBYTES] * count, b"after"]

    asyncio.run(story())


def test_the_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    async def story() -> set[str]:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([ONE])
            return {f"{one.name} {one.stat().st_mode & 0o777:o}" for one in tmp_path.glob("log.db*")}

    assert asyncio.run(story()) >= {"log.db 600", "log.db-wal 600", "log.db-shm 600"}


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    code = "import asyncio, sys, stream.sqlite as s\nasync def f():\n async with s.open_log(sys.argv[1]):\n"
    code += "  print('mine', flush=True)\n  await asyncio.sleep(60)\nasyncio.run(f())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env=environment) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"mine\n"
        said = refusal(path, Unavailable)
        assert f"process {first.pid} since 20" in said
        first.kill()
    make(path)


def test_a_child_that_outlives_the_owner_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    code = "import asyncio, os, sys, time, stream.sqlite as s\nasync def f():\n async with s.open_log(sys.argv[1]):\n"
    code += "  child = os.fork()\n  if not child: print(os.getpid(), flush=True)\n  time.sleep(60)\nasyncio.run(f())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        try:
            refusal(path, Unavailable)
            owner.kill()
            owner.wait()
            make(path)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_second_owner_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db"):
            with pytest.raises(Unavailable, match=f"process {os.getpid()} since"):
                async with open_log(tmp_path / "log.db"):
                    pass
        async with open_log(tmp_path / "log.db"):
            pass

    asyncio.run(story())


def test_a_file_on_a_read_only_disk_is_unusable_for_writing(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", "16m") as folder:
        make(folder / "log.db")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        assert "Read-only" in refusal(folder / "log.db", Unusable)


def test_a_file_that_is_read_only_is_unusable_for_writing(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    make(path)
    if os.getuid():
        path.chmod(0o444)
        assert "read-only" in refusal(path, Unusable)
        return
    for options in (["--bind", str(path)], ["-o", "remount,ro,bind"]):
        if subprocess.run(["mount", *options, str(path)], capture_output=True).returncode:
            pytest.skip("root writes to any file, and may not mount here")
    try:
        assert "read-only" in refusal(path, Unusable)
    finally:
        subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_none_of_ours_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    text, other, newer = tmp_path / "text", tmp_path / "other.db", tmp_path / "newer.db"
    text.write_bytes(b"dear diary, " * 1000)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE diary (day, text)")
    connection.close()
    make(newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    before = [path.read_bytes() for path in (text, other, newer)]
    assert "no SQLite file" in refusal(text, Unusable, read_only)
    assert "another program" in refusal(other, Unusable, read_only)
    assert "format 2, this one knows up to 1" in refusal(newer, Unusable, read_only)
    assert [path.read_bytes() for path in (text, other, newer)] == before


def test_a_folder_that_is_missing_and_a_log_that_is_missing_are_named(tmp_path: Path) -> None:
    assert "folder has to exist" in refusal(tmp_path / "nowhere" / "log.db", Unusable)
    assert "no log here" in refusal(tmp_path / "log.db", Unusable, read_only=True)
    assert not (tmp_path / "log.db").exists()


def test_a_damaged_page_is_unusable_and_never_read_as_records(tmp_path: Path) -> None:
    make(tmp_path / "log.db")
    whole = (tmp_path / "log.db").read_bytes()
    said = []
    for place in range(1, len(whole) // 8192):
        path = tmp_path / f"{place}.db"
        path.write_bytes(whole[: 8192 * place] + os.urandom(4096) + whole[8192 * place + 4096 :])
        try:
            assert asyncio.run(read(path)) == [b"%d" % i * 500 for i in range(200)]
        except Unusable as error:
            said.append(str(error))
    assert len(said) > 20
    assert all("damaged" in text for text in said)


def test_one_flipped_bit_in_a_row_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    make(path)
    with sqlite3.connect(path) as connection:
        row, body = connection.execute("SELECT id, body FROM batch LIMIT 1 OFFSET 7").fetchone()
        connection.execute("UPDATE batch SET body = ? WHERE id = ?", (body[:-1] + bytes([body[-1] ^ 4]), row))
    connection.close()
    assert "offset 7" in refusal(path, Unusable)


def test_a_lock_of_another_program_is_waited_for_then_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db", settings=Settings(lock_s=0.2)) as log:
            await log.create([ONE])
            shell = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
            shell.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="another program holds a lock"):
                await log.append("one", texts("a"))
            shell.execute("ROLLBACK")
            shell.close()
            await log.append("one", texts("b"))
            assert await values(log, "one") == [b"b"]

    asyncio.run(story())


def test_a_file_that_was_moved_away_gets_no_more_acknowledged(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "log.db", tmp_path / "elsewhere"

    async def story() -> None:
        async with open_log(path) as log:
            await log.create([ONE])
            path.rename(elsewhere)
            with pytest.raises(Unusable, match="moved"):
                await log.append("one", texts("a"))
            elsewhere.rename(path)
            await log.append("one", texts("b"))
            assert await values(log, "one") == [b"b"]

    asyncio.run(story())


def test_a_link_to_the_file_is_the_file(tmp_path: Path) -> None:
    make(tmp_path / "log.db")
    (tmp_path / "link").symlink_to(tmp_path / "log.db")

    async def story() -> None:
        async with open_log(tmp_path / "link"):
            assert f"process {os.getpid()}" in (tmp_path / "log.db.owner").read_text()

    asyncio.run(story())


def test_every_commit_is_synced_and_what_is_deleted_is_overwritten(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "log.db", 1)
    settings = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    deleted = connection.execute("PRAGMA secure_delete").fetchone()[0]
    connection.close()
    assert (settings, deleted) == ({"journal_mode": "wal", "synchronous": 2}, 1)


def test_a_partition_is_taken_though_what_was_written_beside_it_did_not_fit(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([ONE])
            await log.append("one", [Record(b"k", b"0")])
            assert log._writer

            def shut(connection: sqlite3.Connection) -> None:
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchone()
                time.sleep(0.2)  # what comes meanwhile is one transaction

            shutting = asyncio.create_task(log._writer.write((), shut))
            await asyncio.sleep(0.05)
            too_much = asyncio.create_task(log.append("one", [Record(b"k", KILOBYTES)]))
            async with claim_of(log, "one", "g") as claim, claim.take() as grip:
                assert (await anext(grip.batches(most=10))).values == [b"0"]
            with pytest.raises(Unavailable, match="the disk is full"):
                await too_much
            await shutting

    asyncio.run(story())
