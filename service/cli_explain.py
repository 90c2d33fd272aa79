"""The command `explain`. Added to `cli`; imports what it needs when it runs."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from service.cli_log import shelf_option
from service.options import deciding_options, layer_options

if TYPE_CHECKING:
    from geofence.explanation import Explanation

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
_PICTURE_HELP = "Draw the pings, the border and the evidence: a file ending in .svg, .png or .pdf."


@click.command(epilog=_EXAMPLES, short_help="Why a crossing was, or was not, confirmed.")
@click.option("--log", "log_url", metavar="URL", envvar="GEOFENCE_LOG", help=_LOG_HELP)
@click.option("--catalog", "catalog_url", metavar="URL", envvar="GEOFENCE_CATALOG", help=_CATALOG_HELP)
@shelf_option
@click.option("--pings", metavar="FILE", help=_PINGS_HELP)
@partial(layer_options, required=False)
@deciding_options
@click.option("--until", metavar="TIME", help=_UNTIL_HELP)
@click.option("--layer", "layers", metavar="NAME", multiple=True, help="Only this layer. Repeatable.")
@click.option("--at", metavar="TIME", help="The half hour before and the one after, such as 2026-01-31T08:15:00Z.")
@click.option("--last", metavar="SPAN", help="The last so long of what was heard: 90s, 30m, 2h, 1d.  [default: 30m]")
@click.option("--event", metavar="ID", help="What led to the event with this id.")
@click.option("--picture", metavar="FILE", help=_PICTURE_HELP)
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
@click.argument("device", metavar="DEVICE")
def explain(
    *,
    log_url: str | None,
    catalog_url: str | None,
    shelf: str,
    pings: str | None,
    regions: tuple[str, ...],
    kind: tuple[str, ...],
    nearest_within: tuple[str, ...],
    engine: str,
    rule: tuple[str, ...],
    dwell: tuple[str, ...],
    consent: str,
    forget_after: float,
    max_age: float,
    source: str,
    until: str | None,
    layers: tuple[str, ...],
    at: str | None,
    last: str | None,
    event: str | None,
    picture: str | None,
    as_json: bool,
    device: str,
) -> None:
    """Say of each ping of a device what it was worth, how far the evidence came, and why it was or was not enough.

    What is retained of the device is replayed from its beginning, with the rule and the versions that were in
    force, and once more under each preset. Over a log say where the layers are (--catalog, or --regions as the
    worker has them), and give the worker's own --source, --consent, --forget-after and --max-age.
    """
    from service.explain import Options, asked_of, begin_with_files, explain_file, explain_log, only, setting_of
    from service.layers import LayerOptions, load_versions

    asked = asked_of(at, last, event)
    if picture is not None:
        from service.picture import check_format

        check_format(picture)
    if regions:
        begin = begin_with_files(load_versions(LayerOptions(regions, kind, rule, nearest_within, dwell)), engine)
    elif catalog_url is not None:
        from service.published import begin_published

        begin = begin_published(catalog_url, shelf)
    else:
        raise click.UsageError("say where the layers are: --regions FILE, or --catalog URL")
    setting = setting_of(only(begin, layers), Options(consent, forget_after, max_age, source))
    if pings is not None:
        found = explain_file(pings, device, setting, asked, until)
    elif log_url is not None:
        found = explain_log(log_url, device, setting, asked)
    else:
        raise click.UsageError("say where the pings are: --log URL, or --pings FILE")
    _show(found, as_json)
    if picture is not None:
        from service.explain_picture import draw_explanation

        draw_explanation(found, {key: atlas.version for key, atlas in setting.atlases.items()}, picture)


def _show(found: Explanation, as_json: bool) -> None:
    """Print the explanation."""
    import msgspec

    from service.explain_text import lines_of

    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for line in lines_of(found, pretty=sys.stdout.isatty()):
        click.echo(line)
