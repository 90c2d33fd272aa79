"""A piece of work for the sandbox: what to call, with what, within which limits; and what the child is told of it.

Invariant: of our environment the child gets nothing but what is listed here, and it may read our code, the libraries of
the system and what the task names.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_KEPT = ("LANG", "LC_ALL", "TZ")  # of the environment; nothing in it is a secret
_SYSTEM = tuple(map(Path, ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom", "/proc/self")))
_SYSTEM_MORE = tuple(map(Path, ("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu")))
_PACKAGES = ("boundaries", "geofence", "catalog", "stream", "web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a task may use."""

    memory_bytes: int = 4 * 1024**3  # of address space; libraries alone take half a GB
    cpu_s: int = 600
    wall_s: float = 900.0
    file_bytes: int = 2 * 1024**3  # of each file it writes
    open_files: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work."""

    function: str  # such as boundaries.reading.apart.read_into
    arguments: Mapping[str, Any] = field(default_factory=dict)
    reads: tuple[Path, ...] = ()  # the files and folders that it may read, beside our own code
    limits: Limits = Limits()


def order_of(task: Task) -> bytes:
    """What the child reads first. Raises TypeError where the arguments are no JSON."""
    limits = {name: value for name, value in asdict(task.limits).items() if name != "wall_s"}
    order = {
        "function": task.function,
        "arguments": dict(task.arguments),
        "limits": limits,
        "reads": [str(path.absolute()) for path in (*_code(task.function), *task.reads)],
        "lists": [path for path in sys.path if path],
    }
    return json.dumps(order).encode()


def _code(function: str) -> list[Path]:
    """What must be readable for our own code to run: the system's libraries, Python, our packages, the function's."""
    paths = [*_SYSTEM, *_SYSTEM_MORE, Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix)]
    paths += [Path(path) for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")) if path]
    for name in (*_PACKAGES, function.split(".", 1)[0]):
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            paths.append(Path(found.origin).parent if found.submodule_search_locations else Path(found.origin))
    return paths


def environment(folder: Path) -> dict[str, str]:
    """Nothing of ours but where Python finds its modules."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "PATH": "",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PROJ_NETWORK": "OFF",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "NUMBA_CACHE_DIR": str(_lent(folder)),
    }


def _lent(folder: Path) -> Path:
    """Links to the core's compiled code, named as numba looks for it: it takes no cache that it can't write beside."""
    lent, found = folder / "compiled", importlib.util.find_spec("geofence")
    if found is not None and found.origin is not None:
        code = Path(found.origin).absolute().parent
        place = lent / f"{code.name}_{hashlib.sha1(str(code).encode(), usedforsecurity=False).hexdigest()}"
        place.mkdir(parents=True)
        for compiled in code.glob("__pycache__/*.nb[ic]"):
            (place / compiled.name).symlink_to(compiled)
    return lent
