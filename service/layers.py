"""Region files and their options become versions of layers.

Used by all three commands. What is said on the command line wins over the file's own settings, and what is
said of one layer over what is said of all. Invariant: an option that names no layer of this run is refused,
never ignored.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from geofence.geojson import RegionFile, Settings, read_regions
from geofence.region import InvalidRegion, Kind, Version
from geofence.rule import PRESETS, InvalidRule, Rule
from service.complaints import note
from service.source import Source, Unusable

FILE_BYTES = 512 << 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LayerOptions:
    """The options as given, each `VALUE` or `LAYER=VALUE`."""

    regions: Sequence[str]
    kind: Sequence[str] = ()
    rule: Sequence[str] = ()
    nearest_within: Sequence[str] = ()
    dwell: Sequence[str] = ()


def load_versions(options: LayerOptions) -> list[Version]:
    """The versions, in the order of the files. Raises Unusable."""
    files = [_read(given) for given in options.regions]
    names = list(dict.fromkeys(name for name, _, _ in files))
    kinds = _chosen("--kind", options.kind, names, _kind)
    rules = _chosen("--rule", options.rule, names, _rule)
    nearest = _chosen("--nearest-within", options.nearest_within, names, _number)
    dwells = _chosen("--dwell", options.dwell, names, _number)
    versions = []
    for name, path, content in files:
        kind = kinds.get(name) or content.settings.kind or Kind.PARTITION
        nearest_m, dwell_s = _fitting(content.settings, kind)
        try:
            version = Version.of(
                name,
                content.regions,
                kind=kind,
                rule=rules.get(name) or Rule(),
                nearest_within_m=nearest.get(name, nearest_m),
                dwell_s=dwells.get(name, dwell_s),
            )
        except InvalidRegion as error:
            raise Unusable(f"{path}: {error}") from None
        versions.append(version)
    return versions


def versions_of(files: Sequence[str]) -> list[Version]:
    """The versions of region files as their own settings have them."""
    return load_versions(LayerOptions(files))


def part_versions(versions: Sequence[Version]) -> tuple[list[Version], list[Version]]:
    """The first version of each layer, which is in force, and the others, which wait for a switch."""
    first: dict[str, Version] = {}
    for version in versions:
        first.setdefault(version.layer, version)
    library = [version for version in versions if first[version.layer] is not version]
    same = next((version for version in library if first[version.layer].hash == version.hash), None)
    if same is not None:
        raise Unusable(f"--regions: layer {same.layer!r} is given twice, and alike. Name one of them: NAME=FILE.")
    for version in library:
        force = first[version.layer].hash
        note(f"layer {version.layer!r}: version {force} is in force, {version.hash} waits for a switch")
    return list(first.values()), library


def check_distinct(versions: Sequence[Version]) -> None:
    """Refuse two files for one layer, where a layer has one version only."""
    names = [version.layer for version in versions]
    for name in names:
        if names.count(name) > 1:
            raise Unusable(f"--regions: layer {name!r} is given {names.count(name)} times. Name them: NAME=FILE.")


def _read(given: str) -> tuple[str, str, RegionFile]:
    before, equals, after = given.partition("=")
    named = bool(equals) and "/" not in before and "\\" not in before
    path = after if named else given
    if not path or (named and not before):
        raise Unusable(f"--regions: {given!r} names no layer or no file; allowed: FILE or NAME=FILE")
    with Source(path) as source:
        raw = source.read_all(FILE_BYTES)
        name = before if named else source.stem
    try:
        return name, path, read_regions(raw, layer=name)
    except InvalidRegion as error:
        raise Unusable(f"{path}: {error}") from None


def _fitting(settings: Settings, kind: Kind) -> tuple[float, float | None]:
    """The file's settings, without those that the kind asked for has no use for."""
    if settings.kind is None or settings.kind is kind:
        return settings.nearest_within_m or 0.0, settings.dwell_s
    if kind is Kind.OVERLAY:
        return 0.0, settings.dwell_s
    return settings.nearest_within_m or 0.0, None


def _chosen(option: str, given: Sequence[str], names: list[str], read: Callable[[str, str], T]) -> Mapping[str, T]:
    """What an option says of each layer."""
    everywhere: dict[str, T] = {}
    single: dict[str, T] = {}
    for text in given:
        before, equals, after = text.partition("=")
        if equals and before in names:
            single[before] = read(option, after)
        elif equals:
            layers = ", ".join(names)
            raise Unusable(
                f"{option}: there is no layer {before!r}; the layers are {layers}. Say LAYER=VALUE or VALUE."
            )
        else:
            everywhere = dict.fromkeys(names, read(option, text))
    return everywhere | single


def _kind(option: str, text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise Unusable(f"{option}: kind is {text!r}; allowed: partition or overlay") from None


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Unusable(f"{option}: {text!r} is not a number") from None


def _rule(option: str, text: str) -> Rule:
    if text in PRESETS:
        return Rule.preset(text)
    path = Path(text)
    if path.suffix.lower() != ".toml":
        presets = ", ".join(PRESETS)
        raise Unusable(f"{option}: there is no preset {text!r}; allowed: {presets}, or a file whose name ends in .toml")
    with Source(text) as source:
        raw = source.read_all(1 << 20)
    try:
        return Rule.from_table(tomllib.loads(raw.decode()))
    except (InvalidRule, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unusable(f"{option} {text}: {error}") from None
