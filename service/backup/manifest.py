"""What a backup says of itself: what is in it, of which moment, in which formats, and what its files must be.

The first member of every archive. Invariants: only files of a home that have a name here are ever taken out of an
archive, so that none can be led to another place; an archive of a newer program is refused by its number, whatever else
is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from catalog import knows
from service.source import Unusable
from stream.sqlite import FORMAT as LOG_FORMAT

BACKUP_FORMAT = 1
WHAT = "backup of a geofence home"
MANIFEST = "manifest.json"
LOG, CATALOG = "log.db", "catalog.db"
KEPT: Mapping[str, str] = {
    CATALOG: "keys (hashes), devices, layers with their geometry, publications, webhooks (with secrets), audit",
    LOG: "pings, events, presence, tracks, dead letters, how far each group has come",
    "demo.key": "the text of the ready key",
    "demo.json": "when the pretend phones set out",
}


class Entry(msgspec.Struct, frozen=True):
    """One file."""

    name: str
    bytes: int
    sha256: str
    holds: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One backup."""

    what: str = WHAT
    format: int = BACKUP_FORMAT
    geofence: str  # the program's version
    moment: str  # UTC: all files are as they were then
    log_format: int
    catalog_revision: str | None  # None: the home had no catalog
    files: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(one.bytes for one in self.files)


class _Said(msgspec.Struct):
    what: str = ""
    format: int = 0


def encode_manifest(manifest: Manifest) -> bytes:
    """As it stands in the archive."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode_manifest(raw: bytes, archive: Path) -> Manifest:
    """A manifest that this program can use. Raises Unusable."""
    try:
        said = msgspec.json.decode(raw, type=_Said)
        if said.what != WHAT:
            raise Unusable(_no_backup(archive, f"its {MANIFEST} is of something else"))
        if said.format > BACKUP_FORMAT:
            raise Unusable(_newer(archive, "format", said.format, BACKUP_FORMAT))
        found = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(_no_backup(archive, f"its {MANIFEST} can't be read: {error}")) from None
    _check(found, archive)
    return found


def _check(found: Manifest, archive: Path) -> None:
    names = [one.name for one in found.files]
    for name in names:
        if name not in KEPT:
            allowed = ", ".join(KEPT)
            raise Unusable(f"{archive}: it lists a file {name[:80]!r}; allowed: {allowed}. Nothing was written")
    if len(set(names)) != len(names) or LOG not in names or any(one.bytes < 0 for one in found.files):
        raise Unusable(_no_backup(archive, f"its {MANIFEST} lists {', '.join(names) or 'nothing'}"))
    if found.log_format > LOG_FORMAT:
        raise Unusable(_newer(archive, "log format", found.log_format, LOG_FORMAT))
    if found.catalog_revision is not None and not knows(found.catalog_revision):
        raise Unusable(
            f"{archive}: made by a newer version ({found.geofence}): its catalog is at {found.catalog_revision[:40]}, "
            "which this program does not know. Use that version or a later one; nothing was written"
        )


def _newer(archive: Path, what: str, found: int, known: int) -> str:
    return (
        f"{archive}: made by a newer version: {what} {found}, this one knows up to {known}. Use the newer one; "
        "nothing was written"
    )


def _no_backup(archive: Path, why: str) -> str:
    return f"{archive}: this is no backup of a home: {why}. Give a file that `geofence backup` has made"
