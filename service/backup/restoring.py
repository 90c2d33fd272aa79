"""A backup is put back, into a folder that is empty; or only looked at.

Under `geofence backup restore` and `verify`. Invariants: nothing is in the home before all of the archive has been
looked at and is on disk; the log comes before the catalog, so that a home cut off between the two names can't be
taken for a new one; offsets of region changes that were given after the backup are not given again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from ingest.topics import CHANGES
from service.backup.archive import Told, reading
from service.backup.manifest import CATALOG, LOG, Entry, Manifest
from service.backup.staging import PREFIX, staging, sync_folder
from service.home import Home
from service.source import Unusable
from stream.port import LogError
from stream.sqlite import leap

LEAP = 1 << 32  # offsets: more events than any partition tells between a backup and its return
_NOT_OURS = {"lost+found"}  # of a disk that is mounted there


def verify_backup(archive: Path, told: Told) -> Manifest:
    """What a backup says of itself, once all of it has been looked at. Raises Unusable."""
    with reading(archive) as its, Path(os.devnull).open("wb") as nowhere:
        its.take(lambda _: nullcontext(nowhere), told)
        return its.manifest


def restore_backup(archive: Path, home: Home, told: Told) -> Manifest:
    """Fill an empty home, or one that is not there yet, from a backup. Raises Unusable."""
    folder = home.folder
    with reading(archive) as its, _made(folder):
        _refuse_if_used(folder)
        try:
            with staging(folder) as stage:
                _check_room(folder, its.manifest)
                its.take(lambda entry: _written(stage, entry), told)
                leap(stage / LOG, CHANGES, LEAP)
                _refuse_if_used(folder)
                for name in sorted((one.name for one in its.manifest.files), key=(CATALOG).__eq__):
                    (stage / name).rename(folder / name)
                sync_folder(folder)
        except OSError as error:
            raise Unusable(f"{folder}: {error.strerror or error}. Nothing was restored") from None
        except LogError as error:
            raise Unusable(f"{error} Nothing was restored") from None
    return its.manifest


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """The folder meanwhile; gone again if it was made here and nothing is in it."""
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unusable(f"{folder} can't be made: {error.strerror}. Say another folder: --home DIR") from None
    try:
        yield
    except BaseException:
        if new:
            with suppress(OSError):  # what is in it came from another program, which has begun a home there
                folder.rmdir()
        raise


def _refuse_if_used(folder: Path) -> None:
    there = sorted(one.name for one in folder.iterdir() if not one.name.startswith(PREFIX))
    there = [name for name in there if name not in _NOT_OURS]
    if there:
        more = f" and {len(there) - 1} more" if there[1:] else ""
        raise Unusable(
            f"{folder}: it is not empty ({there[0]}{more}). Say a folder that is empty or not there: --home DIR. "
            "To put the backup in the place of a home, stop the service and move that one away first"
        )


def _check_room(folder: Path, manifest: Manifest) -> None:
    free = shutil.disk_usage(folder).free
    if free < manifest.bytes:
        raise Unusable(
            f"{folder}: its disk has {free / 1e6:.0f} MB left; {manifest.bytes / 1e6:.0f} MB are needed. Make room, "
            "or say another folder: --home DIR"
        )


@contextmanager
def _written(stage: Path, entry: Entry) -> Iterator[BinaryIO]:
    """A new file for its owner alone, on disk afterwards."""
    made = os.open(stage / entry.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(made, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
