"""HOST:PORT: where a role answers, and the type of the options that say so.

Under the commands that listen, and under `http`. Invariant: what is no address is refused with the option, the variable
or the key of the settings file that says it, before anything is opened or made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    _Type = click.ParamType[str]
else:
    _Type = click.ParamType  # older releases know no type in brackets here

ADDRESSES = "HOST:PORT, such as 127.0.0.1:8080"  # what an address may be
_MOST = 65_535


def split_address(address: str) -> tuple[str, int]:
    """HOST and PORT. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) <= _MOST:
        raise ValueError(f"{address!r} is no address; allowed: {ADDRESSES}")
    return host.strip("[]"), int(port)


class Address(_Type):
    """An option whose value is an address."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The same, if it is one. Raises BadParameter."""
        try:
            split_address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


ADDRESS = Address()
