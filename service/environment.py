"""The settings of a class: from flags, from the environment, from a settings file, or its defaults, in this order.

A variable is a prefix such as `GEOFENCE_KAFKA_` and the setting's name in capitals; in the file it is a key of a table.
Read once, where a role or a log is opened; knows no role and no engine. Invariant: a name that does not exist or a
value that can't be is refused, with the name as it stands there, the value and what is allowed; a secret is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from service.settings.secret import HIDDEN, read_secret
from service.settings.toml_file import SettingsFile
from service.source import Unusable

S = TypeVar("S")
_FILE = "_file"
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody has set, and where."""

    value: object
    label: str  # the variable, or the file, its table and its key


@dataclass(frozen=True, slots=True)
class Names:
    """What can be set in one table, and how its variables begin."""

    prefix: str
    table: str
    keys: Collection[str]
    secrets: Collection[str] = ()  # of the keys: may be in files
    others: Collection[str] = ()  # keys that somebody else reads

    def known(self) -> list[str]:
        """All keys that may stand there."""
        return [*self.keys, *(key + _FILE for key in self.secrets), *self.others]


def settings_of(
    kind: type[S],
    prefix: str,
    environ: Mapping[str, str],
    *,
    others: Collection[str] = (),
    file: SettingsFile | None = None,
    flags: Mapping[str, str] = _NONE,
    **fixed: Any,
) -> S:
    """A dataclass of settings: those `fixed`, and what is set of the others. Raises Unusable.

    `others`: variables with the same prefix that somebody else reads. `flags`: what those are called that are fixed
    by flags.
    """
    beside = [name.removeprefix(prefix).lower() for name in others]
    beaten = [name for name in fixed if name in flags]  # may stand elsewhere too
    names = names_of(kind, prefix, others=[*beside, *beaten], fixed=fixed)
    given = given_of(names, environ, file or SettingsFile())
    return made(kind, given, prefix=prefix, flags=flags, **fixed)


def names_of(kind: type[Any], prefix: str, *, others: Collection[str], fixed: Collection[str]) -> Names:
    """The names of a class's settings; those whose value its `repr` leaves out are secrets."""
    free = [field for field in fields(kind) if field.name not in fixed]
    secrets = [field.name for field in free if not field.repr]
    table = prefix.removeprefix("GEOFENCE_").rstrip("_").lower()
    return Names(prefix, table, [field.name for field in free], secrets, others)


def given_of(names: Names, environ: Mapping[str, str], file: SettingsFile) -> dict[str, Given]:
    """What is set of these; a variable beats the file. Raises Unusable for a name that there is not."""
    return {**_from_file(names, file), **_from_environment(names, environ)}


def made(
    kind: type[S], given: Mapping[str, Given], *, prefix: str, flags: Mapping[str, str] = _NONE, **fixed: Any
) -> S:
    """The settings. Raises Unusable for a value that can't be."""
    values = {name: _taken(kind, name, one.value) for name, one in given.items()}
    try:
        return msgspec.convert({**values, **fixed}, kind, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        labels = {**{name: one.label for name, one in given.items()}, **flags}
        raise Unusable(_wrong(kind, prefix, {**values, **fixed}, labels, str(error))) from None


def _from_environment(names: Names, environ: Mapping[str, str]) -> dict[str, Given]:
    ours = {name: value for name, value in environ.items() if name.startswith(names.prefix)}
    known = {names.prefix + key.upper(): key for key in names.known()}
    unknown = sorted(ours.keys() - known.keys())
    if unknown:
        raise Unusable(
            f"{unknown[0]} is set, but there is no such setting; {_nearest(unknown[0], names.prefix, known)}"
        )
    return dict(_unfiled(names, {known[name]: Given(value, name) for name, value in ours.items()}))


def _from_file(names: Names, file: SettingsFile) -> dict[str, Given]:
    table, known = file.table(names.table), names.known()
    unknown = [key for key in table if key not in known]
    if unknown:
        label = file.label(names.table, unknown[0])
        raise Unusable(f"{label} is set, but there is no such setting; {_nearest(unknown[0], '', known)}")
    return dict(_unfiled(names, {key: Given(value, file.label(names.table, key)) for key, value in table.items()}))


def _unfiled(names: Names, given: Mapping[str, Given]) -> Iterator[tuple[str, Given]]:
    """The same without others', and with secrets read from their files."""
    for key, one in given.items():
        if key in names.keys:
            yield key, one
        elif key.removesuffix(_FILE) in names.secrets:
            secret = key.removesuffix(_FILE)
            if secret in given:
                raise Unusable(f"{given[secret].label} and {one.label} are both set; unset one of them")
            yield secret, Given(read_secret(one.value, one.label), one.label)


def _taken(kind: type[Any], name: str, value: object) -> object:
    """A text where several are wanted is split at its commas."""
    if isinstance(value, str) and get_origin(get_type_hints(kind)[name]) is frozenset:
        return [part for part in map(str.strip, value.split(",")) if part]
    return value


def _wrong(kind: type[Any], prefix: str, values: Mapping[str, Any], labels: Mapping[str, str], said: str) -> str:
    """What can't be, by the name that it has where it stands."""
    unread = re.search(r"`\$\.(\w+)", said)
    if unread is not None and unread[1] in values:  # not of the right type at all
        name = unread[1]
        shown = _shown(kind, name, values[name])
        return f"{labels.get(name, name)} is {shown}; allowed: {allowed(kind, name)}"
    name = said.partition(" ")[0]
    if name in labels:  # out of range
        return f"{labels[name]}{said.removeprefix(name)}"
    named = next((name for name in labels if re.search(rf"\b{name}\b", said)), None)
    if named is not None:
        return f"{labels[named]} is {_shown(kind, named, values[named])}: {said}"
    return f"the settings {prefix}... can't be used: {said}"


def _shown(kind: type[Any], name: str, value: object) -> str:
    """A value in a sentence; a secret is not."""
    secret = any(field.name == name and not field.repr for field in fields(kind))
    return repr(HIDDEN if secret else value)


def _nearest(unknown: str, prefix: str, names: Collection[str]) -> str:
    near = get_close_matches(unknown.removeprefix(prefix), [name.removeprefix(prefix) for name in names], 1)
    return f"did you mean {prefix}{near[0]}?" if near else f"allowed: {', '.join(sorted(names))}"


def allowed(kind: type[Any], name: str) -> str:
    """What a setting may be, in words."""
    hint = get_type_hints(kind)[name]
    parts = [part for part in get_args(hint) or (hint,) if part is not type(None)]
    words = [word for part in parts for word in get_args(part)]
    if words:
        return ", ".join(words)
    if get_origin(hint) is frozenset:
        return "texts"
    return {bool: "true or false", int: "a whole number", str: "a text"}.get(parts[0], "a number")
