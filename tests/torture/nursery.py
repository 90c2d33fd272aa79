"""Where workers and publishers come from: forked off one that has loaded everything, so that a start costs little.

A process of its own: whoever connects to its socket gets one, with the connection as standard input and output.
It says on standard output how each of them ended. Invariant: it has no threads and no event loop, so that a child
begins like a process that has just started and loaded its code; children end with it, however that ends.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import os
import select
import signal
import socket
import sys
from pathlib import Path

import msgspec

from boundaries.shelf import Shelf
from catalog import open_catalog
from geofence.fence import Fence
from geofence.ping import Ping, Pings
from stream.port import LogError
from tests.torture import process, publisher
from tests.torture.points import say
from tests.torture.process import options
from tests.torture.town import START_MS

ROLES = {"worker": process.main, "publisher": publisher.main}
_PR_SET_PDEATHSIG = 1
_LOOK_S = 0.01


def serve(listener: socket.socket, given: argparse.Namespace) -> None:
    """Fork off a worker for each connection, and tell of each end, until standard input ends."""
    folder = Path(given.socket).parent
    while True:
        ready, _, _ = select.select([listener, 0], [], [], _LOOK_S)
        if 0 in ready:
            return
        if listener in ready:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                become(connection, given, folder)
            connection.close()
        tell_ends()


def become(connection: socket.socket, given: argparse.Namespace, folder: Path) -> None:
    """The child's life; does not return."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    connection.setblocking(True)
    status = 1
    try:
        for standard in (0, 1):
            os.dup2(connection.fileno(), standard)
        asked = msgspec.json.decode(_line())
        name = f"{asked['role']}-{asked['number']:03d}.log"
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        asyncio.run(ROLES[asked["role"]](given))
        status = 0
    except LogError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(status)


def tell_ends() -> None:
    """Say of every child that has ended how it did."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        say(pid=pid, status=os.waitstatus_to_exitcode(status))


def load(given: argparse.Namespace) -> None:
    """Everything that a worker needs before its first record."""
    ping = Ping(device="d", lon=0.005, lat=0.005, time_ms=START_MS, accuracy_m=10.0)
    shelf = Shelf(given.shelf)
    for place in Path(given.shelf).glob("version-*"):
        atlas = shelf.atlas(place.name.removeprefix("version-"))
        if atlas is not None:
            Fence([atlas.version], atlases={atlas.version.hash: atlas}).observe(Pings.of([ping]))
    with open_catalog(given.catalog):
        pass
    gc.freeze()


def _line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(0, 1)
    return line


if __name__ == "__main__":
    parser = options()
    parser.add_argument("--socket", required=True)
    arguments = parser.parse_args()
    load(arguments)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(arguments.socket)
        listening.listen()
        say(ready=True)
        serve(listening, arguments)
