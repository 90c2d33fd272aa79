"""Where workers' processes come from: forked off one that has loaded everything, so that a new one costs milliseconds.

A process of its own: whoever connects to its socket gets a worker, with the connection as standard input and output.
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

from geofence.ping import Ping, Pings
from stream.port import LogError
from tests.torture.points import say
from tests.torture.process import main, options
from tests.torture.town import START_MS, fences

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
        number = msgspec.json.decode(_line())["number"]
        log = os.open(folder / f"worker-{number:03d}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 2)
        asyncio.run(main(given))
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


def load() -> None:
    """Everything that a worker needs before its first record."""
    ping = Ping(device="d", lon=0.005, lat=0.005, time_ms=START_MS, accuracy_m=10.0)
    asyncio.run(fences().make(None)).observe(Pings.of([ping]))
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
    load()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(arguments.socket)
        listening.listen()
        say(ready=True)
        serve(listening, arguments)
