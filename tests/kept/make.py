"""`python tests/kept/make.py`: what this release writes, kept under its number for the releases after it.

Run once, when a release is made, by the code of that release; see docs/operations/upgrades.md. What is there is never
written over: releases that were made can't be made again.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "catalog"), str(HERE.parent.parent)]

import databases  # noqa: E402
import psycopg  # noqa: E402
import story  # noqa: E402
from filling import fill, held, newest_rows  # noqa: E402
from psycopg import sql  # noqa: E402
from runs import World  # noqa: E402
from shapely.geometry import box  # noqa: E402
from test_run import HOURS_MS, WEST, publish, run, until  # noqa: E402
from test_worker_killed import work_and_die_at  # noqa: E402

from boundaries.geojson import geojson_of  # noqa: E402
from catalog import open_catalog, revision_of, upgrade  # noqa: E402
from catalog.tables import metadata  # noqa: E402
from geofence.region import Region  # noqa: E402
from service.backup.making import make_backup  # noqa: E402
from service.home import Home  # noqa: E402
from stream.sqlite import leap  # noqa: E402

MOST_BYTES = 300_000


def make(folder: Path, scratch: Path) -> None:
    """Write everything."""
    folder.mkdir()
    log = stopped_worker(scratch / "log.db")
    leap(log.path, "none", 0)  # which folds the -wal file into the log
    _keep(folder / "log.db.gz", log.path.read_bytes())
    (folder / "tracks.json").write_text(json.dumps(newest_rows(log), indent=1))
    for name, url in (("sqlite", f"sqlite:{scratch / 'catalog.db'}"), ("postgresql", databases.postgres_url(scratch))):
        upgrade(url)
        with open_catalog(url) as catalog:
            its = {"revision": revision_of(url), "texts": fill(catalog), **held(catalog)}
        (folder / f"catalog-{name}.json").write_text(json.dumps(its, indent=1))
        content = (scratch / "catalog.db").read_bytes() if name == "sqlite" else dumped(url)
        _keep(folder / f"catalog.{'db' if name == 'sqlite' else 'sql'}.gz", content)
    keep_home(scratch, folder / "home.tar.zst")


def stopped_worker(log_file: Path) -> World:
    """The log of the story, its worker killed while it moved devices to a new version, and input that nobody took."""
    its = story.world(log_file)
    its.pour(story.before())
    its.work()
    its.pour([story.SWITCH])
    work_and_die_at(its, "after commit", 1)
    if not any(its.restored(partition).sweeping for partition in range(2)):
        raise SystemExit("the worker was not killed amid a switch")
    its.pour(story.after())
    return its


def dumped(url: str) -> bytes:
    """The rows of all tables as SQL, for a database that the migrations have brought to the same revision."""
    lines = []
    with psycopg.connect(url) as connection:
        for name in (table.name for table in metadata.sorted_tables):
            table = sql.Identifier(name)
            found = connection.execute(sql.SQL("SELECT * FROM {}").format(table))
            columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in found.description or ())
            lines.append(sql.SQL("DELETE FROM {};").format(table).as_string(connection))
            for row in found.fetchall():
                values = sql.SQL(", ").join(map(sql.Literal, row))
                put = sql.SQL("INSERT INTO {} ({}) VALUES ({});").format(table, columns, values)
                lines.append(put.as_string(connection))
    lines.append("SELECT setval(pg_get_serial_sequence('audit', 'id'), max(id)) FROM audit;")
    return "\n".join(lines).encode()


def keep_home(scratch: Path, archive: Path) -> None:
    """A backup of a home with a layer in force and a device in it, made while it runs."""
    town = scratch / "town.geojson"
    town.write_bytes(geojson_of([Region("west", box(0, 0, 1, 1)), Region("east", box(1, 0, 2, 1))]))
    with run(scratch / "home") as running:
        assert asyncio.run(publish(running, town)) == [("town", 2)]
        running.send(**WEST, time_ms=time.time_ns() // 1_000_000 - HOURS_MS)
        until(running.events)
        make_backup(Home(running.home), archive, lambda *_: None)
    archive.chmod(0o644)


def _keep(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def main() -> None:
    """Write the folder of this release, and say how large it is."""
    folder = HERE / version("geofence")
    if folder.exists():
        raise SystemExit(f"{folder} is there already. What a release wrote is never written over")
    with tempfile.TemporaryDirectory() as scratch:
        make(folder, Path(scratch))
    size = sum(one.stat().st_size for one in folder.iterdir())
    print(f"{folder}: {size:,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"that is more than {MOST_BYTES:,} bytes: keep less")


if __name__ == "__main__":
    main()
