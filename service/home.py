"""The home of an embedded geofence: one folder with its log, its catalog, its compiled layers, its keys, its log file.

Under `geofence run`. Invariants: whatever keeps the folder from being used is one clear sentence; keys are in files
that only their owner may read, and nowhere else; the one for a phone can do no more than send its pings.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from catalog import Catalog, CatalogError, upgrade
from catalog.secret import key_id
from service.catalogs import now_ms, who
from service.source import Unusable

_ROOM_BYTES = 200_000_000  # to begin with: the sample layers, compiled, take half of it
PHONE = "my-phone"  # the device that the key for a phone speaks for


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
        """The text of its key, which may do everything."""
        return self.folder / "demo.key"

    @property
    def phone_key_file(self) -> Path:
        """The text of the key for a phone."""
        return self.folder / "phone.key"

    @property
    def environment_file(self) -> Path:
        """What a shell reads to speak with it."""
        return self.folder / "demo.env"

    def prepare(self) -> None:
        """Make it. Raises Unusable where it can't be used."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # in it is where people were
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

    def upgrade(self) -> None:
        """Bring its catalog up to date. Raises Unusable."""
        try:
            upgrade(self.catalog_url)
        except CatalogError as error:
            raise Unusable(f"{str(error).rstrip('.')}. Or say another folder: GEOFENCE_HOME") from None

    def key(self, catalog: Catalog) -> str:
        """The text of its key, which may do everything; made anew where it is lost or revoked."""
        return _kept(self.key_file, catalog, lambda: _made(catalog, "demo", ["admin"]))

    def phone_key(self, catalog: Catalog) -> str:
        """The same of the key for a phone."""
        return _kept(self.phone_key_file, catalog, lambda: _made(catalog, PHONE, ["pings:write"], PHONE))

    def write_environment(self, url: str, key: str, commands: Path) -> None:
        """Write what a shell reads to speak with it."""
        there, path = Home(self.folder.absolute()), quote(str(commands))
        settings = {
            "GEOFENCE_SERVER": url,
            "GEOFENCE_KEY": key,
            "AUTH": f"Authorization: Bearer {key}",
            "GEOFENCE_LOG": there.log_url,
            "GEOFENCE_CATALOG": there.catalog_url,
            "GEOFENCE_SHELF": str(there.shelf),
            "GEOFENCE_WORKER_CONSENT": "required",
        }
        lines = (
            *(f"export {name}={quote(value)}" for name, value in settings.items()),
            f"case :$PATH: in *:{path}:*) ;; *) export PATH={path}:$PATH ;; esac",
        )
        _write_secret(self.environment_file, "\n".join(lines) + "\n")


def _kept(file: Path, catalog: Catalog, made: Callable[[], str]) -> str:
    """The key of a file, while it can be used; else one that is made, and kept there."""
    if file.exists():
        text = file.read_text(errors="replace").strip()
        its = {one.id: one for one in catalog.keys.list()}.get(key_id(text) or "")
        if its is not None and not its.refused(now_ms()):
            return text
    text = made()
    _write_secret(file, f"{text}\n")
    return text


def _made(catalog: Catalog, name: str, scopes: list[str], device: str | None = None) -> str:
    made = catalog.keys.create(name=name, scopes=scopes, device=device, grants_consent=True, by=who(), now_ms=now_ms())
    return made[1]


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
