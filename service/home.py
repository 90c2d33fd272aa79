"""The home of an embedded geofence: one folder with its log, its catalog, its compiled layers, its key, its log file.

Under `geofence run`. Invariants: whatever keeps the folder from being used is one clear sentence; the key is in two
files that only their owner may read, one for programs and one for shells, and nowhere else.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from catalog import Catalog, CatalogError, upgrade
from catalog.secret import key_id
from service.catalogs import now_ms, who
from service.source import Unusable

_ROOM_BYTES = 200_000_000  # to begin with: the sample layers, compiled, take half of it
_KEY_NAME = "demo"


@dataclass(frozen=True, slots=True)
class Home:
    """One folder."""

    folder: Path

    @property
    def log_url(self) -> str:
        """Its log."""
        return f"sqlite:{self.folder / 'log.db'}"

    @property
    def catalog_url(self) -> str:
        """Its catalog."""
        return f"sqlite:{self.folder / 'catalog.db'}"

    @property
    def shelf(self) -> Path:
        """Its compiled layers."""
        return self.folder / "atlases"

    @property
    def log_file(self) -> Path:
        """What the roles say."""
        return self.folder / "geofence.log"

    @property
    def key_file(self) -> Path:
        """The text of its key."""
        return self.folder / "demo.key"

    @property
    def environment_file(self) -> Path:
        """What a shell reads to speak with it."""
        return self.folder / "demo.env"

    def prepare(self) -> None:
        """Make it, and bring its catalog up to date. Raises Unusable where it can't be used."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.log_file.touch()
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise Unusable(
                f"{self.folder} can't be used: {error.strerror or error}. Say another folder: GEOFENCE_HOME"
            ) from None
        if free < _ROOM_BYTES:
            raise Unusable(
                f"{self.folder}: its disk has {free / 1e6:.0f} MB left; {_ROOM_BYTES / 1e6:.0f} are needed. "
                "Make room, or say another folder: GEOFENCE_HOME"
            )
        try:
            upgrade(self.catalog_url)
        except CatalogError as error:
            raise Unusable(f"{error} Or say another folder: GEOFENCE_HOME") from None

    def key(self, catalog: Catalog) -> str:
        """The text of its key, which may do everything; made anew where it is lost or revoked."""
        if self.key_file.exists():
            text = self.key_file.read_text().strip()
            known = {one.id: one for one in catalog.keys.list()}
            its = known.get(key_id(text) or "")
            if its is not None and not its.refused(now_ms()):
                return text
        _, text = catalog.keys.create(name=_KEY_NAME, scopes=["admin"], by=who(), now_ms=now_ms(), grants_consent=True)
        _write_secret(self.key_file, f"{text}\n")
        return text

    def write_environment(self, url: str, key: str, commands: Path) -> None:
        """Write what a shell reads to speak with it."""
        place = self.folder.absolute()
        lines = (
            f"export GEOFENCE_SERVER={url} GEOFENCE_KEY={key}",
            f'export AUTH="Authorization: Bearer {key}"',
            f"export GEOFENCE_LOG='sqlite:{place / 'log.db'}' GEOFENCE_CATALOG='sqlite:{place / 'catalog.db'}'",
            f"export GEOFENCE_SHELF='{place / 'atlases'}' GEOFENCE_WORKER_CONSENT=required",
            f"case :$PATH: in *:'{commands}':*) ;; *) export PATH='{commands}':$PATH ;; esac",
        )
        _write_secret(self.environment_file, "\n".join(lines) + "\n")


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
