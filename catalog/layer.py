"""One layer, as the catalog has it: what its regions are to each other, and how exact they are meant to be.

Under `layers`. Invariant: its name can stand in a URL, and neither it nor the kind ever changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite

from sqlalchemy import Connection, Row, select, update

from catalog.database import next_change
from catalog.errors import Changed, Missing, Refused
from catalog.layer_tables import layer

KINDS = ("partition", "overlay")
MOST_NUMBER = 2**31 - 1  # of versions, of publications
MOST_TOLERANCE_M, MOST_ACCURACY_M = 10_000.0, 100_000.0
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer."""

    name: str
    kind: str  # one of KINDS
    tolerance_m: float  # overlaps and gaps up to so wide are slips of drawing
    accuracy_m: float  # of the pings that are expected
    created_ms: int
    revision: int  # grows with each change of it, its versions and its publications


def check_layer_name(name: str) -> None:
    """Refuse a name that a layer can't have. Raises Refused."""
    if not _NAME.fullmatch(name):
        raise Refused(
            f"the layer's name is {name[:80]!r}; allowed: 1 to 64 of a-z, 0-9, '.', '_' and '-', "
            "beginning with a letter or a digit. Choose another."
        )


def check_metres(what: str, value: float, most: float) -> None:
    """Refuse a length that is none. Raises Refused."""
    if not (isfinite(value) and 0 < value <= most):
        raise Refused(f"{what} is {value}; allowed: more than 0 and at most {most:g} m")


def layer_of(row: Row[tuple[object, ...]]) -> Layer:
    """What the columns say."""
    its = row._mapping
    return Layer(
        its["name"], its["kind"], its["tolerance_m"], its["accuracy_m"], its["created_ms"], its["revision"]
    )  # fmt: skip


def one_layer(connection: Connection, name: str) -> Layer:
    """One layer. Raises Missing."""
    row = connection.execute(select(layer).where(layer.c.name == name)).one_or_none() if _NAME.fullmatch(name) else None
    if row is None:
        raise Missing(f"there is no layer {name[:80]!r}. GET /v1/layers lists those that there are.")
    return layer_of(row)


def touch(connection: Connection, name: str) -> int:
    """The revision of what changes in a layer now: holds off all other acts on layers. Raises Missing."""
    number = next_change(connection, "layer")
    one_layer(connection, name)
    mark(connection, name, number)
    return number


def mark(connection: Connection, name: str, number: int) -> None:
    """Give a layer the revision of a change in it."""
    connection.execute(update(layer).where(layer.c.name == name).values(revision=number))


def check_revision(what: str, *, seen: int | None, found: int) -> None:
    """Raise Changed where somebody has changed what the caller has seen; None: the caller does not mind."""
    if seen is not None and seen != found:
        raise Changed(
            f"{what} is at revision {found}, not at {seen}: somebody has changed it meanwhile. "
            "Fetch it, look at what is new, and try again."
        )
