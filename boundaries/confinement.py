"""What a child process gives up before it looks at anything from outside: memory, time, files, the network.

Called by `sandboxed` in the child, with nothing imported yet that could be large. Limits of the system always hold;
Landlock (Linux 5.13 and later) is used where there is one. Invariant: what was given up can't be taken back.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the three calls of Landlock have the same number on every machine
_NO_NEW_PRIVILEGES, _DIE_WITH_PARENT = 38, 1
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_VERSION, _BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_OF_FILES = (
    1 << 13,
    1 << 14,
    1 << 15,
    1 << 15,
    1 << 16,
)  # by version
_ALL_OF_NETWORK = 3  # bind and connect over TCP, from version 4 on
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14  # rights that a single file can have
_READ = _EXECUTE | _READ_FILE | _READ_DIR


def limit(*, memory_bytes: int, cpu_s: int, file_bytes: int, open_files: int) -> None:
    """Set the limits of the system for this process, and let it die with its parent."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        free = hard == resource.RLIM_INFINITY
        least = most if free else min(most, hard)
        grace = 1 if what == resource.RLIMIT_CPU and (free or least < hard) else 0  # first the signal that tells
        resource.setrlimit(what, (least, least + grace))
    die_with_parent()


def die_with_parent() -> None:
    """Have this process killed when the thread that has begun it ends, however that comes about."""
    _prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def leave_network() -> bool:
    """Go into a network of one's own, in which there is nobody; False where this system does not let us."""
    libc = ctypes.CDLL(None)
    return bool(libc.unshare(_NEW_NETWORK) == 0 or libc.unshare(_NEW_USER | _NEW_NETWORK) == 0)


def forbid_files_but(*, reads: Iterable[Path], lists: Iterable[Path], writes: Iterable[Path]) -> bool:
    """Forbid every file but those, and TCP; False where this system has no Landlock.

    `reads` are files and folders with all in them, `lists` folders whose names may be seen, `writes` folders for all.
    """
    version = _call(_CREATE, None, 0, _VERSION)
    if version < 1:
        return False
    files = _ALL_OF_FILES[min(version, len(_ALL_OF_FILES)) - 1] - 1
    rules = struct.pack("QQ", files, _ALL_OF_NETWORK if version >= 4 else 0)
    ruleset = _call(_CREATE, rules, len(rules) if version >= 4 else 8, 0)
    if ruleset < 0:
        return False
    for paths, rights in ((reads, _READ), (lists, _READ_DIR), (writes, files & ~_EXECUTE)):
        for path in paths:
            _allow(ruleset, path, rights)
    _prctl(_NO_NEW_PRIVILEGES, 1)
    done = _call(_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return done


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what does not exist needs no right
    try:
        given = rights if path.is_dir() else rights & _OF_A_FILE
        _call(_ADD, ruleset, _BENEATH, struct.pack("=Qi", given, place), 0)
    finally:
        os.close(place)


def _prctl(what: int, value: int) -> None:
    ctypes.CDLL(None).prctl(what, ctypes.c_ulong(value), 0, 0, 0)


def _call(number: int, *arguments: bytes | int | None) -> int:
    """A call of the system; below 0 where it fails or does not exist."""
    typed = [ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments]
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *typed))
