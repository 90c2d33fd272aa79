"""Options that several `geofence boundaries` commands share: which server, how a file is to be read, what a layer is.

Used by the `cli_boundary...` modules. Invariant: a key is never an argument, where every user of the machine sees it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.settings.option import SettingOption

if TYPE_CHECKING:
    from service.boundary_server import BoundaryServer

F = TypeVar("F", bound=Callable[..., Any])
KEY = "GEOFENCE_KEY"

_SERVER_HELP = "The server, such as https://geofence.example; also GEOFENCE_SERVER."
_KEY_HELP = "A file whose first line is the key; else the key is in GEOFENCE_KEY."
_COMMENT_HELP = "Why, for whoever reads the audit."

json_option = click.option("--json", "as_json", is_flag=True, help="JSON on standard output, for scripts.")
comment_option = click.option("--comment", metavar="TEXT", default="", help=_COMMENT_HELP)
no_wait_option = click.option("--no-wait", is_flag=True, help="Don't wait for the end of it.")
cancel_option = click.option(
    "--cancel", is_flag=True, help="Ctrl-C while waiting cancels the job, which otherwise goes on."
)


def server_options(command: F) -> F:
    """Which server, and who asks."""
    for option in (
        click.option("--key-file", metavar="FILE", help=_KEY_HELP),
        click.option("--server", cls=SettingOption, table="", key="server", metavar="URL", help=_SERVER_HELP),
    ):
        command = option(command)
    return command


def server_of(url: str | None, key_file: str | None) -> BoundaryServer:
    """The server that is to be asked. Raises Unusable."""
    from service.boundary_server import BoundaryServer
    from service.source import Unusable

    if url is None:
        raise click.UsageError("say which server: --server URL, or GEOFENCE_SERVER")
    key = _first_line(key_file) if key_file is not None else os.environ.get(KEY, "").strip()
    if not (key and key.isascii() and key.isprintable()):
        where = f"{key_file} has" if key_file is not None else f"{KEY} has"
        raise Unusable(
            f"{where} no key; allowed: the text that `geofence keys create` printed. Set {KEY} or --key-file."
        )
    return BoundaryServer(url, key)


def _first_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # pathlib takes a while to load
        return file.readline(4096).strip()


def reading_options(command: F) -> F:
    """How a file is to be read."""
    for option in (
        click.option("--name", metavar="ATTRIBUTE", help="The attribute that has the names.  [default: guessed]"),
        click.option("--id", "ident", metavar="ATTRIBUTE", help="The attribute that has the ids.  [default: guessed]"),
        click.option("--encoding", metavar="NAME", help="Of the file's text, such as ISO-8859-1."),
        click.option(
            "--crs", metavar="CRS", help="The file's coordinate system, such as EPSG:25832; instead of its own."
        ),
        click.option("--inner", metavar="NAME", help="Which layer of the file, if it has several."),
    ):
        command = option(command)
    return command


def setting_options(command: F) -> F:
    """What a version decides beside shapes."""
    for option in (
        click.option("--rule", metavar="PRESET|FILE", help="The rule of the layer: a preset, or a TOML file."),
        click.option("--dwell", metavar="S", type=float, help="Overlay: also tell who stays in a fence for S seconds."),
        click.option(
            "--nearest-within", metavar="M", type=float, help="Partition: how far a region reaches over gaps."
        ),
    ):
        command = option(command)
    return command


def measure_options(command: F) -> F:
    """How exact a layer is meant to be."""
    for option in (
        click.option("--accuracy", metavar="M", type=float, help="Of the pings that are expected.  [default: 20]"),
        click.option(
            "--tolerance", metavar="M", type=float, help="Partition: overlaps so wide are slips.  [default: 1]"
        ),
    ):
        command = option(command)
    return command
