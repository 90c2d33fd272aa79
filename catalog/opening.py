"""Opening the catalog, and bringing its schema up to date.

The top of this package. Invariant: nobody works on a schema that is not the one of this program.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from catalog.audit import Audit
from catalog.blobs import Blobs
from catalog.clock import Clock
from catalog.codes import Codes
from catalog.database import Database
from catalog.deliveries import Deliveries
from catalog.devices import Devices
from catalog.errors import Outdated, Unreachable
from catalog.fleet import Fleet
from catalog.jobs import Jobs
from catalog.keys import Keys
from catalog.layers import Layers
from catalog.publications import Publications
from catalog.publishing import Publishing
from catalog.versions import Versions
from catalog.webhooks import Webhooks

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


class Catalog:
    """A catalog that is open."""

    def __init__(self, database: Database) -> None:
        self.keys, self.devices, self.audit = Keys(database), Devices(database), Audit(database)
        self.webhooks, self.deliveries = Webhooks(database), Deliveries(database)
        self.layers, self.versions, self.publications = Layers(database), Versions(database), Publications(database)
        self.blobs, self.codes, self.clock = Blobs(database), Codes(database), Clock(database)
        self.jobs, self.publishing, self.fleet = Jobs(database), Publishing(database), Fleet(database)


@contextmanager
def open_catalog(url: str) -> Iterator[Catalog]:
    """The catalog at `sqlite:PATH` or `postgresql://...`. Raises Refused, Unreachable, and Outdated with what to do."""
    database = Database(url)
    try:
        found, newest = _revision(database), _known()[-1]
        if found != newest:
            raise Outdated(_advice(database, found, newest))
        yield Catalog(database)
    finally:
        database.close()


def upgrade(url: str) -> str:
    """Bring the schema up to date, from nothing if need be, in one transaction; what was done, in words."""
    from alembic import command  # which takes long to load, and only this needs it

    database = Database(url)
    try:
        _make_folder(database)
        before, newest = _revision(database), _known()[-1]
        if before is not None and not knows(before):
            raise Outdated(_advice(database, before, newest))
        if before == newest:
            return f"{database} is up to date, at {newest}"
        with database.writing() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return f"{database} is at {newest} now; it was {'empty' if before is None else f'at {before}'}"
    finally:
        database.close()


def knows(revision: str) -> bool:
    """Whether this program can open or upgrade a catalog that is at this migration."""
    return revision in _known()


def revision_of(url: str) -> str | None:
    """Which migration a catalog is at; None: it is empty. Raises Unreachable, Outdated if a newer program made it."""
    database = Database(url)
    try:
        found = _revision(database)
        if found is not None and not knows(found):
            raise Outdated(_advice(database, found, _known()[-1]))
        return found
    finally:
        database.close()


def _revision(database: Database) -> str | None:
    """Which migration the database is at; None: it is empty."""
    path = _path(database)
    if path is not None and not path.exists():
        return None
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _advice(database: Database, found: str | None, newest: str) -> str:
    if found is not None and not knows(found):
        return (
            f"{database} is at {found}, which this program does not know; it knows up to {newest}. Update the program."
        )
    state = "is empty" if found is None else f"is at {found}, not at {newest}"
    return f"{database} {state}. Run: geofence catalog upgrade"


def _make_folder(database: Database) -> None:
    path = _path(database)
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # it has the secrets that sign; what SQLite puts beside it gets the same mode
        except OSError as error:
            raise Unreachable(f"{database}: its folder can't be made: {error.strerror}") from None


def _path(database: Database) -> Path | None:
    """The file, if it is one."""
    url = database.engine.url
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _known() -> list[str]:
    """The migrations, the newest last: their files are numbered."""
    return sorted(path.stem.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
