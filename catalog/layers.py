"""Layers: named sets of regions, made once and kept for good.

The side of administrators. Invariants: every act on a layer, its versions or its publications waits for the others and
gives the layer a greater revision, so that whoever polls hears of all of them; each leaves a line in the audit.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from catalog import audit
from catalog.audit import Line
from catalog.database import Database, newest_change, next_change
from catalog.errors import Conflict, Refused
from catalog.layer import (
    KINDS,
    MOST_ACCURACY_M,
    MOST_TOLERANCE_M,
    Layer,
    check_layer_name,
    check_metres,
    check_revision,
    layer_of,
    one_layer,
)
from catalog.layer_tables import layer


@dataclass(frozen=True, slots=True)
class LayerNews:
    """The layers in which something has changed, and up to which change that is."""

    layers: list[Layer]
    number: int


class Layers:
    """All layers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, *, kind: str, tolerance_m: float, accuracy_m: float, by: str, now_ms: int) -> Layer:
        """Make one, without versions. Raises Refused, and Conflict where there is one of this name."""
        check_layer_name(name)
        if kind not in KINDS:
            raise Refused(f"kind is {kind[:80]!r}; allowed: {' or '.join(KINDS)}")
        check_metres("tolerance_m", tolerance_m, MOST_TOLERANCE_M)
        check_metres("accuracy_m", accuracy_m, MOST_ACCURACY_M)
        with self._database.writing() as connection:
            number = next_change(connection, "layer")
            if connection.execute(select(layer.c.name).where(layer.c.name == name)).one_or_none() is not None:
                raise Conflict(f"there is a layer {name!r} already. Add a version to it, or choose another name.")
            its: dict[str, object] = {"kind": kind, "tolerance_m": tolerance_m, "accuracy_m": accuracy_m}
            counters = {"next_version": 1, "next_code": 1, "next_publication": 1}
            connection.execute(insert(layer).values(name=name, created_ms=now_ms, revision=number, **its, **counters))
            audit.write(connection, Line(now_ms, by, "layer.create", name, its))
            return one_layer(connection, name)

    def get(self, name: str) -> Layer:
        """One. Raises Missing."""
        with self._database.reading() as connection:
            return one_layer(connection, name)

    def change(
        self,
        name: str,
        *,
        tolerance_m: float | None = None,
        accuracy_m: float | None = None,
        revision: int | None = None,
        by: str,
        now_ms: int,
    ) -> Layer:
        """Set what is given; versions that were checked stay as they are.

        Raises Missing, Refused, and Conflict where `revision` is not the layer's any more.
        """
        its: dict[str, object] = {}
        for what, value, most in (
            ("tolerance_m", tolerance_m, MOST_TOLERANCE_M), ("accuracy_m", accuracy_m, MOST_ACCURACY_M)
        ):  # fmt: skip
            if value is not None:
                check_metres(what, value, most)
                its[what] = value
        with self._database.writing() as connection:
            number = next_change(connection, "layer")
            found = one_layer(connection, name)
            check_revision(f"layer {name!r}", seen=revision, found=found.revision)
            connection.execute(update(layer).where(layer.c.name == name).values(revision=number, **its))
            audit.write(connection, Line(now_ms, by, "layer.change", name, its))
            return one_layer(connection, name)

    def list(self) -> list[Layer]:
        """All, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(layer).order_by(layer.c.name)).all()
        return [layer_of(row) for row in rows]

    def since(self, number: int) -> LayerNews:
        """The layers in which something has changed since (also a version, or a publication); 0: all."""
        with self._database.reading() as connection:
            newest = newest_change(connection, "layer")
            if newest == number:
                return LayerNews([], number)
            asked = select(layer).where(layer.c.revision > number).order_by(layer.c.revision)
            return LayerNews([layer_of(row) for row in connection.execute(asked).all()], newest)
