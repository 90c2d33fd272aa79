"""What earlier releases have written is read, and gone on from as if this code had written it; what a later one wrote
is refused with a sentence. Each folder here is named after the release that wrote it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from databases import postgres_url
from filling import BY, NOW_MS, held, missing, read
from story import CROSSING, world
from test_backup_running import until
from test_run import EAST, run

from catalog import Catalog, Outdated, open_catalog, upgrade
from catalog.database import Database
from catalog.opening import _config
from catalog.secret import key_id, same
from geofence.wire import NewerVersion
from geofence.wire_events import decode_event
from geofence.wire_tracks import TrackRows, decode_partition
from service.backup.restoring import restore_backup, verify_backup
from service.home import Home
from stream.port import Unusable
from stream.sqlite import FORMAT, open_log

HERE = Path(__file__).parent
RELEASES = sorted(one.name for one in HERE.iterdir() if one.is_dir() and one.name[0].isdigit())
MOST_BYTES = 300_000


@pytest.fixture(params=RELEASES)
def kept(request: pytest.FixtureRequest) -> Path:
    """The folder of one release."""
    return HERE / str(request.param)


def unpacked(packed: Path, to: Path) -> Path:
    to.write_bytes(gzip.decompress(packed.read_bytes()))
    return to


def rows(kept: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((kept / "tracks.json").read_bytes())
    return found


def test_every_release_is_kept_and_none_is_large() -> None:
    assert "0.1.0" in RELEASES
    for name in RELEASES:
        assert sum(one.stat().st_size for one in (HERE / name).iterdir()) <= MOST_BYTES


# -- the log -----------------------------------------------------------------------------------------------------------


def test_a_worker_goes_on_in_an_older_log_as_if_it_had_written_it(kept: Path, tmp_path: Path) -> None:
    its = world(unpacked(kept / "log.db.gz", tmp_path / "log.db"))
    begun = its.events()
    assert any(its.restored(partition).sweeping for partition in range(2))
    its.now_ms = int(time.time() * 1000)
    its.work()
    told = its.check_against_replay(tmp_path)
    for device, lines in begun.items():
        assert told[device][: len(lines)] == lines, "what was told is told again, or otherwise"
    later = [decode_event(line) for device, lines in told.items() for line in lines[len(begun.get(device, ())) :]]
    assert {one.data.cause for one in later} >= {"moved", "boundary", "first_fix"}
    assert {one.type.rpartition(".")[2] for one in later} >= {"changed", "entered", "exited", "dwelled"}
    assert [letter.reason for letter in its.letters()] == ["lon_range"]


def test_rows_of_tracks_are_read_as_the_release_read_them(kept: Path, tmp_path: Path) -> None:
    for one in rows(kept):
        found = read(one["key"].encode(), bytes.fromhex(one["row"]))
        assert missing(one["read"], found, one["key"]) == []
    its = world(unpacked(kept / "log.db.gz", tmp_path / "log.db"))
    shown = {view.device for partition in range(2) for view in its.restored(partition).tracks()}
    assert shown <= {one["key"] for one in rows(kept)}
    assert len(shown) > len(CROSSING.split()) // 2


def test_rows_of_a_newer_release_are_refused(kept: Path) -> None:
    device = next(one for one in rows(kept) if not one["key"].startswith("\0"))
    partition = next(one for one in rows(kept) if one["key"].startswith("\0"))
    newer, row = bytearray.fromhex(device["row"]), bytearray.fromhex(partition["row"])
    newer[0] = row[0] = 99
    with pytest.raises(NewerVersion, match=r"the track row has version 99; .* Update the program that reads"):
        world(Path("none")).fence().restore(TrackRows.of([(device["key"], bytes(newer))]))
    with pytest.raises(NewerVersion, match=r"the partition row has version 99; .* Update the program that reads"):
        decode_partition(bytes(row))


def test_a_log_of_a_newer_release_is_refused_and_left_as_it_is(kept: Path, tmp_path: Path) -> None:
    path = unpacked(kept / "log.db.gz", tmp_path / "log.db")
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    before = path.read_bytes()

    async def attempt(*, read_only: bool) -> None:
        async with open_log(path, read_only=read_only):
            pass

    for read_only in (False, True):
        with pytest.raises(Unusable, match=r"written by a newer version: format 2, this one knows up to 1\. "):
            asyncio.run(attempt(read_only=read_only))
    assert path.read_bytes() == before


# -- the catalog -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def written(kept: Path, engine: str) -> dict[str, Any]:
    """What the release itself read in it."""
    found: dict[str, Any] = json.loads((kept / f"catalog-{engine}.json").read_bytes())
    return found


@pytest.fixture
def url(kept: Path, engine: str, tmp_path: Path) -> str:
    """A catalog as the release left it."""
    if engine == "sqlite":
        return f"sqlite:{unpacked(kept / 'catalog.db.gz', tmp_path / 'catalog.db')}"
    found = postgres_url(tmp_path)
    database, config = Database(found), _config()
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, written(kept, engine)["revision"])
    database.close()
    with psycopg.connect(found) as connection:
        connection.execute(gzip.decompress((kept / "catalog.sql.gz").read_bytes()))  # type: ignore[call-overload]
    return found


def test_an_older_catalog_is_upgraded_and_has_all_that_it_had(kept: Path, engine: str, url: str) -> None:
    upgrade(url)
    with open_catalog(url) as catalog:
        its = written(kept, engine)
        texts = its.pop("texts")
        del its["revision"]
        assert missing(its, held(catalog)) == []
        hashes = {one.key.id: one.hash for one in catalog.keys.since(0).keys}
        for name in ("admin", "phone"):
            assert same(texts[name], hashes[key_id(texts[name]) or ""])
        goes_on(catalog, texts)


def goes_on(catalog: Catalog, texts: dict[str, str]) -> None:
    """What every part of the service does next."""
    device, _ = catalog.devices.redeem(texts["waiting"], now_ms=NOW_MS + 5)
    assert device.device == "phone-2"
    (hook, progress), *_ = catalog.webhooks.list()
    assert (progress.marks, len(hook.signing(NOW_MS))) == ((5, 1, 8), 2)
    assert catalog.deliveries.take(hook.id, for_ms=1000, now_ms=NOW_MS + 5000)
    waiting = catalog.jobs.take("two", now_ms=NOW_MS + 5000, lease_s=1.0)
    assert waiting
    assert waiting.kind == "check"
    planned = catalog.publications.plan("town", 2, replaces=1, comment="next", **BY)
    assert planned.number == 2
    before = catalog.codes.known("town")
    assert catalog.codes.give("town", ["east", "new"]) == {"east": before["east"], "new": max(before.values()) + 1}
    assert catalog.blobs.sweep(now_ms=NOW_MS + 10**9) == 0, "something that versions refer to was swept"


def test_a_catalog_of_a_newer_release_is_refused(kept: Path, engine: str, url: str) -> None:
    if engine == "sqlite":
        with sqlite3.connect(url.removeprefix("sqlite:")) as file:
            file.execute("UPDATE alembic_version SET version_num = '9999'")
        file.close()
    else:
        with psycopg.connect(url) as server:
            server.execute("UPDATE alembic_version SET version_num = '9999'")
    for attempt in (lambda: upgrade(url), lambda: open_catalog(url).__enter__()):
        with pytest.raises(Outdated, match=r"at 9999, which this program does not know; .* Update the program"):
            attempt()


# -- a home ------------------------------------------------------------------------------------------------------------


def test_the_backup_of_an_older_home_is_restored_and_runs_on(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOFENCE_WORKER_FORGET_AFTER_S", "9e9")  # the device has been silent since that release
    home = Home(tmp_path / "home")
    manifest = restore_backup(kept / "home.tar.zst", home, lambda *_: None)
    assert manifest == verify_backup(kept / "home.tar.zst", lambda *_: None)
    assert manifest.geofence == kept.name
    with run(home.folder) as running:
        now_ms = time.time_ns() // 1_000_000
        for number in range(4):
            running.send(**EAST, time_ms=now_ms + 60_000 * number)
        until(lambda: running.events()[-1:] and running.events()[-1]["sequence"] == "0000000002")
        event = running.events()[-1]
        assert (event["data"]["from"]["id"], event["data"]["to"]["id"]) == ("west", "east")
        assert event["data"]["cause"] == "moved"
    shutil.rmtree(home.folder)
