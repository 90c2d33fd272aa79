"""The commands of layers and versions on a server: `layers`, `list`, `show`, `export`, `upload`, `change`, `retire`,
`delete`, `jobs`.

Added to `cli_boundaries`. Like there, each imports what it needs when it runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.boundary_options import (
    cancel_option,
    comment_option,
    json_option,
    measure_options,
    no_wait_option,
    reading_options,
    server_of,
    server_options,
    setting_options,
)

if TYPE_CHECKING:
    from service.boundary_versions import Wanted

VERSION = click.IntRange(1, 2**31 - 1)
_STATUS = "Exit status: 0 done; 2 refused, or the server can't be reached.\n"
_MADE = "Exit status: 0 no errors; 1 warnings, with --strict; 2 errors, refused, or the server can't be reached.\n"
_LAYERS = f"""\b
Examples:
  export GEOFENCE_SERVER=https://geofence.example GEOFENCE_KEY=gf_...
  geofence boundaries layers
  geofence boundaries layers --json | jq -r '.[].name'

{_STATUS}"""
_LIST = f"""\b
Example:
  geofence boundaries list districts

{_STATUS}"""
_SHOW = f"""\b
Examples:
  geofence boundaries show districts                        # what is in force, and where
  geofence boundaries show districts 4 --html report.html   # a version and its report

{_STATUS}"""
_EXPORT = f"""\b
Examples:
  geofence boundaries export districts --out districts.geojson
  geofence boundaries export districts 4 --out - | jq '.features | length'

{_STATUS}"""
_UPLOAD = f"""\b
Examples:
  geofence boundaries upload districts districts.geojson --create partition --comment "first version"
  geofence boundaries upload districts districts.zip --crs EPSG:25832 --id AGS --name GEN --html report.html
  geofence boundaries upload fences fences.kml --fix --dwell 300 --strict

{_MADE}"""
_CHANGE = f"""\b
Examples:
  geofence boundaries change districts --rule strict --comment "fewer false crossings"
  geofence boundaries change fences --from 3 --dwell 600

{_MADE}"""
_RETIRE = f"""\b
Examples:
  geofence boundaries retire districts old-harbour --comment "merged into the port"
  geofence boundaries retire districts                      # all of them: the layer

{_MADE}"""
_DELETE = f"""\b
Example:
  geofence boundaries delete districts 5

{_STATUS}"""
_JOBS = f"""\b
Examples:
  geofence boundaries jobs 8f2c --wait
  geofence boundaries jobs 8f2c --cancel

{_STATUS}"""

strict_option = click.option("--strict", is_flag=True, help="Warnings count too: exit status 1.")
_page_option = click.option("--html", "page", metavar="FILE", help="Write the report as a page with maps.")


@click.command(name="layers", epilog=_LAYERS, short_help="The layers of a server.")
@server_options
@json_option
def layers(*, server: str | None, key_file: str | None, as_json: bool) -> None:
    """List the layers, and which version of each is published."""
    from service.boundary_versions import list_layers

    with server_of(server, key_file) as there:
        list_layers(there, as_json=as_json)


@click.command(name="list", epilog=_LIST, short_help="The versions of a layer.")
@server_options
@json_option
@click.argument("layer")
def list_command(*, server: str | None, key_file: str | None, as_json: bool, layer: str) -> None:
    """List the versions of a layer, the newest first."""
    from service.boundary_versions import list_versions

    with server_of(server, key_file) as there:
        list_versions(there, layer, as_json=as_json)


@click.command(name="show", epilog=_SHOW, short_help="A layer and what is in force, or a version and its report.")
@server_options
@json_option
@_page_option
@click.argument("layer")
@click.argument("number", metavar="[N]", required=False, type=VERSION)
def show_command(
    *, server: str | None, key_file: str | None, as_json: bool, page: str | None, layer: str, number: int | None
) -> None:
    """Show a layer, its publications and what is in force on which partition; or version N with its report."""
    from service.boundary_versions import show

    if page is not None and number is None:
        raise click.UsageError("--html is of a version's report: say which version")
    with server_of(server, key_file) as there:
        show(there, layer, number, as_json=as_json, page=page)


@click.command(name="export", epilog=_EXPORT, short_help="The regions of a version, as GeoJSON.")
@server_options
@click.option("--out", metavar="FILE", required=True, help="Where to; - is standard output.")
@click.argument("layer")
@click.argument("number", metavar="[N]", required=False, type=VERSION)
def export_command(*, server: str | None, key_file: str | None, out: str, layer: str, number: int | None) -> None:
    """Write the regions of version N, or of the published one, as GeoJSON."""
    from service.boundary_versions import export

    with server_of(server, key_file) as there:
        export(there, layer, number, out)


@click.command(name="upload", epilog=_UPLOAD, short_help="Send a file as a new version, and have it checked.")
@server_options
@setting_options
@measure_options
@reading_options
@click.option("--create", metavar="KIND", type=click.Choice(["partition", "overlay"]),
              help="Make the layer, partition or overlay, if it is not there.")  # fmt: skip
@click.option("--base", metavar="N", type=VERSION, help="The version that it follows.  [default: the published one]")
@click.option("--fix", is_flag=True, help="Mend what can be; the report shows it.")
@comment_option
@strict_option
@no_wait_option
@cancel_option
@_page_option
@json_option
@click.argument("layer")
@click.argument("file", metavar="FILE")
def upload_command(*, server: str | None, key_file: str | None, layer: str, file: str, **given: Any) -> None:
    """Send a region file as a new version of LAYER, wait for its check, and print the report as `check` does.

    GeoJSON, zipped Shapefile, GeoPackage, FlatGeobuf, KML or KMZ. What is not said is as in the published version.
    """
    from service.boundary_versions import ensure_layer, upload

    measures = {f"{name}_m": given[name] for name in ("tolerance", "accuracy") if given[name] is not None}
    if measures and given["create"] is None:
        raise click.UsageError("--tolerance and --accuracy are the layer's: they go with --create")
    query = _query(given)
    with server_of(server, key_file) as there:
        if given["create"] is not None:
            ensure_layer(there, layer, given["create"], **measures)
        click.get_current_context().exit(upload(there, layer, Path(file), query, _wanted(given)))


@click.command(name="change", epilog=_CHANGE, short_help="A new version with the same regions and another rule.")
@server_options
@setting_options
@click.option("--from", "base", metavar="N", type=VERSION, help="The version to begin with.  [default: published]")
@comment_option
@strict_option
@no_wait_option
@cancel_option
@json_option
@click.argument("layer")
def change_command(*, server: str | None, key_file: str | None, layer: str, **given: Any) -> None:
    """Make a version with the regions of another one, and another rule, dwell or reach."""
    from service.boundary_versions import derive

    settings = {"dwell_s": given["dwell"], "nearest_within_m": given["nearest_within"], "rule": _rule(given["rule"])}
    said = {name: value for name, value in settings.items() if value is not None}
    if not said:
        raise click.UsageError("say what is to be another: --rule, --dwell or --nearest-within")
    with server_of(server, key_file) as there:
        body = {"from": given["base"], "comment": given["comment"], **said}
        click.get_current_context().exit(derive(there, layer, body, _wanted(given)))


@click.command(name="retire", epilog=_RETIRE, short_help="A new version without some regions, or without any.")
@server_options
@comment_option
@strict_option
@no_wait_option
@cancel_option
@json_option
@click.argument("layer")
@click.argument("regions", metavar="[REGION...]", nargs=-1)
def retire_command(
    *, server: str | None, key_file: str | None, layer: str, regions: tuple[str, ...], **given: Any
) -> None:
    """Make a version of the published one without these regions; without any, if none is named. Then publish it."""
    from service.boundary_versions import retire

    with server_of(server, key_file) as there:
        click.get_current_context().exit(retire(there, layer, regions, given["comment"], _wanted(given)))


@click.command(name="delete", epilog=_DELETE, short_help="Delete a version that was never published.")
@server_options
@click.argument("layer")
@click.argument("number", metavar="N", type=VERSION)
def delete_command(*, server: str | None, key_file: str | None, layer: str, number: int) -> None:
    """Delete version N, which was never published. Its number is never given again."""
    from service.boundary_versions import delete

    with server_of(server, key_file) as there:
        delete(there, layer, number)


@click.command(name="jobs", epilog=_JOBS, short_help="How far a job is; wait for it, or cancel it.")
@server_options
@click.option("--wait", is_flag=True, help="Until it is over.")
@click.option("--cancel", is_flag=True, help="Stop it.")
@json_option
@click.argument("job")
def jobs(*, server: str | None, key_file: str | None, wait: bool, cancel: bool, as_json: bool, job: str) -> None:
    """Tell how far a job is: the check of a version, or a dry run."""
    from service.boundary_versions import show_job

    with server_of(server, key_file) as there:
        show_job(there, job, wait=wait, cancel=cancel, as_json=as_json)


def _wanted(given: dict[str, Any]) -> Wanted:
    from service.boundary_versions import Wanted

    its = {name: given[name] for name in ("cancel", "strict", "as_json")}
    return Wanted(wait=not given["no_wait"], page=given.get("page"), **its)


def _query(given: dict[str, Any]) -> dict[str, str]:
    """How a file is to be read, as a query."""
    names = {"inner": "inner", "crs": "crs", "encoding": "encoding", "ident": "id", "name": "name", "base": "base",
             "dwell": "dwell_s", "nearest_within": "nearest_within_m"}  # fmt: skip
    query = {theirs: str(given[ours]) for ours, theirs in names.items() if given[ours] is not None}
    if (rule := _rule(given["rule"])) is not None:
        query["rule"] = json.dumps(rule)
    if given["comment"]:
        query["comment"] = given["comment"]
    return query | ({"fix": "true"} if given["fix"] else {})


def _rule(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    from service.boundary_check import rule_of

    return dict(rule_of(text).to_table())


VERSION_COMMANDS = (
    layers,
    list_command,
    show_command,
    export_command,
    upload_command,
    change_command,
    retire_command,
    delete_command,
    jobs,
)
