"""Options of commands that are settings too: beside the flag there is a variable, and a key of the settings file.

Under the `cli_...` modules. Invariant: the flag beats the variable, which beats the file, which beats the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from service.address import ADDRESSES, Address

_ORDERED = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


class SettingOption(click.Option):
    """An option with a key in a table of the settings file; "" is outside of the tables."""

    def __init__(self, *given: Any, table: str, key: str, secret: bool = False, **more: Any) -> None:
        variable = "_".join(word.upper() for word in ("geofence", table, key) if word)
        super().__init__(*given, envvar=variable, **more)
        self.table, self.key, self.secret, self.variable = table, key, secret, variable

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """The value, and where it came from. Raises Unusable for one in the settings file that can't be."""
        value, source = super().consume_value(ctx, opts)
        if source is ParameterSource.COMMANDLINE:
            return value, source
        found = self.beside(os.environ, with_file=source not in _ORDERED)
        return (value, source) if found is None else (self.checked(ctx, *found), ParameterSource.DEFAULT_MAP)

    def beside(self, environ: Mapping[str, str], *, with_file: bool = True) -> tuple[object, str] | None:
        """What the settings file, or a file for secrets, says, and where; None: nothing. Raises Unusable."""
        from service.settings.secret import read_secret
        from service.settings.toml_file import settings_file
        from service.source import Unusable

        named = f"{self.variable}_FILE"
        if self.secret and named in environ:
            if self.variable in environ:
                raise Unusable(f"{self.variable} and {named} are both set; unset one of them")
            return read_secret(environ[named], named), named
        if not with_file:
            return None
        file = settings_file(environ)
        its, label = file.table(self.table), file.label(self.table, self.key)
        if self.secret and f"{self.key}_file" in its:
            if self.key in its:
                raise Unusable(f"{label} and {label}_file are both set; take one of them away")
            return read_secret(its[f"{self.key}_file"], f"{label}_file"), f"{label}_file"
        return (its[self.key], label) if self.key in its else None

    def checked(self, ctx: click.Context, value: object, label: str) -> object:
        """A value of the settings file, if it is one that can be. Raises Unusable."""
        from service.source import Unusable

        wanted = bool if self.is_flag else str
        try:
            if not isinstance(value, wanted):
                raise click.BadParameter("")
            self.type_cast_value(ctx, value)
        except click.BadParameter:
            raise Unusable(f"{label} is {value!r}; allowed: {self.allowed()}") from None
        return value

    def allowed(self) -> str:
        """What it may be, in words."""
        if isinstance(self.type, click.Choice):
            return " or ".join(map(str, self.type.choices))
        if isinstance(self.type, Address):
            return ADDRESSES
        return "true or false" if self.is_flag else f"a text, {self.metavar or self.name}"


def is_typed(context: click.Context, name: str) -> bool:
    """Whether a parameter was given on the command line."""
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
