"""What can be set of a log: its place comes from `--log`, all else from the environment.

`GEOFENCE_KAFKA_` or `GEOFENCE_SQLITE_` before the setting's name in capitals. Read once, where a log is opened; knows
no engine, so that nobody waits for the import of one that is not used. Invariant: a name that does not exist or a value
that can't be is refused, with both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from service.source import Unusable

S = TypeVar("S")


def log_settings(kind: type[S], prefix: str, environ: Mapping[str, str], **fixed: Any) -> S:
    """The settings of an engine, a dataclass: those `fixed`, and what is set of the others. Raises Unusable."""
    every = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    names = {prefix + name.upper(): name for name in every if name not in fixed}
    given = {name: value for name, value in environ.items() if name.startswith(prefix)}
    unknown = sorted(given.keys() - names.keys())
    if unknown:
        raise Unusable(f"{unknown[0]} is set, but there is no such setting; allowed: {', '.join(sorted(names))}")
    values = {names[name]: value for name, value in given.items()}
    try:
        return msgspec.convert({**values, **fixed}, kind, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        name = str(error).rpartition("$.")[2].rstrip("`")
        if name in values:  # not of the right type at all
            raise Unusable(f"{prefix}{name.upper()} is {values[name]!r}; allowed: {_allowed(kind, name)}") from None
        raise Unusable(f"the settings {prefix}... can't be used: {error}") from None


def _allowed(kind: type[Any], name: str) -> str:
    """What a setting may be, in words."""
    hint = get_type_hints(kind)[name]
    words = [word for part in get_args(hint) for word in get_args(part)]
    return ", ".join(words) if words else {bool: "true or false", int: "a whole number"}.get(hint, "a number")
