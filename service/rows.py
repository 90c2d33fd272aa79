"""What readers hand on: batches of pings and control records, each with its place in the file; and rejected
rows.

Between the readers and the commands. Invariant: rows count the file's records from 1 and lines are what an
editor shows, so that a message leads to the place; every row of a file is in a batch, an order, or rejected.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geofence.control import Control
from geofence.ping import Pings

BATCH_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that can't be used."""

    row: int
    line: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Pings in file order. `rows` and `lines` tell where each stood."""

    pings: Pings
    rows: NDArray[np.int64]
    lines: NDArray[np.int64]
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Order:
    """A control record."""

    control: Control
    row: int
    line: int


@dataclass(frozen=True, slots=True)
class Misread:
    """A control record that can't be used: no ping, so it has no outcome in any layer."""

    rejected: Rejected


Part = Batch | Order | Misread
