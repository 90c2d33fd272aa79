"""A progress bar on standard error, if that is a terminal.

Used by the commands around the reading of a file. Invariant: nothing is written where nobody looks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from service.source import Source


class Progress:
    """Shows how much of a file has been read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
            self._task = self._bar.add_task(self._source.name, total=self._source.size or None)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while something is written to a terminal."""
        hidden = self._bar is not None and sys.stdout.isatty()
        if hidden and self._bar is not None:
            self._bar.stop()
        yield
        if hidden and self._bar is not None:
            sys.stdout.flush()
            self._bar.start()

    def advance(self, rows: int) -> None:
        """Say that so many rows have been dealt with."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._source.read_bytes, description=f"{rows:,} rows")
