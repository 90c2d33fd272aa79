"""A folder of region files with a `layers.toml`, as kept in Git: what it says the layers are.

Under `plan` and `apply`. Invariants: the folder is the whole truth of its layers, so what it does not say is as where
nothing was ever said; a name that is not known is refused; no file outside the folder is read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from boundaries.layer import ACCURACY_M, TOLERANCE_M
from geofence.rule import InvalidRule, Rule
from service.boundary_files import Wish
from service.source import Unusable

TABLE = "layers.toml"


class LayerEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[layer.NAME]`."""

    file: str
    kind: str | None = None
    rule: str | dict[str, Any] = "balanced"
    dwell_s: float | None = None
    nearest_within_m: float | None = None
    tolerance_m: float = TOLERANCE_M
    accuracy_m: float = ACCURACY_M
    inner: str | None = None
    id: str | None = None
    name: str | None = None
    crs: str | None = None
    encoding: str | None = None
    fix: bool = False
    comment: str = ""


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    layer: dict[str, LayerEntry]


@dataclass(frozen=True, slots=True)
class WantedLayer:
    """One layer, as the folder has it."""

    name: str
    path: Path
    rule: Rule
    entry: LayerEntry

    @property
    def wish(self) -> Wish:
        """How its file is to be judged here."""
        entry = self.entry
        layer = {
            "name": self.name, "kind": entry.kind, "rule": self.rule.to_table(), "dwell_s": entry.dwell_s,
            "nearest_within_m": entry.nearest_within_m, "tolerance_m": entry.tolerance_m,
            "accuracy_m": entry.accuracy_m,
        }  # fmt: skip
        return Wish(layer=_given(layer), reading=_given(self._reading("layer")), fix=("all",) if entry.fix else ())

    @property
    def query(self) -> dict[str, str]:
        """How a server is to read its file."""
        return _given(self._reading("inner")) | ({"fix": "true"} if self.entry.fix else {})

    def _reading(self, inner: str) -> dict[str, Any]:
        entry = self.entry
        return {inner: entry.inner, "id": entry.id, "name": entry.name, "crs": entry.crs, "encoding": entry.encoding}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def read_folder(folder: str) -> list[WantedLayer]:
    """The layers of a folder, by name. Raises Unusable."""
    place = Path(folder)
    table = place / TABLE
    try:
        found = msgspec.convert(tomllib.loads(table.read_text(encoding="utf-8")), _Table)
    except FileNotFoundError:
        raise Unusable(
            f"{table}: there is no such file. It says what the layers are: see docs/boundaries.md."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        allowed = ", ".join(LayerEntry.__struct_fields__)
        raise Unusable(f"{table}: {error}; allowed: [layer.NAME] with {allowed}") from None
    return [_wanted(place, name, entry) for name, entry in sorted(found.layer.items())]


def _wanted(folder: Path, name: str, entry: LayerEntry) -> WantedLayer:
    path = folder / entry.file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Unusable(f"{folder / TABLE}: layer {name}: file is {entry.file!r}; allowed: a file in the folder")
    if entry.kind not in (None, "partition", "overlay"):
        raise Unusable(f"{folder / TABLE}: layer {name}: kind is {entry.kind!r}; allowed: partition or overlay")
    try:
        rule = Rule.from_table({"preset": entry.rule} if isinstance(entry.rule, str) else entry.rule)
    except InvalidRule as error:
        raise Unusable(f"{folder / TABLE}: layer {name}: {error}") from None
    return WantedLayer(name, path, rule, entry)
