"""Settings from the environment: of a log, whose place comes from `--log`, and of the gateway.

A prefix such as `GEOFENCE_KAFKA_` before the setting's name in capitals. Read once, where a role or a log is opened;
knows no engine, so that nobody waits for the import of one that is not used. Invariant: a name that does not exist or a
value that can't be is refused, with the name of the variable, the value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from service.source import Unusable

S = TypeVar("S")


def settings_of(
    kind: type[S], prefix: str, environ: Mapping[str, str], *, others: Collection[str] = (), **fixed: Any
) -> S:
    """A dataclass of settings: those `fixed`, and what is set of the others. Raises Unusable.

    `others`: variables with the same prefix that somebody else reads.
    """
    every = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    names = {prefix + name.upper(): name for name in every if name not in fixed}
    given = {name: value for name, value in environ.items() if name.startswith(prefix) and name not in others}
    unknown = sorted(given.keys() - names.keys())
    if unknown:
        raise Unusable(
            f"{unknown[0]} is set, but there is no such setting; {_nearest(unknown[0], prefix, {*names, *others})}"
        )
    values = {names[name]: value for name, value in given.items()}
    try:
        return msgspec.convert({**values, **fixed}, kind, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise Unusable(_wrong(kind, prefix, values, str(error))) from None


def _wrong(kind: type[Any], prefix: str, values: Mapping[str, str], said: str) -> str:
    """What can't be, by the name that it has in the environment."""
    unread = said.rpartition("$.")[2].rstrip("`")
    if unread in values:  # not of the right type at all
        return f"{prefix}{unread.upper()} is {values[unread]!r}; allowed: {_allowed(kind, unread)}"
    name = said.partition(" ")[0]
    if name in values:  # out of range
        return f"{prefix}{name.upper()}{said.removeprefix(name)}"
    return f"the settings {prefix}... can't be used: {said}"


def _nearest(unknown: str, prefix: str, names: Collection[str]) -> str:
    near = get_close_matches(unknown.removeprefix(prefix), [name.removeprefix(prefix) for name in names], 1)
    return f"did you mean {prefix}{near[0]}?" if near else f"allowed: {', '.join(sorted(names))}"


def _allowed(kind: type[Any], name: str) -> str:
    """What a setting may be, in words."""
    hint = get_type_hints(kind)[name]
    words = [word for part in get_args(hint) for word in get_args(part)]
    return ", ".join(words) if words else {bool: "true or false", int: "a whole number"}.get(hint, "a number")
