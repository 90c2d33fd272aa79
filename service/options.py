"""Options that several commands share: what the layers are, and what decides which events there are.

Used by `cli` and `cli_log`. Invariant: the same option means the same in every command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_REGIONS_HELP = (
    "GeoJSON of a layer (.geojson, .json, .gz). NAME names the layer; else the file's stem does. Repeatable."
)
_KIND_HELP = "partition (a device is in one region) or overlay (fences may overlap). VALUE or LAYER=VALUE. Repeatable."
_ENGINE_HELP = "Who locates: the quick engine, or the plain one that judges it. Same answers."
_NEAREST_HELP = "A point in no region takes the nearest one within M metres. M or LAYER=M."
_DWELL_HELP = "Overlay layers also tell who stays in a fence for S seconds. S or LAYER=S."
_CONSENT_HELP = "Whether pings count without a consent record before them.  [default: assumed]"
RULE_HELP = "responsive, balanced, strict, or a TOML file of knobs. VALUE or LAYER=VALUE. Repeatable."
_FORGET_HELP = "Seconds of silence after which a device is forgotten, with an event."
_AGE_HELP = "Seconds for which pings older than an erasure stay barred."
_SOURCE_HELP = "The events' source attribute: the name of the deployment."


def layer_options(command: F, *, required: bool = True) -> F:
    """The options that say what the layers are."""
    engines = click.Choice(["compiled", "rtree"])
    for option in (
        click.option("--engine", type=engines, default="compiled", show_default=True, help=_ENGINE_HELP),
        click.option("--nearest-within", metavar="[LAYER=]M", multiple=True, help=_NEAREST_HELP),
        click.option("--kind", metavar="[LAYER=]KIND", multiple=True, help=_KIND_HELP),
        click.option("--regions", metavar="[NAME=]FILE", multiple=True, required=required, help=_REGIONS_HELP),
    ):
        command = option(command)
    return command


def deciding_options(command: F) -> F:
    """The options that decide, with the layers, which events there are."""
    for option in (
        click.option("--source", default="geofence", show_default=True, help=_SOURCE_HELP),
        click.option("--max-age", metavar="S", type=float, default=7 * 86_400.0, show_default=True, help=_AGE_HELP),
        click.option(
            "--forget-after", metavar="S", type=float, default=30 * 86_400.0, show_default=True, help=_FORGET_HELP
        ),
        click.option("--consent", type=click.Choice(["assumed", "required"]), default="assumed", help=_CONSENT_HELP),
        click.option("--dwell", metavar="[LAYER=]S", multiple=True, help=_DWELL_HELP),
        click.option("--rule", metavar="[LAYER=]RULE", multiple=True, help=RULE_HELP),
    ):
        command = option(command)
    return command
