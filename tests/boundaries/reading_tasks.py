"""Many files read in one child of the sandbox: what became of each."""

from collections.abc import Callable
from pathlib import Path

from boundaries.errors import Undecided, Unreadable
from boundaries.reading.apart import read_confined
from boundaries.reading.kept import to_bytes


def read_all(folder: Path, progress: Callable[[str, int, int], None], paths: list[str]) -> list[list[str]]:
    """Of each file, what it was and what was said or found; the folder must stay as it is."""
    outcomes = []
    before = {one.name for one in folder.iterdir()}
    for at, path in enumerate(paths):
        progress(Path(path).name, at, len(paths))
        try:
            reading = read_confined(path, {}, lambda *_: None)
            outcomes.append(["read", to_bytes(reading).decode("latin-1")])
        except Unreadable as error:
            outcomes.append(["unreadable", str(error)])
        except Undecided as error:
            outcomes.append(["undecided", str(error)])
        left = {one.name for one in folder.iterdir()} - before
        if left:
            raise RuntimeError(f"{path} left {left}")
    return outcomes
