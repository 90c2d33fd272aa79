"""Who is where, and who moved, in a database of one's own: what every program here makes of an event.

Each event is taken in the transaction that also stores the position, so that neither is ever there without the other.
Invariants: an event's id is in `moved` once; `inside` has what the last event of a device and layer says.
"""

import os
import sqlite3

SCHEMA = "urn:geofence:region-change:1"
CHANGED, ENTERED, EXITED, DWELLED = (f"geofence.region.{kind}" for kind in ("changed", "entered", "exited", "dwelled"))
EVENTS_KEPT_MS = 8 * 86_400_000
TABLES = """
CREATE TABLE IF NOT EXISTS inside (device TEXT, layer TEXT, region TEXT, PRIMARY KEY (device, layer, region));
CREATE TABLE IF NOT EXISTS moved (
    id TEXT PRIMARY KEY, device TEXT, layer TEXT, came_from TEXT, went_to TEXT, cause TEXT, logged_ms INTEGER);
CREATE INDEX IF NOT EXISTS moved_by_device ON moved (device);
CREATE TABLE IF NOT EXISTS position (place TEXT PRIMARY KEY, next TEXT);
CREATE TABLE IF NOT EXISTS forgotten (device TEXT PRIMARY KEY, until_ms INTEGER);
"""


def open_table():
    """The database that DATABASE names. Transactions are begun and ended by `with writing(database)` alone."""
    database = sqlite3.connect(os.environ.get("DATABASE", "whereabouts.db"), isolation_level=None, timeout=30)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(TABLES)
    return database


class writing:  # noqa: N801  read as `with writing(database)`
    """A transaction that lets no other writer in between reading a position and storing the next."""

    def __init__(self, database):
        self.database = database

    def __enter__(self):
        self.database.execute("BEGIN IMMEDIATE")

    def __exit__(self, error, *_):
        self.database.execute("ROLLBACK" if error else "COMMIT")


def position(database, place):
    """Where to go on; None at the very beginning."""
    found = database.execute("SELECT next FROM position WHERE place = ?", (place,)).fetchone()
    return found and found[0]


def store_position(database, place, following):
    """Where to go on from now."""
    sql = "INSERT INTO position VALUES (?, ?) ON CONFLICT DO UPDATE SET next = excluded.next"
    database.execute(sql, (place, str(following)))


def take(database, kind, event_id, schema, change, logged_ms=0):
    """Take an event once. What has been done, as a line; None if it was taken before or is of a kind unknown to us."""
    if kind not in (CHANGED, ENTERED, EXITED, DWELLED):
        return None
    if schema != SCHEMA:
        raise SystemExit(f"event {event_id} has dataschema {schema}; this program knows {SCHEMA}. Update it.")
    device, layer, cause = change["device"], change["layer"], change["cause"]
    old, new = (place and place["id"] for place in (change["from"], change["to"]))
    sql = "INSERT INTO moved VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    if not database.execute(sql, (event_id, device, layer, old, new, cause, logged_ms)).rowcount:
        return None
    if kind == CHANGED:
        database.execute("DELETE FROM inside WHERE device = ? AND layer = ?", (device, layer))
    if kind == EXITED:
        database.execute("DELETE FROM inside WHERE device = ? AND layer = ? AND region = ?", (device, layer, old))
    if new is not None and kind != EXITED:
        database.execute("INSERT INTO inside VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (device, layer, new))
    gone = database.execute("SELECT until_ms FROM forgotten WHERE device = ?", (device,)).fetchone()
    if cause == "consent":  # withdrawn, or erased: nothing of it may stay
        forget(database, device)
    elif gone:  # a tombstone was read before this, perhaps; the two lie on different topics
        forget(database, device, gone[0])
    return f"{device} {kind.rpartition('.')[2]} in {layer}: {old or '-'} to {new or '-'} ({cause})"


def forget(database, device, until_ms=2**62):
    """Keep nothing of what a device did until then but the ids of its events, by which a repeat is known."""
    sql = """UPDATE moved SET device = NULL, layer = NULL, came_from = NULL, went_to = NULL, cause = NULL
        WHERE device = ? AND logged_ms <= ?"""
    database.execute(sql, (device, until_ms))


def bury(database, device, until_ms):
    """Forget what a device did until then, that which is still to come, too, for as long as events are kept."""
    forget(database, device, until_ms)
    sql = "INSERT INTO forgotten VALUES (?, ?) ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms"
    database.execute(sql, (device, until_ms))
    database.execute("DELETE FROM forgotten WHERE until_ms < ?", (until_ms - EVENTS_KEPT_MS,))
