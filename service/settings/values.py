"""What every setting is here, where that came from, and what is wrong.

Above `known`. Invariant: looking changes nothing and opens nothing but the settings file and files of secrets; what is
wrong in one table hides no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import click

from service.environment import Given, given_of, made
from service.log_lines import level_and_form
from service.settings.known import Known, every, role_names, setting_options
from service.settings.option import SettingOption
from service.settings.roles import ROLES, check_names, strays
from service.settings.secret import HIDDEN, without_password
from service.settings.toml_file import SettingsFile, settings_file
from service.source import Unusable

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Valued:
    """A setting and what it is."""

    known: Known
    value: object  # as it may be shown
    origin: str  # the flag, the variable, or the place in the file; DEFAULT


@dataclass(frozen=True, slots=True)
class Settled:
    """All settings, and the sentences about what is wrong."""

    file: str  # its name; "" if there is none
    valued: tuple[Valued, ...]
    wrong: tuple[str, ...]
    unread: tuple[str, ...]  # variables that begin as ours do and are no settings


def settled(environ: Mapping[str, str], flags: Mapping[str, str]) -> Settled:
    """Look at all of it; `flags`: what the command line says of settings outside of the tables."""
    wrong: list[str] = []
    file = _file(environ, wrong)
    with _noting(wrong):
        check_names(environ)
    with _noting(wrong):
        level_and_form(environ)
    given: dict[tuple[str, str], Given] = {}
    for role in ROLES:
        with _noting(wrong):
            its = given_of(role_names(role), environ, file)
            given |= {(role.name, key): one for key, one in its.items()}
            as_read = made(role.kind, its, prefix=role.prefix)
            given |= {(role.name, key): replace(one, value=getattr(as_read, key)) for key, one in its.items()}
    for (table, key), option in setting_options().items():
        with _noting(wrong):
            one = Given(flags[key], option.opts[0]) if not table and key in flags else _of_option(option, environ)
            if one is not None:
                given[table, key] = one
    valued = tuple(_valued(one, given.get((one.table, one.key))) for one in every())
    unread = [name for name in strays(environ) if not any(said.startswith(f"{name} ") for said in wrong)]
    return Settled(file.name, valued, tuple(dict.fromkeys(wrong)), tuple(unread))


@contextmanager
def _noting(wrong: list[str]) -> Iterator[None]:
    """What can't be used is noted, and the next one looked at."""
    try:
        yield
    except Unusable as error:
        wrong.append(without_password(str(error)))


def _file(environ: Mapping[str, str], wrong: list[str]) -> SettingsFile:
    try:
        return settings_file(environ)
    except Unusable as error:
        wrong.append(str(error))
        return SettingsFile()


def _of_option(option: SettingOption, environ: Mapping[str, str]) -> Given | None:
    found = option.beside(environ, with_file=not environ.get(option.variable))
    value, label = found or (environ.get(option.variable) or None, option.variable)
    if value is None:
        return None
    context = click.Context(click.Command("config"))
    if found is not None:
        value = option.checked(context, value, label)
    try:
        return Given(option.type_cast_value(context, value), label)
    except click.BadParameter:
        raise Unusable(f"{label} is {value!r}; allowed: {option.allowed()}") from None


def _valued(known: Known, given: Given | None) -> Valued:
    value = known.default if given is None else given.value
    if known.secret and value is not None:
        value = HIDDEN
    elif isinstance(value, str):
        value = without_password(value)
    elif isinstance(value, frozenset | tuple | list):
        value = sorted(map(str, value))
    return Valued(known, value, DEFAULT if given is None else given.label)


def set_ones(found: Settled) -> Iterator[Valued]:
    """Those that are not left at their defaults."""
    return (one for one in found.valued if one.origin != DEFAULT)
