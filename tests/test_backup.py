"""Backups of a home: of one moment, whole or refused, and put back without a trace of anything else."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import hashlib
import os
import resource
import shutil
import sqlite3
import stat
import tarfile
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from commands import run
from runs import SETTINGS, World
from test_worker_killed import KILLED, in_a_process
from worlds import partition, walk

from catalog import open_catalog, upgrade
from geofence.wire_events import decode_event
from ingest.settings import WorkerSettings
from ingest.topics import CHANGES, PINGS, topics
from service.backup.making import make_backup
from service.backup.manifest import Entry, Manifest, decode_manifest, encode_manifest
from service.backup.restoring import LEAP, restore_backup, verify_backup
from service.backup.staging import PREFIX
from service.home import Home
from service.source import Unusable
from stream.port import Log, Record
from stream.sqlite import open_log

FILES = ("catalog.db", "log.db", "demo.key")


def quiet(*_: object) -> None:
    """Nobody looks."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a key and some records."""
    its = Home(tmp_path / "home")
    its.folder.mkdir()
    upgrade(its.catalog_url)
    with open_catalog(its.catalog_url) as catalog:
        its.key(catalog)
    write(its, lambda log: log.create(topics(2)))
    append(its, PINGS, 300)
    return its


def write(home: Home, act: Callable[[Log], Any]) -> None:
    """Do something as the owner of its log."""

    async def done() -> None:
        async with open_log(home.folder / "log.db") as log:
            await act(log)

    asyncio.run(done())


def append(home: Home, topic: str, many: int, *, bytes_each: int = 100) -> None:
    """Records to partition 0."""
    some = [Record(f"{number}".encode(), os.urandom(bytes_each), (), number) for number in range(many)]
    write(home, lambda log: log.append(topic, some, partition=0))


def records(home: Home, topic: str, start: int = 0) -> list[tuple[int, bytes | None]]:
    """Offsets and keys of partition 0."""

    async def read() -> list[tuple[int, bytes | None]]:
        async with open_log(home.folder / "log.db", read_only=True) as log:
            batches = [batch async for batch in log.read(topic, 0, start=start, to_end=True)]
            return [pair for batch in batches for pair in zip(batch.offsets, batch.keys, strict=True)]

    return asyncio.run(read())


def names(home: Home) -> list[str]:
    with open_catalog(home.catalog_url) as catalog:
        return [one.name for one in catalog.keys.list()]


def leftovers(place: Path) -> list[Path]:
    return list(place.glob(f"{PREFIX}*"))


# -- there and back ----------------------------------------------------------------------------------------------------


def test_what_was_backed_up_comes_back_and_is_its_owners_alone(home: Home, tmp_path: Path) -> None:
    made = make_backup(home, tmp_path / "one.tar.zst", quiet)
    again = Home(tmp_path / "deep" / "again")
    assert restore_backup(made.path, again, quiet) == made.manifest == verify_backup(made.path, quiet)
    assert sorted(one.name for one in again.folder.iterdir()) == sorted(FILES)
    for one in (made.path, *again.folder.iterdir()):
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert stat.S_IMODE(again.folder.stat().st_mode) == 0o700
    assert records(again, PINGS) == records(home, PINGS)
    assert names(again) == ["demo"]
    with open_catalog(again.catalog_url) as catalog:
        assert again.key(catalog) == home.key_file.read_text().strip()
    assert not leftovers(tmp_path)


def test_a_tar_that_knows_zstd_reads_it_too(home: Home, tmp_path: Path) -> None:
    made = make_backup(home, tmp_path / "one.tar.zst", quiet)
    raw = zstandard.ZstdDecompressor().stream_reader(made.path.read_bytes()).read()
    with tarfile.open(fileobj=BytesIO(raw)) as tar:
        assert tar.getnames() == ["manifest.json", *FILES]
        assert {one.mode for one in tar.getmembers()} == {0o600}


def test_log_and_catalog_are_of_one_moment_while_both_are_written(home: Home, tmp_path: Path) -> None:
    stop = threading.Event()

    def write_on() -> None:  # first into the catalog, then into the log: at any moment it is ahead by one, or by none
        async def both() -> None:
            with open_catalog(home.catalog_url) as catalog:
                async with open_log(home.folder / "log.db") as log:
                    number = 0
                    while not stop.is_set():
                        number += 1
                        catalog.keys.create(name=f"{number}", scopes=["admin"], by="test", now_ms=1)
                        await log.append(CHANGES, [Record(b"d", b"", (), 1)], partition=0)

        asyncio.run(both())

    writing = threading.Thread(target=write_on)
    writing.start()
    counted = []
    try:
        for number in range(6):
            time.sleep(0.02)  # the load goes on between them, too
            made = make_backup(home, tmp_path / f"{number}.tar.zst", lambda *_: time.sleep(0.005))
            again = Home(tmp_path / f"{number}")
            restore_backup(made.path, again, quiet)
            keys, told = len(names(again)) - 1, len(records(again, CHANGES))
            assert told <= keys <= told + 1
            counted.append(told)
    finally:
        stop.set()
        writing.join()
    assert counted == sorted(set(counted)), "nothing was written meanwhile"


def test_what_is_written_while_it_is_copied_is_not_in_it(home: Home, tmp_path: Path) -> None:
    append(home, PINGS, 4000, bytes_each=500)
    before, said = records(home, PINGS), []

    def told(stage: str, done: int, size: int) -> None:
        if stage == "copying log.db" and stage not in {one[0] for one in said}:
            append(home, PINGS, 50)
        said.append((stage, done, size))

    made = make_backup(home, tmp_path / "one.tar.zst", told)
    again = Home(tmp_path / "again")
    restore_backup(made.path, again, quiet)
    assert records(again, PINGS) == before
    assert len(records(home, PINGS)) == len(before) + 50
    copied = [done for stage, done, _ in said if stage == "copying log.db"]
    assert copied == sorted(copied)
    assert len(copied) > 1, "it was copied in one piece, with nobody let in between"


def test_positions_that_readers_got_after_the_backup_lead_to_what_comes_next(home: Home, tmp_path: Path) -> None:
    append(home, CHANGES, 3)
    made = make_backup(home, tmp_path / "one.tar.zst", quiet)
    append(home, CHANGES, 5)
    reader = records(home, CHANGES)[-1][0] + 1
    again = Home(tmp_path / "again")
    restore_backup(made.path, again, quiet)
    append(again, CHANGES, 2)
    assert records(again, CHANGES, reader) == [(LEAP + 3, b"0"), (LEAP + 4, b"1")]
    assert [offset for offset, _ in records(again, CHANGES)] == [0, 1, 2, LEAP + 3, LEAP + 4]
    append(again, PINGS, 1)
    assert records(again, PINGS)[-1][0] == 300, "the input has no gaps"


def test_after_a_restore_an_id_may_be_another_event_s_unless_the_source_is_another(tmp_path: Path) -> None:
    its = world(tmp_path / "log.db")
    its.pour(walk("A 0 A 60 A 120"))
    its.work()
    copy, other = tmp_path / "copy.db", tmp_path / "other.db"
    for one in (copy, other):
        shutil.copy(its.path, one)
    later = []
    renamed = dataclasses.replace(SETTINGS, source="geofence-2")
    for log, way, settings in ((its.path, "B", SETTINGS), (copy, "N", SETTINGS), (other, "N", renamed)):
        one = world(log, settings)
        one.now_ms = its.now_ms
        one.pour(walk(" ".join(f"{way} {second}" for second in (180, 240, 300, 360))))
        one.work()
        later.append(next(event for line in one.events()["d"] if (event := decode_event(line)).sequence.endswith("2")))
    lost, told, named_anew = later
    assert lost.id == told.id
    assert lost.data.target != told.data.target
    assert named_anew.id != told.id
    assert named_anew.data.target == told.data.target


def world(log_file: Path, settings: WorkerSettings = SETTINGS) -> World:
    return World(log_file, [partition()], settings=settings)


def test_a_home_without_a_catalog_has_its_log_backed_up(home: Home, tmp_path: Path) -> None:
    for one in home.folder.glob("catalog.db*"):
        one.unlink()
    made = make_backup(home, tmp_path / "one.tar.zst", quiet)
    assert made.manifest.catalog_revision is None
    again = Home(tmp_path / "again")
    restore_backup(made.path, again, quiet)
    assert records(again, PINGS) == records(home, PINGS)


# -- what goes wrong while it is made ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["copying catalog.db", "copying log.db", "packing log.db", "packing demo.key"])
def test_killed_midway_there_is_no_backup_and_the_next_one_cleans_up(home: Home, tmp_path: Path, stage: str) -> None:
    place = tmp_path / "backups"
    place.mkdir()

    def die(here: str, *_: int) -> None:
        if here == stage:
            os.kill(os.getpid(), 9)

    assert in_a_process(lambda: make_backup(home, place, die)) == KILLED
    assert [one for one in place.iterdir() if not one.name.startswith(PREFIX)] == []
    assert len(leftovers(place)) == 1
    made = make_backup(home, place, quiet)
    assert list(place.iterdir()) == [made.path]
    verify_backup(made.path, quiet)


def test_two_at_once_leave_each_other_alone(home: Home, tmp_path: Path) -> None:
    inner: list[Path] = []

    def told(stage: str, *_: int) -> None:
        if stage == "packing log.db" and not inner:
            inner.append(tmp_path)
            inner.append(make_backup(home, tmp_path / "inner.tar.zst", quiet).path)

    outer = make_backup(home, tmp_path / "outer.tar.zst", told)
    for one in (outer.path, inner[1]):
        verify_backup(one, quiet)


def test_a_full_disk_is_told_and_leaves_nothing(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(home, PINGS, 2000, bytes_each=500)
    place = tmp_path / "backups"
    place.mkdir()

    def limited() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))  # files end there, as on a full disk
        with pytest.raises(Unusable, match=r"backups: .*\. Nothing is left of this backup; make room if"):
            make_backup(home, place, quiet)

    assert in_a_process(limited) == 0
    assert list(place.iterdir()) == []
    usage = (10, 9, 1_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": usage[2]}))
    with pytest.raises(Unusable, match=r"backups: its disk has 0 MB left; the copy needs \d+ MB"):
        make_backup(home, place, quiet)
    assert list(place.iterdir()) == []


def test_what_may_not_be_read_or_written_is_told_as_that(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "backups"))

    (tmp_path / "backups").mkdir()
    monkeypatch.setattr("service.backup.staging.mkdtemp", refuse)
    with pytest.raises(Unusable, match=r"/backups: Permission denied\. .* may read the home and write to the folder"):
        make_backup(home, tmp_path / "backups", quiet)


def test_a_damaged_home_gives_no_backup(home: Home, tmp_path: Path) -> None:
    append(home, PINGS, 2000, bytes_each=500)
    with sqlite3.connect(home.folder / "log.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with (home.folder / "log.db").open("r+b") as file:
        file.seek(0, 2)
        file.seek(file.tell() // 8192 // 2 * 8192)
        file.write(b"\xff" * 8192)
    with pytest.raises(Unusable, match=r"log\.db: the file is damaged .* a copy of it is no backup"):
        make_backup(home, tmp_path / "one.tar.zst", quiet)
    assert not (tmp_path / "one.tar.zst").exists()


def test_nothing_is_written_over_and_only_a_home_is_backed_up(home: Home, tmp_path: Path) -> None:
    (tmp_path / "one.tar.zst").write_text("mine")
    with pytest.raises(Unusable, match="it is there already, and nothing is written over"):
        make_backup(home, tmp_path / "one.tar.zst", quiet)
    with pytest.raises(Unusable, match="there is no such folder to write the backup to"):
        make_backup(home, tmp_path / "none" / "one.tar.zst", quiet)
    with pytest.raises(Unusable, match=r"there is no home here: log\.db is missing"):
        make_backup(Home(tmp_path / "none"), tmp_path / "two.tar.zst", quiet)
    assert (tmp_path / "one.tar.zst").read_text() == "mine"


# -- what is wrong with an archive -------------------------------------------------------------------------------------


def refused(archive: Path, match: str) -> None:
    """Neither verified nor restored, and nothing is left of the attempt."""
    with pytest.raises(Unusable, match=match):
        verify_backup(archive, quiet)
    before = set(archive.parent.rglob("*"))
    with pytest.raises(Unusable, match=match):
        restore_backup(archive, Home(archive.parent / "again"), quiet)
    assert set(archive.parent.rglob("*")) == before


def test_cut_off_anywhere_it_is_refused(home: Home, tmp_path: Path) -> None:
    whole = make_backup(home, tmp_path / "one.tar.zst", quiet).path.read_bytes()
    cut = tmp_path / "cut.tar.zst"
    for size in (0, 1, 10, 300, *range(1000, len(whole), len(whole) // 11), len(whole) - 1):
        cut.write_bytes(whole[:size])
        with pytest.raises(Unusable, match=r"the backup is damaged: it ends within .*: it was cut off"):
            verify_backup(cut, quiet)
    refused(cut, "it was cut off")


def test_changed_anywhere_it_is_refused(home: Home, tmp_path: Path) -> None:
    whole = make_backup(home, tmp_path / "one.tar.zst", quiet).path.read_bytes()
    other = tmp_path / "other.tar.zst"
    for place in range(10, len(whole), len(whole) // 23):
        other.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with pytest.raises(Unusable, match=r"damaged|no backup"):
            verify_backup(other, quiet)
    refused(other, r"damaged|no backup")


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    refused(tmp_path / "none", "none: it can't be read: No such file")
    (tmp_path / "text").write_text("something else entirely")
    refused(tmp_path / "text", "the backup is damaged: it can't be unpacked")
    packed = tmp_path / "other.tar.zst"
    packed.write_bytes(zstandard.compress(tar_of(("a", b"b"))))
    refused(packed, r"this is no backup of a home: it does not begin with manifest\.json")


def tar_of(*members: tuple[str | tarfile.TarInfo, bytes]) -> bytes:
    """A tar by the standard library."""
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for head, content in members:
            info = tarfile.TarInfo(head) if isinstance(head, str) else head
            info.size = info.size or len(content)
            tar.addfile(info, BytesIO(content))
    return out.getvalue()


def manifest(*files: Entry, **more: Any) -> bytes:
    its = Manifest(
        geofence="9.9", moment="2026-01-01T00:00:00.000Z", log_format=1, catalog_revision="0001", files=files
    )
    return encode_manifest(msgspec.structs.replace(its, **more))


def entry(name: str, content: bytes) -> Entry:
    return Entry(name, len(content), hashlib.sha256(content).hexdigest())


def link(name: str, kind: bytes, to: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


LOG = entry("log.db", b"log")
TRICKS = [
    ("a name that leads out", [manifest(LOG, entry("../evil", b"x"))], r"lists a file '\.\./evil'; allowed: "),
    ("a name from the root", [manifest(LOG, entry("/evil", b"x"))], "lists a file '/evil'"),
    ("a name of the lock", [manifest(LOG, entry("log.db-wal", b"x"))], "lists a file 'log.db-wal'"),
    ("a file twice", [manifest(LOG, LOG)], "no backup of a home: .* lists log.db, log.db"),
    ("no log", [manifest(entry("demo.key", b"x"))], "lists demo.key"),
    ("another name than listed", [manifest(LOG), ("../evil", b"log")], r"where log\.db .* is '\.\./evil' \(3 bytes\)"),
    ("a symbolic link", [manifest(LOG), (link("log.db", tarfile.SYMTYPE, "/etc/passwd"), b"")], "is no plain file"),
    ("a hard link", [manifest(LOG), (link("log.db", tarfile.LNKTYPE, "/etc/passwd"), b"")], "is no plain file"),
    ("a device", [manifest(LOG), (link("log.db", tarfile.CHRTYPE, ""), b"")], "is no plain file"),
    ("a name of any length", [manifest(LOG), ("l" * 300, b"log")], "is no plain file"),
    ("other contents", [manifest(LOG), ("log.db", b"lag")], r"log\.db is not as it was when the backup was made"),
    ("more than listed", [manifest(LOG), ("log.db", b"log!")], r"where log\.db \(3 bytes\) was to come"),
    ("a file too many", [manifest(LOG), ("log.db", b"log"), ("evil", b"x")], "there is more in it than it lists"),
    ("a newer form", [manifest(LOG, format=2)], "made by a newer version: format 2, this one knows up to 1"),
    ("a newer log", [manifest(LOG, log_format=2)], "made by a newer version: log format 2, this one knows up to 1"),
    ("a newer catalog", [manifest(LOG, catalog_revision="9999")], r"newer version \(9\.9\): its catalog is at 9999"),
    ("another thing", [manifest(LOG, what="cake")], r"manifest\.json is of something else"),
    ("no JSON", [b"{"], r"its manifest\.json can't be read"),
    ("a manifest without end", [b" " * 2_000_000], r"it does not begin with manifest\.json"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "match"), [one[1:] for one in TRICKS], ids=[one[0] for one in TRICKS])
def test_an_archive_with_a_trick_is_refused_and_writes_nothing(tmp_path: Path, members: list[Any], match: str) -> None:
    first, *rest = members
    archive = tmp_path / "trick.tar.zst"
    archive.write_bytes(zstandard.compress(tar_of(("manifest.json", first), *rest)))
    refused(archive, match)


def test_a_newer_form_is_told_whatever_else_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="newer version: format 7"):
        decode_manifest(b'{"what": "backup of a geofence home", "format": 7, "files": {}}', tmp_path)


# -- where it goes -----------------------------------------------------------------------------------------------------


def test_a_home_that_is_not_empty_is_left_as_it_is(home: Home, tmp_path: Path) -> None:
    made = make_backup(home, tmp_path / "one.tar.zst", quiet)
    before = {one: one.stat().st_mtime_ns for one in home.folder.iterdir()}
    with pytest.raises(
        Unusable, match=r"home: it is not empty \(catalog\.db and \d more\)\. .* move that one away first"
    ):
        restore_backup(made.path, home, quiet)
    assert {one: one.stat().st_mtime_ns for one in home.folder.iterdir()} == before
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    restore_backup(made.path, Home(tmp_path / "disk"), quiet)


def test_a_restore_that_was_killed_can_be_done_again(home: Home, tmp_path: Path) -> None:
    made, again = make_backup(home, tmp_path / "one.tar.zst", quiet), Home(tmp_path / "again")

    def die(here: str, *_: int) -> None:
        if here == "log.db":
            os.kill(os.getpid(), 9)

    assert in_a_process(lambda: restore_backup(made.path, again, die)) == KILLED
    assert [one.name.startswith(PREFIX) for one in again.folder.iterdir()] == [True]
    restore_backup(made.path, again, quiet)
    assert records(again, PINGS) == records(home, PINGS)
    assert not leftovers(again.folder)


def test_a_disk_without_room_is_told_before_anything_is_written(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_backup(home, tmp_path / "one.tar.zst", quiet)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000}))
    with pytest.raises(Unusable, match=r"again: its disk has 0 MB left; \d+ MB are needed"):
        restore_backup(made.path, Home(tmp_path / "again"), quiet)
    assert not (tmp_path / "again").exists()


# -- on the command line -----------------------------------------------------------------------------------------------


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    place = tmp_path / "backups"
    place.mkdir()
    return place


def test_the_commands_make_verify_and_restore(home: Home, backups: Path, tmp_path: Path) -> None:
    made = run("backup", "--home", home.folder, "--json", backups)
    assert (made.status, made.err) == (0, "")
    (told,) = made.events
    assert Path(told["file"]).parent == backups
    assert [one["name"] for one in told["files"]] == list(FILES)
    assert told["packed_bytes"] == Path(told["file"]).stat().st_size
    shown = run("backup", "verify", told["file"])
    assert (shown.status, shown.lines[0].partition(": ")[2][:6]) == (0, "whole.")
    restored = run("backup", "restore", told["file"], "--home", tmp_path / "again")
    assert restored.status == 0
    assert f"geofence run --home {tmp_path / 'again'}" in restored.out.decode()
    for words in (["verify", home.key_file], ["restore", told["file"], "--home", home.folder], [backups / "no" / "x"]):
        failed = run("backup", *words)
        assert (failed.status, failed.out, failed.err.count("\n")) == (2, b"", 1)


def test_without_a_target_it_says_how(home: Home) -> None:
    shown = run("backup", "--help")
    assert shown.status == 0
    assert "geofence backup restore" in shown.out.decode()
    assert run("backup", "--home", home.folder).err.startswith("geofence: Missing argument 'TARGET'")


def test_a_home_that_was_begun_while_a_backup_was_put_back_is_left_as_it_is(home: Home, tmp_path: Path) -> None:
    made, again = make_backup(home, tmp_path / "one.tar.zst", quiet), Home(tmp_path / "again")

    def begin(here: str, *_: int) -> None:
        if here == "demo.key":
            (again.folder / "log.db").write_text("pings that were acknowledged")

    with pytest.raises(Unusable, match=r"again: it is not empty \(log\.db\)"):
        restore_backup(made.path, again, begin)
    assert {one.name: one.read_text() for one in again.folder.iterdir()} == {"log.db": "pings that were acknowledged"}
