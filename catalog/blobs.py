"""Blobs: contents named by their SHA-256, in pieces, so that none is ever whole in memory.

What versions refer to: uploads, geometries, reports. Each piece is read and written in a transaction of its own, so
that a slow reader or writer holds nobody up. Invariants: a hash names a content that is there whole; it is there once;
a blob goes only if no version has referred to it for a while.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from secrets import token_hex

from sqlalchemy import Connection, and_, delete, exists, insert, or_, select, update

from catalog.database import Database, next_change
from catalog.errors import Conflict, Missing
from catalog.layer_tables import blob, blob_piece, version

PIECE_BYTES = 1_000_000
UNUSED_MS = 3_600_000  # so old a blob is removed if nobody refers to it: between being put and being referred to
UNFINISHED_MS = 24 * 3_600_000


class Blobs:
    """All blobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, content: Path | Iterable[bytes], *, now_ms: int) -> str:
        """Keep a content (a file, or what gives it in parts of any size); its hash. Refer to it within an hour."""
        if isinstance(content, Path):
            known = _hash_of(content)
            with self._database.writing() as connection:
                if _refresh(connection, known, now_ms):
                    return known
        with self._database.writing() as connection:
            made = token_hex(16)
            connection.execute(insert(blob).values(id=made, hash=None, size=0, put_ms=now_ms))
        digest, size = hashlib.sha256(), 0
        for number, piece in enumerate(_pieces(content)):
            digest.update(piece)
            size += len(piece)
            with self._database.writing() as connection:
                connection.execute(insert(blob_piece).values(blob=made, number=number, content=piece))
        return self._seal(made, digest.hexdigest(), size, now_ms)

    def _seal(self, made: str, its_hash: str, size: int, now_ms: int) -> str:
        """Give a content that is written its name, or remove it again where the name has one."""
        with self._database.writing() as connection:
            next_change(connection, "blob")
            if _refresh(connection, its_hash, now_ms):
                _remove(connection, made)
                return its_hash
            sealed = update(blob).where(blob.c.id == made).values(hash=its_hash, size=size, put_ms=now_ms)
            if not connection.execute(sealed).rowcount:
                raise Conflict("the content took more than a day to arrive, and was dropped. Send it again, faster.")
        return its_hash

    def size(self, its_hash: str) -> int:
        """How many bytes it has. Raises Missing."""
        return self._find(its_hash)[1]

    def open(self, its_hash: str) -> Iterator[bytes]:
        """Its pieces in order, each read when it is asked for. Raises Missing at once."""
        found, _ = self._find(its_hash)
        return self._read(found, its_hash)

    def _read(self, found: str, its_hash: str) -> Iterator[bytes]:
        for number in count():
            asked = select(blob_piece.c.content).where(blob_piece.c.blob == found, blob_piece.c.number == number)
            with self._database.reading() as connection:
                piece = connection.execute(asked).scalar_one_or_none()
                if piece is None and connection.execute(select(blob.c.id).where(blob.c.id == found)).first() is None:
                    raise Missing(f"blob {its_hash} was removed while it was read: no version refers to it any more.")
            if piece is None:
                return
            yield bytes(piece)

    def _find(self, its_hash: str) -> tuple[str, int]:
        with self._database.reading() as connection:
            row = connection.execute(select(blob.c.id, blob.c.size).where(blob.c.hash == its_hash)).one_or_none()
        if row is None:
            raise Missing(f"there is no blob {its_hash[:80]!r}. It may have gone with the draft that it belonged to.")
        return row.id, row.size

    def sweep(self, *, now_ms: int) -> int:
        """Remove the blobs that no version refers to and nobody has put for an hour, and what was never put whole;
        how many.
        """
        swept = 0
        while self._sweep_one(now_ms):
            swept += 1
        return swept

    def _sweep_one(self, now_ms: int) -> bool:
        referred = exists().where(or_(*(column == blob.c.hash for column in _REFERENCES)))
        unused = and_(blob.c.hash.is_not(None), blob.c.put_ms <= now_ms - UNUSED_MS, ~referred)
        unfinished = and_(blob.c.hash.is_(None), blob.c.put_ms <= now_ms - UNFINISHED_MS)
        with self._database.writing() as connection:
            next_change(connection, "blob")
            found = connection.execute(select(blob.c.id).where(or_(unused, unfinished)).limit(1)).scalar_one_or_none()
            if found is not None:
                _remove(connection, found)
        return found is not None


_REFERENCES = (version.c.upload, version.c.geometry, version.c.report)


def refer(connection: Connection, *hashes: str | None) -> None:
    """Make sure that blobs are there, and stay until the transaction ends, which refers to them. Raises Missing."""
    next_change(connection, "blob")
    for its_hash in hashes:
        asked = select(blob.c.id).where(blob.c.hash == its_hash)
        if its_hash is not None and connection.execute(asked).one_or_none() is None:
            raise Missing(f"there is no blob {its_hash[:80]!r}: put it first, and refer to it within an hour.")


def _refresh(connection: Connection, its_hash: str, now_ms: int) -> bool:
    """Whether the content is there already; it counts as put now."""
    done = connection.execute(update(blob).where(blob.c.hash == its_hash).values(put_ms=now_ms))
    return bool(done.rowcount)


def _remove(connection: Connection, found: str) -> None:
    connection.execute(delete(blob_piece).where(blob_piece.c.blob == found))
    connection.execute(delete(blob).where(blob.c.id == found))


def _pieces(content: Path | Iterable[bytes]) -> Iterator[bytes]:
    """The content in pieces of one size, but for the last."""
    rest = bytearray()
    for part in _parts(content) if isinstance(content, Path) else content:
        rest += part
        whole = len(rest) - len(rest) % PIECE_BYTES
        for start in range(0, whole, PIECE_BYTES):
            yield bytes(rest[start : start + PIECE_BYTES])
        del rest[:whole]
    if rest:
        yield bytes(rest)


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PIECE_BYTES):
            yield part


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
