"""Archives are unpacked within bounds, and only to names of our own.

Invariants: no name from an archive is ever a path here; what comes out is counted as it comes, whatever the archive
says of its size.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from boundaries.errors import Unreadable
from boundaries.reading.options import Bounds
from geofence.malformed import shown

_PIECE = 1024 * 1024
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NESTED = (".zip", ".kmz", ".gz", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


@dataclass(slots=True)
class Allowance:
    """How much may still come out of one upload."""

    bounds: Bounds
    packed_bytes: int
    unpacked_bytes: int = 0

    def take(self, count: int) -> None:
        """Count what came out. Raises Unreadable where it is too much."""
        self.unpacked_bytes += count
        if self.unpacked_bytes > self.bounds.unpacked_bytes:
            most = self.bounds.unpacked_bytes // 1_000_000
            raise Unreadable(f"Unpacked, the file has more than {most} MB; allowed: up to {most} MB. Split it.")
        most = self.bounds.ratio * max(self.packed_bytes, 1)
        if self.unpacked_bytes > max(most, self.bounds.ratio_from_bytes):
            raise Unreadable(
                f"Unpacked, the file is more than {self.bounds.ratio} times as large as packed; no region file is. "
                "Pack it again from its parts."
            )


class Archive:
    """A zip file whose every entry has been looked at."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        """Open it. Raises Unreadable for an archive with anything in it that we don't want."""
        try:
            self._zip = zipfile.ZipFile(path)
            entries = self._zip.infolist()
        except _DAMAGED as error:
            raise Unreadable(f"The zip file is damaged ({str(error)[:80]}). Zip it again.") from None
        self._allowance = Allowance(bounds, path.stat().st_size)
        if len(entries) > bounds.entries:
            raise Unreadable(
                f"The zip file has {len(entries)} entries; allowed: up to {bounds.entries}. Zip the region file alone."
            )
        self._entries = {entry.filename: entry for entry in entries if _wanted(entry)}
        for entry in self._entries.values():
            _check(entry)

    def names(self) -> list[str]:
        """The files in it, in its own order."""
        return list(self._entries)

    def begin(self, name: str) -> bytes:
        """The first bytes of a file in it."""
        return self._read(name, lambda source: source.read(128))

    def unpack(self, name: str, path: Path) -> None:
        """Write a file in it to a path of ours. Raises Unreadable where it is damaged or too much comes out."""
        self._read(name, lambda source: self._copy(source, path))

    def _copy(self, source: zipfile.ZipExtFile, path: Path) -> bytes:
        with path.open("wb") as target:
            while piece := source.read(_PIECE):
                self._allowance.take(len(piece))
                target.write(piece)
        return b""

    def _read(self, name: str, how: Callable[[zipfile.ZipExtFile], bytes]) -> bytes:
        try:
            with self._zip.open(self._entries[name]) as source:
                return how(source)  # type: ignore[arg-type]
        except _DAMAGED as error:
            raise Unreadable(f"{shown(name)} in the zip file is damaged ({str(error)[:80]}). Zip it again.") from None


def unpack_gzip(path: Path, target: Path, bounds: Bounds) -> None:
    """Unpack a gzip file. Raises Unreadable where it is damaged or too much comes out."""
    allowance = Allowance(bounds, path.stat().st_size)
    unpacker = zlib.decompressobj(wbits=31)
    try:
        with path.open("rb") as source, target.open("wb") as out:
            piece = source.read(_PIECE)
            while piece or unpacker.unconsumed_tail:
                some = unpacker.decompress(unpacker.unconsumed_tail + piece, _PIECE)
                allowance.take(len(some))
                out.write(some)
                if unpacker.eof:
                    break
                piece = b"" if unpacker.unconsumed_tail else source.read(_PIECE)
    except zlib.error:
        raise Unreadable("The gzip file is damaged. Pack it again.") from None
    if not unpacker.eof:
        raise Unreadable("The gzip file ends too early. Send all of it.")


def _wanted(entry: zipfile.ZipInfo) -> bool:
    """Whether it is a file that somebody meant: no folder, nothing that a Mac adds."""
    name = PurePosixPath(entry.filename)
    mac = name.name.startswith("._") or name.name == ".DS_Store" or "__MACOSX" in name.parts
    return not entry.filename.endswith("/") and not mac


def _check(entry: zipfile.ZipInfo) -> None:
    name, mode = entry.filename, entry.external_attr >> 16
    if not name:
        raise Unreadable("The zip file has an entry without a name. Zip it again.")
    if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts or name[1:2] == ":":
        raise Unreadable(
            f"The zip file has the entry {shown(name)}, which leads out of it. Zip it again, from its folder."
        )
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise Unreadable(f"The zip file has the entry {shown(name)}, which is a link. Zip the files themselves.")
    if entry.flag_bits & _ENCRYPTED:
        raise Unreadable("The zip file is encrypted, and nobody is asked for a password here. Zip it without one.")
    if entry.compress_type not in _METHODS:
        raise Unreadable(f"{shown(name)} is packed in a way that is not usual; allowed: deflate. Zip it again.")
    if name.lower().endswith(_NESTED):
        raise Unreadable(f"The zip file has an archive in it, {shown(name)}. Zip the region file itself.")
