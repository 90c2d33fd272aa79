"""Compiled atlases on disk, for all processes of a machine: built once, mapped into memory by whoever needs them.

Written by `compiling`, in a process of its own; read by workers and by dry runs. A folder for each version, named by
its hash; its arrays depend on the shapes alone, and versions that share those share the files. Invariants: what has a
name here is whole; a file of other code is not touched; reading checks that the shapes are the version's own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from boundaries.manifest import Manifest, read_manifest
from geofence.atlas import CODE_VERSION, Atlas
from geofence.region import Region, Version
from geofence.rule import Rule

_MANIFEST, _NAMES, _SHAPES, _ENDS = "manifest.json", "names.json", "shapes.npy", "ends.npy"


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
        if not shapes.exists():
            with self._whole(shapes) as new:
                _write_shapes(new, Atlas(version))
        if not self.has(key):
            names = msgspec.json.encode([[region.id, region.name] for region in version.regions])
            with self._whole(self._at(key)) as new:
                (new / _NAMES).write_bytes(names)
                (new / "shapes").write_text(shapes.name)
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

    def _shapes_of(self, key: str) -> Path:
        return self._folder / (self._at(key) / "shapes").read_text()

    def keep(self, keys: set[str]) -> None:
        """Remove all versions but these, and the shapes that none of them has. Who has them mapped keeps them."""
        used = set()
        for place in self._folder.glob("version-*"):
            if place.name.removeprefix("version-") in keys:
                used.add((place / "shapes").read_text())
            else:
                shutil.rmtree(place, ignore_errors=True)
        for place in self._folder.glob("shapes-*"):
            if place.name not in used:
                shutil.rmtree(place, ignore_errors=True)

    def _at(self, key: str) -> Path:
        return self._folder / f"version-{key}"

    def _shapes_at(self, geometry_hash: str) -> Path:
        return self._folder / f"shapes-{geometry_hash}-{CODE_VERSION}"

    @contextmanager
    def _whole(self, place: Path) -> Iterator[Path]:
        """A new folder that gets its name once it is whole; if another process was quicker, theirs stays."""
        self._folder.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        try:
            yield new
            os.rename(new, place)  # noqa: PTH104 - fails where the folder is there and not empty, and must
        except OSError:
            if not place.exists():
                raise
        finally:
            shutil.rmtree(new, ignore_errors=True)


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
