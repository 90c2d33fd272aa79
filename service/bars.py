"""Bars on standard error for what takes a while, if that is a terminal.

Around uploads, jobs and files that are judged. Invariant: nothing is written where nobody looks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

Shown = Callable[[str, int, int | None], None]  # what is done just now, how much of it, of how much


@contextmanager
def bar(title: str, *, in_bytes: bool = False) -> Iterator[Shown | None]:
    """A bar that is gone afterwards; None: nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    many: ProgressColumn = DownloadColumn() if in_bytes else TextColumn("{task.percentage:>3.0f} %")
    text = "{task.description}"
    columns = (TextColumn(title, markup=False), TextColumn(text, markup=False), BarColumn(), many, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)

        def tell(stage: str, done: int, total: int | None) -> None:
            shown.update(task, description=stage, completed=done, total=total or None)

        yield tell
