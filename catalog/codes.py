"""Codes: the small number that a region's id has in its layer, in what is stored of devices.

Invariants: an id gets its code once and keeps it for ever, also while no version has it; no two ids of a layer ever
have the same code.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select, update

from catalog.database import Database
from catalog.errors import Refused
from catalog.layer import one_layer
from catalog.layer_tables import layer, region_code
from catalog.names import MOST_BYTES

_AT_A_TIME = 1000  # rows in a statement


class Codes:
    """The codes of all layers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, layer_name: str, ids: Iterable[str]) -> dict[str, int]:
        """The code of each id; those that have none yet get the next ones, in the order given.

        Raises Missing, and Refused for an id that no region can have.
        """
        asked = list(dict.fromkeys(ids))
        for one in asked:
            _check(one)
        known = self.known(layer_name)
        if not known.keys() >= set(asked):
            with self._database.writing() as connection:
                first = _hold(connection, layer_name)
                known = _known(connection, layer_name)  # again: somebody may have been quicker
                new = [one for one in asked if one not in known]
                given = {one: code for code, one in enumerate(new, first)}
                _write(connection, layer_name, given)
                known |= given
        return {one: known[one] for one in asked}

    def known(self, layer_name: str) -> dict[str, int]:
        """All codes that were given in a layer, also to ids that no version has any more. Raises Missing."""
        with self._database.reading() as connection:
            one_layer(connection, layer_name)
            return _known(connection, layer_name)


def _check(region_id: str) -> None:
    if not (region_id.isprintable() and 0 < len(region_id.encode()) <= MOST_BYTES):
        raise Refused(f"a region's id is {region_id[:80]!r}; allowed: 1 to {MOST_BYTES} printable bytes")


def _hold(connection: Connection, layer_name: str) -> int:
    """The next code of a layer, which nobody else gives before the transaction ends."""
    held = update(layer).where(layer.c.name == layer_name).values(next_code=layer.c.next_code)
    return int(connection.execute(held.returning(layer.c.next_code)).scalar_one())


def _known(connection: Connection, layer_name: str) -> dict[str, int]:
    asked = select(region_code.c.region, region_code.c.code).where(region_code.c.layer == layer_name)
    return {row.region: row.code for row in connection.execute(asked)}


def _write(connection: Connection, layer_name: str, given: dict[str, int]) -> None:
    rows = [{"layer": layer_name, "region": one, "code": code} for one, code in given.items()]
    for start in range(0, len(rows), _AT_A_TIME):
        connection.execute(insert(region_code), rows[start : start + _AT_A_TIME])
    after = layer.c.next_code + len(given)
    connection.execute(update(layer).where(layer.c.name == layer_name).values(next_code=after))
