"""A backup is made: both databases copied as of one moment, then packed with the small files, then given its name.

Under `geofence backup`. Invariants: there is an archive under its name only once all of it is on disk; nothing is ever
written over; what a run that failed leaves behind is nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from geofence.instant import text_of
from service.backup.archive import Told, pack
from service.backup.manifest import CATALOG, KEPT, LOG, Entry, Manifest
from service.backup.moment import Moment, moment
from service.backup.staging import staging, sync_folder
from service.home import Home
from service.source import Unusable

ENDING = ".tar.zst"
_NO_ROOM = "the disk is full. Nothing is left of this backup; make room, then try again"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Backup:
    """One that is there."""

    path: Path
    manifest: Manifest
    packed_bytes: int


def make_backup(home: Home, target: Path, told: Told) -> Backup:
    """Back a home up into the file `target`, or into a new file of the folder `target`. Raises Unusable."""
    if not (home.folder / LOG).exists():
        raise Unusable(f"{home.folder}: there is no home here: {LOG} is missing. Say which: --home DIR")
    place = target if target.is_dir() else target.parent
    if not place.is_dir():
        raise Unusable(f"{place}: there is no such folder to write the backup to. Make it first")
    with _telling(place), staging(place) as stage:
        with moment(home) as its:
            path = target if place is not target else target / _name(its)
            _check(path, its)
            _copy(home, its, stage, told)
        manifest = _described(its, stage)
        pack(stage / "archive", manifest, stage, told)
        _refuse_if_there(path)
        (stage / "archive").rename(path)
        sync_folder(place)
    return Backup(path, manifest, path.stat().st_size)


def _name(its: Moment) -> str:
    """A name that sorts by time."""
    return f"geofence-{text_of(its.time_ms).replace('-', '').replace(':', '').partition('.')[0]}Z{ENDING}"


def _check(path: Path, its: Moment) -> None:
    _refuse_if_there(path)
    needed, free = sum(one.bytes for one in its.snapshots), shutil.disk_usage(path.parent).free
    if free < needed:
        raise Unusable(
            f"{path.parent}: its disk has {free / 1e6:.0f} MB left; the copy needs {needed / 1e6:.0f} MB before it is "
            "packed. Make room, or say another folder"
        )


def _refuse_if_there(path: Path) -> None:
    if os.path.lexists(path):
        raise Unusable(f"{path}: it is there already, and nothing is written over. Give another name, or a folder")


def _copy(home: Home, its: Moment, stage: Path, told: Told) -> None:
    for one in its.snapshots:
        name = one.path.name
        one.copy_to(stage / name, partial(told, f"copying {name}"))
    for name in KEPT:
        if name not in (LOG, CATALOG) and (home.folder / name).is_file():
            (stage / name).write_bytes((home.folder / name).read_bytes())


def _described(its: Moment, stage: Path) -> Manifest:
    return Manifest(
        geofence=_program(),
        moment=text_of(its.time_ms),
        log_format=its.log_format,
        catalog_revision=its.revision,
        files=tuple(_entry(stage / name) for name in KEPT if (stage / name).exists()),
    )


def _entry(path: Path) -> Entry:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry(path.name, path.stat().st_size, digest, KEPT[path.name])


def _program() -> str:
    try:
        return version("geofence")
    except PackageNotFoundError:
        return "not installed"


@contextmanager
def _telling(place: Path) -> Iterator[None]:
    """What the disk refuses, as one sentence."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise Unusable(f"{place}: {_NO_ROOM}") from None
        raise Unusable(
            f"{place}: the home could not be copied: {error}. Nothing is left of this backup; make room if "
            "there is none, look at both disks, then try again"
        ) from None
    except OSError as error:
        if error.errno in _FULL:
            raise Unusable(f"{place}: {_NO_ROOM}") from None
        where = error.filename if isinstance(error.filename, str) else place
        raise Unusable(
            f"{where}: {error.strerror or error}. Nothing is left of this backup; run it as who may read the home and "
            "write to the folder of the backup"
        ) from None
