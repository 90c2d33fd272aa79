"""The command `explain`. Added to `cli`; imports what it needs when it runs."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli_log import DECIDING, shelf_option
from service.options import deciding_options, layer_options
from service.settings.option import SettingOption, is_typed

if TYPE_CHECKING:
    from geofence.explanation import Explanation
    from ingest.settings import WorkerSettings
    from service.replay import Begin

_EXAMPLES = """\b
Examples:
  geofence explain walker-7 --log sqlite:var/log.db --catalog sqlite:var/catalog.db
  geofence explain walker-7 --log sqlite:var/log.db --catalog sqlite:var/catalog.db --event 5f0c...
  geofence explain phone-20 --pings data/sample-day.csv.gz --regions data/us-counties.geojson.gz --last 2h
  geofence explain phone-20 --pings day.gpx --regions counties.geojson --at 2025-06-16T15:18:00Z --picture why.png

Exit status: 0 explained; 2 nothing is retained of what was asked, or a file or an option can't be used.
"""
_LOG_HELP = "The log to read what is retained from: sqlite:PATH or kafka://HOST:PORT."
_CATALOG_HELP = "The layers are those that this catalog has published: sqlite:PATH or postgresql://..."
_PINGS_HELP = "A file of pings instead of a log, as replay takes it: CSV, GPX or NDJSON; - is standard input."
_UNTIL_HELP = "When the file ends, as in replay.  [default: now]"
_PRESET_HELP = "Compare with this preset alone: responsive, balanced or strict. Repeatable.  [default: all]"
_PICTURE_HELP = "Draw the pings, the border and the evidence: a file ending in .svg, .png or .pdf."


@click.command(epilog=_EXAMPLES, short_help="Why a crossing was, or was not, confirmed.")
@click.option("--log", "log_url", cls=SettingOption, table="", key="log", secret=True, metavar="URL", help=_LOG_HELP)
@click.option(
    "--catalog",
    "catalog_url",
    cls=SettingOption,
    table="",
    key="catalog",
    secret=True,
    metavar="URL",
    help=_CATALOG_HELP,
)
@shelf_option
@click.option("--pings", metavar="FILE", help=_PINGS_HELP)
@partial(layer_options, required=False)
@deciding_options
@click.option("--until", metavar="TIME", help=_UNTIL_HELP)
@click.option("--layer", "layers", metavar="NAME", multiple=True, help="Only this layer. Repeatable.")
@click.option("--at", metavar="TIME", help="The half hour before and the one after, such as 2026-01-31T08:15:00Z.")
@click.option("--last", metavar="SPAN", help="The last so long of what was heard: 90s, 30m, 2h, 1d.  [default: 30m]")
@click.option("--event", metavar="ID", help="What led to the event with this id.")
@click.option("--preset", "presets", metavar="NAME", multiple=True, help=_PRESET_HELP)
@click.option("--picture", metavar="FILE", help=_PICTURE_HELP)
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
@click.argument("device", metavar="DEVICE")
@click.pass_context
def explain(
    context: click.Context,
    /,
    *,
    log_url: str | None,
    catalog_url: str | None,
    shelf: str,
    pings: str | None,
    until: str | None,
    layers: tuple[str, ...],
    at: str | None,
    last: str | None,
    event: str | None,
    presets: tuple[str, ...],
    picture: str | None,
    as_json: bool,
    device: str,
    **given: Any,
) -> None:
    """Say of each ping of a device what it was worth, how far the evidence came, and why it was or was not enough.

    What is retained of the device is replayed from its beginning, with the rule and the versions that were in
    force, and once more under each preset. Over a log say where the layers are (--catalog, or --regions as the
    worker has them); --source, --consent, --forget-after and --max-age are the worker's own: unless they are given
    here, they come from GEOFENCE_WORKER_... or the settings file, as those of a worker do.
    """
    from service.explain import asked_of, explain_file, only, setting_of
    from service.explain_published import explain_log

    asked = asked_of(at, last, event, presets)
    if picture is not None:
        from service.picture import check_format

        check_format(picture)
    worker = _worker(context, given, of_a_log=pings is None)
    begin = _begin(given, layers)
    if pings is not None and begin is None and catalog_url is not None:
        from service.published import begin_published

        begin = only(begin_published(catalog_url, shelf), layers)
    if begin is None and (pings is not None or catalog_url is None):
        raise click.UsageError("say where the layers are: --regions FILE, or --catalog URL")
    if pings is not None and begin is not None:
        found = explain_file(pings, device, setting_of(begin, worker), asked, until)
    elif log_url is not None:
        found, begin = explain_log(log_url, device, worker, asked, begin or (catalog_url or "", Path(shelf)), layers)
    else:
        raise click.UsageError("say where the pings are: --log URL, or --pings FILE")
    _show(found, as_json)
    if picture is not None:
        from service.explain_picture import save_explanation

        save_explanation(found, {key: one.version for key, one in begin.library.atlases().items()}, picture)


def _worker(context: click.Context, given: dict[str, Any], *, of_a_log: bool) -> WorkerSettings:
    """The worker's options: of a log as its worker has them, of a file as replay has them."""
    from ingest.settings import WorkerSettings
    from service.settings.reading import role_settings
    from service.source import Unusable

    flags = {DECIDING[name]: given[name] for name in DECIDING if is_typed(context, name) or not of_a_log}
    called = {key: f"--{name.replace('_', '-')}" for name, key in DECIDING.items()}
    if of_a_log:
        return role_settings("worker", WorkerSettings, flags=called, **flags)
    try:
        return WorkerSettings(**flags)
    except ValueError as error:
        raise Unusable(str(error)) from None


def _begin(given: dict[str, Any], layers: tuple[str, ...]) -> Begin | None:
    """The layers of files, if there are any."""
    from service.explain import begin_with_files, only
    from service.layers import LayerOptions, load_versions

    if not given["regions"]:
        return None
    names = ("regions", "kind", "rule", "nearest_within", "dwell")
    versions = load_versions(LayerOptions(*(given[name] for name in names)))
    return only(begin_with_files(versions, given["engine"]), layers)


def _show(found: Explanation, as_json: bool) -> None:
    """Print the explanation."""
    import msgspec

    from service.explain_text import lines_of

    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for line in lines_of(found, pretty=sys.stdout.isatty()):
        click.echo(line)
