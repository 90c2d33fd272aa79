"""The set-up that is looked at: where its parts are, and those that could be opened.

Handed to every check. Invariant: a check that needs the log or the catalog runs only where it is open.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog import Catalog
from service.settings.secret import without_password
from stream.port import Log


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts are; None: not said."""

    log_url: str | None
    catalog_url: str | None
    shelf: str
    group: str = "geofence-worker"
    within_s: float = 10.0  # that each check has

    @property
    def embedded(self) -> bool:
        """Whether the log is a file, which one process works on."""
        return (self.log_url or "").startswith("sqlite:")

    @property
    def log_option(self) -> str:
        """As it is typed in a command to run."""
        return f"--log {without_password(self.log_url or 'URL')}"

    @property
    def catalog_option(self) -> str:
        """The same of the catalog; a password in it has to be filled in."""
        return f"--catalog {without_password(self.catalog_url or 'URL')}"


@dataclass(frozen=True, slots=True)
class Setup:
    """What is open of it."""

    places: Places
    now_ms: int
    log: Log | None = None
    partitions: int | None = None  # of `pings`; None: not known
    catalog: Catalog | None = None

    @property
    def opened_log(self) -> Log:
        """The log, for checks that need it."""
        if self.log is None:
            raise RuntimeError("this check needs the log")
        return self.log

    @property
    def opened_catalog(self) -> Catalog:
        """The catalog, for checks that need it."""
        if self.catalog is None:
            raise RuntimeError("this check needs the catalog")
        return self.catalog
