"""Compiled atlases on disk, for all processes of a machine: built once, mapped into memory by whoever needs them.

Written by `compiling`, in a process of its own; read by workers and by dry runs. A folder for each version, named by
its hash; its arrays depend on the shapes alone, and versions that share those share the files. Invariants: what has a
name here is whole, after a loss of power too; one process at a time writes or removes; what other code has built is not
read; reading checks that the shapes are the version's own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from boundaries.manifest import Manifest, read_manifest
from geofence.atlas import CODE_VERSION, Atlas
from geofence.region import Region, Version
from geofence.rule import Rule

_MANIFEST, _NAMES, _SHARED, _SHAPES, _ENDS = "manifest.json", "names.json", "shapes", "shapes.npy", "ends.npy"
_LOCK = "lock"


class Shelf:
    """The atlases in a folder."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def has(self, key: str) -> bool:
        """Whether a version's atlas is here."""
        return (self._at(key) / _MANIFEST).exists()

    def put(self, version: Version, manifest: bytes) -> None:
        """Build a version's atlas and keep it, where that was not done; shapes that are here are not built again."""
        key, shapes = version.hash, self._shapes_at(version.geometry_hash)
        with self._alone():
            if not shapes.exists():
                with self._whole(shapes) as new:
                    _write_shapes(new, Atlas(version))
            if not self.has(key):
                names = msgspec.json.encode([[region.id, region.name] for region in version.regions])
                with self._whole(self._at(key)) as new:
                    (new / _NAMES).write_bytes(names)
                    (new / _SHARED).write_text(shapes.name)
                    (new / _MANIFEST).write_bytes(manifest)

    def atlas(self, key: str) -> Atlas | None:
        """A version's atlas, its arrays mapped; None if it is not here. Raises ValueError if it is another's."""
        version = self.version(key)
        if version is None:
            return None
        atlas = Atlas(version, arrays=_mapped(self._shapes_of(key)))
        atlas.reference.covering(lon=0.0, lat=0.0)  # made here, not when the first ping needs it
        return atlas

    def version(self, key: str) -> Version | None:
        """A version without its atlas; None if it is not here. Raises ValueError if it is another's."""
        if not self.has(key):
            return None
        manifest = read_manifest((self._at(key) / _MANIFEST).read_bytes())
        names = msgspec.json.decode((self._at(key) / _NAMES).read_bytes())
        version = _version(manifest, names, self._shapes_of(key))
        if version.hash != key:
            raise ValueError(f"{self._at(key)} holds version {version.hash[:12]}; remove the folder, it is made anew")
        return version

    def drop(self, key: str) -> None:
        """Remove a version that can't be read, and its shapes: they are made anew."""
        with self._alone():
            with suppress(OSError):
                self._remove(self._shapes_of(key))
            self._remove(self._at(key))

    def keep(self, keys: set[str]) -> None:
        """Remove all versions but these, the shapes that none of them has, and what was left half-made.

        Who has them mapped keeps them. While somebody compiles it does nothing: another time will do.
        """
        if not self._folder.is_dir():
            return
        with suppress(BlockingIOError), self._alone(wait=False):
            here = [key for key in keys if self.has(key)]
            kept = {self._at(key).name for key in here} | {self._shapes_of(key).name for key in here} | {_LOCK}
            for place in self._folder.iterdir():
                if place.name not in kept:
                    self._remove(place)

    def _remove(self, place: Path) -> None:
        """Remove a folder, its name first, so that no half of it is ever found under that."""
        gone = place.with_name(f"gone-{uuid4().hex}")
        with suppress(FileNotFoundError):
            place.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _shapes_of(self, key: str) -> Path:
        return self._folder / (self._at(key) / _SHARED).read_text()

    def _at(self, key: str) -> Path:
        return self._folder / f"version-{key}-{CODE_VERSION}"

    def _shapes_at(self, geometry_hash: str) -> Path:
        return self._folder / f"shapes-{geometry_hash}-{CODE_VERSION}"

    @contextmanager
    def _alone(self, *, wait: bool = True) -> Iterator[None]:
        """Nobody else writes here meanwhile. Raises BlockingIOError if somebody does and it is not to wait."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    @contextmanager
    def _whole(self, place: Path) -> Iterator[Path]:
        """A new folder that gets its name once all of it is on disk."""
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        try:
            yield new
            for file in (*new.iterdir(), new):
                _sync(file)
            new.rename(place)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _sync(file: Path) -> None:
    opened = os.open(file, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _write_shapes(folder: Path, atlas: Atlas) -> None:
    for name, column in atlas.arrays().items():
        np.save(folder / f"{name}.npy", column)
    raw: list[bytes] = [shapely.to_wkb(region.geometry, byte_order=1) for region in atlas.version.regions]
    np.save(folder / _ENDS, np.cumsum(np.fromiter(map(len, raw), np.int64, len(raw))))
    np.save(folder / _SHAPES, np.frombuffer(b"".join(raw), np.uint8))


def _mapped(folder: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an atlas; writable as kernels want them, though nothing is written."""
    files = (file for file in folder.glob("*.npy") if file.name not in (_SHAPES, _ENDS))
    return {file.stem: _load(file) for file in files}


def _load(file: Path) -> NDArray[Any]:
    empty = np.load(file, mmap_mode=None) if file.stat().st_size < 4096 else None  # what is empty can't be mapped
    found: NDArray[Any] = np.load(file, mmap_mode="c") if empty is None else empty
    return np.asarray(found)


def _version(manifest: Manifest, names: list[tuple[str, str]], folder: Path) -> Version:
    """The version, its shapes taken as valid: they were when they were compiled."""
    arena, ends = _load(folder / _SHAPES), np.load(folder / _ENDS).tolist()
    raw = [arena[begin:end].tobytes() for begin, end in pairwise([0, *ends])]
    shapes = shapely.from_wkb(np.array(raw, object)) if raw else np.empty(0, object)
    regions = tuple(Region(key, shape, name) for (key, name), shape in zip(names, shapes, strict=True))
    return Version(
        manifest.layer,
        manifest.kind,
        regions,
        Rule.from_table(manifest.rule),
        manifest.dwell_s,
        manifest.nearest_within_m,
        tuple(manifest.codes[region.id] for region in regions),
    )
