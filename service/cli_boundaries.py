"""The command `boundaries`: region files and the versions that they become.

Added to `cli`. Like there, each imports what it needs when it runs. Invariant: exit status 0 is clean, 1 is findings
that were asked to count or changes that are pending, 2 is errors or what can't be done.
"""

from __future__ import annotations

from typing import Any

import click

from service.boundary_options import (
    json_option,
    measure_options,
    reading_options,
    server_of,
    server_options,
    setting_options,
)
from service.cli_boundary_publishing import PUBLISHING_COMMANDS
from service.cli_boundary_versions import VERSION_COMMANDS

_CHECK_EXAMPLES = """\b
Examples:
  geofence boundaries check districts.geojson
  geofence boundaries check districts.zip --crs EPSG:25832 --html report.html
  geofence boundaries check districts.geojson --previous published.geojson --fix all --out mended.geojson

Exit status: 0 no errors (and with --strict no warnings); 1 warnings, with --strict; 2 errors, or a file that can't be
read.
"""
_DIFF_EXAMPLES = """\b
Examples:
  geofence boundaries diff old.geojson new.geojson --html difference.html
  geofence boundaries diff districts/4 districts/5
  geofence boundaries diff districts new.geojson --strict       # the published version beside a file

Exit status: 0 done; 1 something is different, with --strict; 2 a file can't be read, or the server can't be reached.
"""
_PREVIOUS_HELP = "The file of the version before: what has vanished or jumped since is told."
_FIX_HELP = "Mend what a code names (such as sliver, see the report), or `all` that can be. Repeatable."


@click.group(name="boundaries", short_help="Region files and their versions.")
def boundaries_group() -> None:
    """Check region files, compare them, try them out, publish them and take them back."""


_KINDS = click.Choice(["partition", "overlay"])
kind_option = click.option("--kind", type=_KINDS, help="What the layer is.  [default: partition]")
layer_option = click.option("--layer", metavar="NAME", help="The layer's name.  [default: the file's]")


@boundaries_group.command(name="check", epilog=_CHECK_EXAMPLES, short_help="What is wrong with region files.")
@setting_options
@measure_options
@kind_option
@reading_options
@layer_option
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
    click.get_current_context().exit(check_files(files, given, outputs))


@boundaries_group.command(name="diff", epilog=_DIFF_EXAMPLES, short_help="What is different between two versions.")
@server_options
@kind_option
@reading_options
@click.option("--html", metavar="FILE", help="Write the difference as a page with maps.")
@click.option("--places", metavar="FILE", help="Write what changed as GeoJSON.")
@json_option
@click.option("--strict", is_flag=True, help="A difference counts: exit status 1.")
@click.argument("old")
@click.argument("new")
def diff(
    *, server: str | None, key_file: str | None, old: str, new: str, html: str | None, places: str | None,
    as_json: bool, strict: bool, **given: Any,
) -> None:  # fmt: skip
    """Tell what is different in NEW.

    Each of OLD and NEW is a file here, or LAYER/N, or LAYER for the version that is published.
    """
    from service.boundary_check import wish_of
    from service.boundary_diff import Outputs
    from service.boundary_diff import diff as told

    outputs = Outputs(html, places, as_json)
    status = told(old, new, wish_of(given), lambda: server_of(server, key_file), outputs, strict=strict)
    click.get_current_context().exit(status)


for _command in (*VERSION_COMMANDS, *PUBLISHING_COMMANDS):
    boundaries_group.add_command(_command)

BOUNDARY_COMMANDS = (boundaries_group,)
