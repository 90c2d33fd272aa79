"""The child's side of `sandbox`: give up rights, call one function, say how it went.

Run as `python -m boundaries.sandboxed` in a folder of its own. The order comes on standard input, what is said goes to
standard output as JSON lines; whatever else prints there prints nowhere. Invariant: nothing but the standard library is
imported before the limits hold.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from boundaries.confinement import forbid_files_but, leave_network, limit
from boundaries.errors import BoundaryError, Undecided, Unreadable

RESULT = "result.json"
_NOT_NEEDED = ("geopandas", "pandas")  # pyogrio would load them wherever they are installed: 0.3 s for nothing
EVERY_S = 0.1  # between two words on the progress of one stage

Progress = Callable[[str, int, int], None]


def main() -> None:
    """Do what the order on standard input says."""
    told = _own_channel()
    order = json.loads(sys.stdin.read())
    sys.modules.update(dict.fromkeys(_NOT_NEEDED))  # type: ignore[arg-type]
    limit(**order["limits"])
    leave_network()
    folder = Path.cwd()
    forbid_files_but(
        reads=map(Path, order["reads"]), lists=map(Path, order["lists"]), writes=(folder, Path(os.devnull))
    )
    _say(told, _outcome(order["function"], order["arguments"], folder, told))


def _outcome(function: str, arguments: dict[str, Any], folder: Path, told: TextIO) -> dict[str, Any]:
    """The last line: done, or why not."""
    try:
        module, _, name = function.rpartition(".")
        result = getattr(importlib.import_module(module), name)(folder=folder, progress=_progress(told), **arguments)
        (folder / RESULT).write_text(json.dumps(result))
        return {"done": True}
    except Undecided as error:
        return {"failed": "undecided", "message": str(error), "option": error.option, "choices": error.choices}
    except Unreadable as error:
        return {"failed": "unreadable", "message": str(error)}
    except BoundaryError as error:
        return {"failed": "stopped", "message": str(error)}
    except MemoryError:
        return {"failed": "memory", "message": ""}
    except Exception as error:
        traceback.print_exc()
        return {"failed": "fault", "message": f"{type(error).__name__}: {error}"[:500]}


def _own_channel() -> TextIO:
    """Standard output as it was, for our lines alone."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return told


def _progress(told: TextIO) -> Progress:
    last_stage, last_s = "", 0.0

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal last_stage, last_s
        now_s = time.monotonic()
        if stage != last_stage or now_s - last_s >= EVERY_S:
            last_stage, last_s = stage, now_s
            _say(told, {"stage": stage, "done": done, "total": total})

    return progress


def _say(told: TextIO, line: dict[str, Any]) -> None:
    told.write(json.dumps(line) + "\n")
    told.flush()


if __name__ == "__main__":
    main()
