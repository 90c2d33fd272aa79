"""A disk that is full for a while: a small one of its own (tmpfs), or where that may not be mounted, a limit on files.

The fault begins when the owner says that it was refused something. Invariant: the disk is unmounted in the end.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.torture.scene import Act, Scene
from tests.torture.schedule import Strike

_SIZE = "512m"
_FULL_S = 20.0
_BURST = 30  # times the usual rate, as a log has some room in its files when the disk has none


class Disk:
    """Where the log lies."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self.folder, self._mounted = folder, mounted
        self._ballast = folder / "ballast"

    def fill(self, pid: int) -> None:
        """Leave no room, for the process of this number at least."""
        if not self._mounted:
            self._limit(pid, (self.folder / "log.db-wal").stat().st_size)
            return
        free = os.statvfs(self.folder)
        with self._ballast.open("wb") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize))

    def free(self, pid: int) -> None:
        """The end of `fill`."""
        self._ballast.unlink(missing_ok=True)
        if not self._mounted:
            with suppress(ProcessLookupError):
                self._limit(pid, resource.RLIM_INFINITY)

    def _limit(self, pid: int, size: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(size, hard) if hard >= 0 else size, hard))


async def full(scene: Scene, strike: Strike, disk: Disk) -> None:
    """No room until the owner was refused something, and for a moment more."""
    owner = await scene.crew.owner(strike.draw)
    refusals, failed = scene.feeder.refusals, scene.crew.states["failed"]
    scene.feeder.burst = _BURST
    disk.fill(owner.pid)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FULL_S):
                while scene.feeder.refusals == refusals and scene.crew.states["failed"] == failed:
                    await asyncio.sleep(0.01)
                scene.struck(strike.kind, f"{owner}", owner=owner.owns or not owner.ended.is_set())
                await asyncio.sleep(0.2 + strike.length)
    finally:
        scene.feeder.burst = 1
        disk.free(owner.pid)


def of_disk(disk: Disk) -> dict[str, Act]:
    """The faults of a disk, by kind."""
    return {"disk full": partial(full, disk=disk)}


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A disk in this folder, which is made."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True).returncode == 0
    try:
        yield Disk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
