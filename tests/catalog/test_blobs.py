"""Blobs: whole or not there, kept once, gone only when nothing refers to them."""

import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from towns import BY, NOW, at_once, draft, town

from catalog import Catalog, Missing
from catalog.blobs import PIECE_BYTES, UNFINISHED_MS, UNUSED_MS
from catalog.database import Database
from catalog.layer_tables import blob, blob_piece
from catalog.version import Settings, Upload

HOUR_LATER = NOW + UNUSED_MS


def rows(url: str) -> tuple[int, int]:
    """How many blobs and how many pieces are in the database."""
    database = Database(url)
    with database.reading() as connection:
        blobs, pieces = (
            connection.execute(select(func.count()).select_from(one)).scalar_one() for one in (blob, blob_piece)
        )
    database.close()
    return blobs, pieces


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_what_was_put_comes_back_in_pieces_of_one_size(catalog: Catalog, size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    name = catalog.blobs.put((content[start : start + 7001] for start in range(0, size, 7001)), now_ms=NOW)
    assert name == hashlib.sha256(content).hexdigest()
    assert catalog.blobs.size(name) == size
    pieces = list(catalog.blobs.open(name))
    assert b"".join(pieces) == content
    assert [len(piece) for piece in pieces[:-1]] == [PIECE_BYTES] * (len(pieces) - 1)


def test_a_content_is_kept_once_however_it_comes(url: str, catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (PIECE_BYTES + 5))
    names = {
        catalog.blobs.put(path, now_ms=NOW),
        catalog.blobs.put(path, now_ms=NOW),
        catalog.blobs.put([path.read_bytes()], now_ms=NOW),
    }
    assert len(names) == 1
    assert rows(url) == (1, 2)


def test_of_many_who_put_the_same_at_once_one_copy_stays(url: str, catalog: Catalog) -> None:
    for round_ in range(1, 7):
        content = b"%d" % round_
        came = at_once(url, lambda own, _, content=content: own.blobs.put([content], now_ms=NOW))
        assert set(came) == {hashlib.sha256(content).hexdigest()}
        assert rows(url) == (round_, round_)
        assert b"".join(catalog.blobs.open(came[0])) == content


def test_a_large_content_is_never_whole_in_memory(catalog: Catalog) -> None:
    many = 40
    tracemalloc.start()
    try:
        name = catalog.blobs.put((bytes(PIECE_BYTES) for _ in range(many)), now_ms=NOW)
        assert sum(len(piece) for piece in catalog.blobs.open(name)) == many * PIECE_BYTES
        assert tracemalloc.get_traced_memory()[1] < 12 * PIECE_BYTES
    finally:
        tracemalloc.stop()


def test_a_content_that_breaks_off_is_no_blob_and_is_swept_a_day_later(url: str, catalog: Catalog) -> None:
    def broken() -> Iterator[bytes]:
        yield b"z" * PIECE_BYTES
        raise ConnectionError

    with pytest.raises(ConnectionError):
        catalog.blobs.put(broken(), now_ms=NOW)
    with pytest.raises(Missing):
        catalog.blobs.size(hashlib.sha256(b"z" * PIECE_BYTES).hexdigest())
    assert catalog.blobs.sweep(now_ms=NOW + UNFINISHED_MS - 1) == 0
    assert catalog.blobs.sweep(now_ms=NOW + UNFINISHED_MS) == 1
    assert rows(url) == (0, 0)


def test_a_blob_goes_an_hour_after_it_was_put_last_if_no_version_has_it(url: str, catalog: Catalog) -> None:
    town(catalog)
    kept = draft(catalog, content=b"kept")
    gone = catalog.blobs.put([b"gone"], now_ms=NOW)
    assert catalog.blobs.sweep(now_ms=HOUR_LATER - 1) == 0
    catalog.blobs.put([b"gone"], now_ms=NOW + 5)
    assert catalog.blobs.sweep(now_ms=HOUR_LATER) == 0
    assert catalog.blobs.sweep(now_ms=HOUR_LATER + 5) == 1
    with pytest.raises(Missing, match="there is no blob"):
        catalog.blobs.open(gone)
    assert kept.upload
    assert b"".join(catalog.blobs.open(kept.upload.blob)) == b"kept"
    catalog.versions.remove("town", kept.number, **BY)
    assert catalog.blobs.sweep(now_ms=HOUR_LATER + 5) == 1
    assert rows(url) == (0, 0)


def test_who_reads_a_blob_while_it_goes_is_told(catalog: Catalog) -> None:
    pieces = catalog.blobs.open(catalog.blobs.put([bytes(2 * PIECE_BYTES)], now_ms=NOW))
    next(pieces)
    assert catalog.blobs.sweep(now_ms=HOUR_LATER) == 1
    with pytest.raises(Missing, match="removed while it was read"):
        next(pieces)


def test_a_sweep_never_takes_what_a_version_is_about_to_have(url: str, catalog: Catalog) -> None:
    """Whoever is first wins: the version has its blob, or is told that it has gone."""
    town(catalog)
    for round_ in range(6):
        content = b"round %d" % round_
        catalog.blobs.put([content], now_ms=NOW)

        def act(own: Catalog, number: int, content: bytes = content) -> object:
            if number == 0:
                return own.blobs.sweep(now_ms=HOUR_LATER)
            upload = Upload("f", len(content), hashlib.sha256(content).hexdigest())
            return own.versions.create("town", settings=Settings(), upload=upload, options={}, **BY)

        at_once(url, act, 2)
        for one in catalog.versions.list("town"):
            assert one.upload
            assert catalog.blobs.size(one.upload.blob)
