"""A disk that is full for a while: a small one of its own (tmpfs) that is filled, and a limit on the sizes of files.

The limit comes where the log's files have room left in them, or where no disk may be mounted. The fault begins when
the owner says that it was refused something. Invariant: the disk is unmounted in the end.
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
_ROOM_S, _FULL_S = 3.0, 10.0
_LIMIT = 65_536  # bytes
_BURST = 20  # times the usual rate, as a log has some room in its files when the disk has none


class Disk:
    """Where the log lies."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self._mounted, self._folder = mounted, folder
        self._ballast = folder / "ballast"
        self.path = folder / "log.db"

    def fill(self) -> None:
        """Leave no room."""
        if self._mounted:
            free = os.statvfs(self._folder)
            with self._ballast.open("wb") as file, suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize))

    def limit(self, pid: int) -> None:
        """Let this process write no further into its files than a little way."""
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (_LIMIT, hard))

    def free(self, pid: int) -> None:
        """The end of both."""
        self._ballast.unlink(missing_ok=True)
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


async def full(scene: Scene, strike: Strike, disk: Disk) -> None:
    """No room until the owner was refused something, and for a moment more."""
    owner = await scene.crew.owner(strike.draw)
    refusals, failed = scene.feeder.refusals, scene.crew.states["failed"]

    async def refused(within_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while scene.feeder.refusals == refusals and scene.crew.states["failed"] == failed:
                    await asyncio.sleep(0.01)
                return True
        return False

    scene.feeder.burst = _BURST
    disk.fill()
    try:
        if not await refused(_ROOM_S):
            disk.limit(owner.pid)  # its files had room for all that
        if await refused(_FULL_S):
            scene.struck(strike.kind, f"{owner}", owner=not owner.ended.is_set())
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
