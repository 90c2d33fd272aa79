"""Versions at hand, each with its atlas: what a switch or a row that was kept may name.

Beside `fence`; the fences of one process may share one. Invariant: an atlas is built once, or brought ready.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from geofence.atlas import Atlas, Engine
from geofence.region import Kind, Version


class UnknownVersion(LookupError):
    """A version that is named and not at hand."""


class Library:
    """Versions by their hashes."""

    def __init__(
        self,
        versions: Iterable[Version] = (),
        *,
        engine: Engine | str = Engine.COMPILED,
        atlases: Mapping[str, Atlas] | None = None,
    ) -> None:
        """`atlases` are ready ones by version hash; others are built when they are first needed."""
        self._engine, self._atlases = Engine(engine), dict(atlases or {})
        self._versions = {key: atlas.version for key, atlas in self._atlases.items()}
        for version in versions:
            self.add(version)

    def __contains__(self, key: str) -> bool:
        return key in self._versions

    def add(self, version: Version) -> None:
        """Have a version at hand."""
        self._versions[version.hash] = version

    def put(self, atlas: Atlas) -> None:
        """Have a version at hand, with its atlas."""
        self._versions[atlas.version.hash], self._atlases[atlas.version.hash] = atlas.version, atlas

    def atlases(self) -> dict[str, Atlas]:
        """All that is at hand, by version hash."""
        return {key: self.atlas(version) for key, version in self._versions.items()}

    def let_go(self, keys: Collection[str]) -> None:
        """Have these versions no longer."""
        for key in keys:
            self._versions.pop(key, None)
            self._atlases.pop(key, None)

    def atlas(self, version: Version) -> Atlas:
        """The atlas of a version that is at hand."""
        if version.hash not in self._atlases:
            self._atlases[version.hash] = Atlas(version, self._engine)
        return self._atlases[version.hash]

    def find(self, layer: str, key: str, kind: Kind | None) -> Atlas:
        """The atlas of a version that a control record or a row names; `kind`: that of the layer, if it has one yet.

        Raises UnknownVersion.
        """
        version = self._versions.get(key)
        if version is None or (kind is None and version.layer != layer):
            known = ", ".join(sorted(f"{one.layer} {key[:12]}" for key, one in self._versions.items()))
            raise UnknownVersion(
                f"version {key[:12]!r} of layer {layer!r} is not at hand; there are {known or 'none'}. "
                "Give its regions too."
            )
        if kind is not None and (version.layer != layer or version.kind is not kind):
            raise UnknownVersion(
                f"version {key[:12]!r} is a {version.kind} of layer {version.layer!r}; layer {layer!r} is a {kind}, "
                "and its kind never changes"
            )
        return self.atlas(version)
