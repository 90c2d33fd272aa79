"""The command `boundaries`: region files and the versions that they become.

Added to `cli`. Like there, each imports what it needs when it runs. Invariant: exit status 0 is clean, 1 is findings
that were asked to count or changes that are pending, 2 is errors or what can't be done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_CHECK_EXAMPLES = """\b
Examples:
  geofence boundaries check districts.geojson
  geofence boundaries check districts.zip --crs EPSG:25832 --html report.html
  geofence boundaries check districts.geojson --previous published.geojson --fix all --out mended.geojson

Exit status: 0 no errors (and with --strict no warnings); 1 warnings, with --strict; 2 errors, or a file that can't be
read.
"""
_PREVIOUS_HELP = "The file of the version before: what has vanished or jumped since is told."
_FIX_HELP = "Mend what a code names (such as sliver, see the report), or `all` that can be. Repeatable."


@click.group(name="boundaries", short_help="Region files and their versions.")
def boundaries_group() -> None:
    """Check region files, compare them, try them out, publish them and take them back."""


def file_options(command: F) -> F:
    """How a file is to be read, and what layer it is."""
    for option in (
        click.option("--rule", metavar="PRESET|FILE", help="The rule of the layer: a preset, or a TOML file."),
        click.option("--dwell", metavar="S", type=float, help="Overlay: also tell who stays in a fence for S seconds."),
        click.option(
            "--nearest-within", metavar="M", type=float, help="Partition: how far a region reaches over gaps."
        ),
        click.option("--accuracy", metavar="M", type=float, help="Of the pings that are expected.  [default: 20]"),
        click.option(
            "--tolerance", metavar="M", type=float, help="Partition: overlaps so wide are slips.  [default: 1]"
        ),
        click.option(
            "--kind", type=click.Choice(["partition", "overlay"]), help="What the layer is.  [default: partition]"
        ),
        click.option("--name", metavar="ATTRIBUTE", help="The attribute that has the names.  [default: guessed]"),
        click.option("--id", "ident", metavar="ATTRIBUTE", help="The attribute that has the ids.  [default: guessed]"),
        click.option("--encoding", metavar="NAME", help="Of the file's text, such as ISO-8859-1."),
        click.option(
            "--crs", metavar="CRS", help="The file's coordinate system, such as EPSG:25832; instead of its own."
        ),
        click.option("--inner", metavar="NAME", help="Which layer of the file, if it has several."),
        click.option("--layer", metavar="NAME", help="The layer's name.  [default: the file's]"),
    ):
        command = option(command)
    return command


@boundaries_group.command(name="check", epilog=_CHECK_EXAMPLES, short_help="What is wrong with region files.")
@file_options
@click.option("--previous", metavar="FILE", help=_PREVIOUS_HELP)
@click.option("--fix", metavar="CODE", multiple=True, help=_FIX_HELP)
@click.option("--out", metavar="FILE", help="Write the regions as they would be published, as GeoJSON.")
@click.option("--html", metavar="FILE", help="Write the report as a page with maps.")
@click.option("--places", metavar="FILE", help="Write the places of all findings as GeoJSON.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON on standard output.")
@click.option("--strict", is_flag=True, help="Warnings count too: exit status 1.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def check(*, files: tuple[str, ...], **given: Any) -> None:
    """Check region files: GeoJSON, zipped Shapefile, GeoPackage, FlatGeobuf, KML or KMZ, in any coordinate system."""
    from service.boundary_check import Outputs, check_files

    outputs = Outputs(given.pop("out"), given.pop("html"), given.pop("places"), given.pop("as_json"))
    if len(files) > 1 and any((outputs.regions, outputs.page, outputs.places, given["previous"], given["layer"])):
        raise click.UsageError("--out, --html, --places, --previous and --layer go with one file")
    sys.exit(check_files(files, given, outputs))


BOUNDARY_COMMANDS = (boundaries_group,)
