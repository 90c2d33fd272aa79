"""Every setting there is, from the classes of the roles and from the options of their commands.

Above `environment`; for `geofence config`, `geofence doctor` and the documents. Imports every role. Invariant: what a
role reads is listed here, since both take it from the same classes and options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import click

from service.environment import Names, allowed, names_of
from service.settings.meanings import meanings, unit_of
from service.settings.option import SettingOption
from service.settings.roles import GENERAL, ROLES, Role


@dataclass(frozen=True, slots=True)
class Known:
    """One setting."""

    table: str  # "" is outside of the tables
    key: str
    variable: str
    flag: str | None  # of the commands that read it
    default: object  # None: not set
    unit: str
    allowed: str
    means: str
    secret: bool = False  # never shown
    filed: bool = False  # may come from a file, by the key and the variable with _file behind

    @property
    def name(self) -> str:
        """How it is called in a settings file."""
        return f"{self.table}.{self.key}" if self.table else self.key


def every() -> list[Known]:
    """All of them, those outside of the tables first."""
    options = setting_options()
    known = [_of_option(options["", key]) for key in GENERAL]
    for role in ROLES:
        known += [_of_option(options[role.name, key]) for key in role.options]
        known += _of_class(role)
    return known


def role_names(role: Role) -> Names:
    """The names that its class reads."""
    return names_of(role.kind, role.prefix, others=role.options, fixed=[*role.elsewhere, *role.options])


def setting_options() -> Mapping[tuple[str, str], SettingOption]:
    """The options that are settings, by table and key: as the first command has it, or one that can't do without."""
    from service.cli import cli

    found: dict[tuple[str, str], SettingOption] = {}
    for one in sorted(_options(cli), key=lambda one: not one.required):
        found.setdefault((one.table, one.key), one)
    return found


def _options(command: click.Command) -> Iterator[SettingOption]:
    yield from (one for one in command.params if isinstance(one, SettingOption))
    for under in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _options(under)


def _of_option(one: SettingOption) -> Known:
    default = False if one.is_flag else one.default if isinstance(one.default, str) else None
    means = " ".join((one.help or "").split())
    return Known(one.table, one.key, one.variable, one.opts[0], default, "", one.allowed(), means, filed=one.secret)


def _of_class(role: Role) -> Iterator[Known]:
    names, kind = role_names(role), role.kind
    means, defaults = meanings(kind), _defaults(kind)
    for key in names.keys:
        secret, default = key in names.secrets, defaults[key]
        yield Known(role.name, key, role.prefix + key.upper(), None, default, unit_of(key, default),
                    allowed(kind, key), means[key], secret, secret)  # fmt: skip


def _defaults(kind: type[Any]) -> dict[str, object]:
    return {one.name: None if one.default is MISSING else one.default for one in fields(kind)}
