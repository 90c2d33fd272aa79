"""Disk space where the embedded log, the catalog's file and the compiled layers lie.

Invariant: what lies on other machines is said to be unknown.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from service.doctor.finding import Finding, error, ok, unknown, warning
from service.doctor.setup import Places
from service.settings.reading import role_settings
from service.source import Unusable

DISK = "disk"
_ROOM = 4  # times what counts as nearly full: warned below
_SHARE = 0.05  # of the disk: warned below


def check_disk(places: Places) -> Iterator[Finding]:
    """How much is free in each place; places on one disk are told together."""
    by_disk: dict[int, list[tuple[str, Path]]] = {}
    for what, path in _places(places):
        by_disk.setdefault(path.stat().st_dev, []).append((what, path))
    for here in by_disk.values():
        yield _judged([what for what, _ in here], here[0][1])
    for what, url, scheme in (("log", places.log_url, "kafka:"), ("catalog", places.catalog_url, "postgres")):
        if url is not None and url.startswith(scheme):
            yield unknown(DISK, f"of the {what}: it lies on other machines", "Watch the disks there.")


def _places(places: Places) -> Iterator[tuple[str, Path]]:
    """What lies on this machine, and a folder on its disk that is there."""
    for what, url in (("log", places.log_url), ("catalog", places.catalog_url), ("shelf", f"sqlite:{places.shelf}/x")):
        if url is not None and url.startswith("sqlite:"):
            folder = Path(url.removeprefix("sqlite:")).resolve().parent
            yield what, next(one for one in (folder, *folder.parents) if one.is_dir())


def _judged(what: list[str], path: Path) -> Finding:
    usage, spare = shutil.disk_usage(path), _spare_bytes()
    inodes = os.statvfs(path)
    told = f"{_size(usage.free)} of {_size(usage.total)} free for {', '.join(what)} ({path})"
    remedy = "Make room, or move them to a larger disk."
    if inodes.f_files and not inodes.f_favail:
        return error(DISK, f"no more files can be made in {path}: its disk has no inodes left", remedy)
    if usage.free < spare:
        if "log" in what:
            remedy += " The log refuses pings once it is full; with GEOFENCE_SQLITE_DROP_UNREAD=true it drops old ones."
        return error(DISK, f"nearly full: {told}", remedy, f"du -xh -d 1 {path} | sort -h")
    if usage.free < _ROOM * spare or usage.free < _SHARE * usage.total:
        return warning(DISK, told, remedy, f"du -xh -d 1 {path} | sort -h")
    return ok(DISK, told)


def _spare_bytes() -> int:
    """What the embedded log takes for nearly full."""
    from stream.sqlite.settings import Settings

    try:
        return role_settings("sqlite", Settings).spare_bytes
    except Unusable:  # told by the check of settings
        return Settings().spare_bytes


def _size(many: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if many < 1024:
            return f"{many:.0f} {unit}" if unit in ("B", "KiB") else f"{many:.1f} {unit}"
        many /= 1024
    return f"{many:.1f} TiB"
