"""What a rule is judged on: pings of devices, and where those devices truly were.

A corpus is built once by `recordings` or `simulated` and never changed; its makers keep the pings of a device
together and in order of arrival. Several devices may share one truth (phones of one trip), and all of them
belong to its session, the unit of the bootstrap.
"""

from dataclasses import dataclass

import numpy as np

from bench.quality.columns import Bools, Floats, Ints

UNKNOWN, GPS, WIFI, CELL, FUSED = range(5)


@dataclass(frozen=True, slots=True)
class Pings:
    """Columns of pings, those of a device together, in order of arrival. No accuracy is NaN."""

    device: Ints
    time_ms: Ints
    lon: Floats
    lat: Floats
    accuracy_m: Floats
    source: Ints

    def __len__(self) -> int:
        return len(self.device)

    def take(self, rows: Ints | Bools) -> "Pings":
        """The rows named, as new columns."""
        return Pings(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Truth:
    """Columns of true places, those of a session together and in order of time."""

    session: Ints
    time_ms: Ints
    lon: Floats
    lat: Floats


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pings beside the truth; `session_of[device]` names the truth behind a device's pings."""

    name: str
    pings: Pings
    truth: Truth
    session_of: Ints

    @property
    def devices(self) -> int:
        """How many devices there are; they are numbered from 0."""
        return len(self.session_of)

    def with_pings(self, name: str, pings: Pings) -> "Corpus":
        """The same trips, seen through other pings."""
        return Corpus(name, pings, self.truth, self.session_of)


def starts(keys: Ints, count: int) -> Ints:
    """Where each key's rows begin in a sorted column, and, as the last entry, where they all end."""
    return np.searchsorted(keys, np.arange(count + 1)).astype(np.int64)
