"""Compiles a version's atlas onto the shelf: a program of its own, so that nobody waits for it.

Started by `loading` as `python -m boundaries.compiling MANIFEST REGIONS SHELF`. Invariant: several that compile the
same version at once do it once.
"""

from __future__ import annotations

import sys
from pathlib import Path

from boundaries.blob import read_regions
from boundaries.manifest import read_manifest, version_of
from boundaries.shelf import Shelf


def compile_version(manifest: Path, regions: Path, shelf: Path) -> str:
    """Put the atlas of a version on the shelf; the version's hash. Raises ValueError where they don't go together."""
    raw = manifest.read_bytes()
    version = version_of(read_manifest(raw), read_regions(regions))
    Shelf(shelf).put(version, raw)
    return version.hash


if __name__ == "__main__":
    print(compile_version(*map(Path, sys.argv[1:4])))
