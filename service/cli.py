"""The `geofence` command: what can be asked of it, and what its exit status says.

Every command imports what it needs when it runs, so that `--help` answers at once. Invariant: a file or an
option that can't be used ends with status 2 and one clear line; whatever else a file contains, the status is
0.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from typing import NoReturn

import click

from service.cli_backup import backup
from service.cli_boundaries import BOUNDARY_COMMANDS
from service.cli_capacity import capacity
from service.cli_catalog import CATALOG_COMMANDS
from service.cli_completion import answer_shell, completion
from service.cli_config import config
from service.cli_consent import CONSENT_COMMANDS
from service.cli_demo import DEMO_COMMANDS
from service.cli_doctor import doctor
from service.cli_explain import explain
from service.cli_gateway import gateway
from service.cli_log import LOG_COMMANDS, shelf_option
from service.cli_rejected import REJECTED_COMMANDS
from service.cli_run import run as run_all
from service.cli_webhooks import WEBHOOK_COMMANDS
from service.options import RULE_HELP, deciding_options, layer_options

UNUSABLE, INTERRUPTED = 2, 130

_VERSION_HELP = "Show the version and exit."
_PUBLISHED_HELP = "Layers come by the switches in PINGS, from what this catalog has published."
_PICTURE_HELP = "Where to draw: a file ending in .svg, .png or .pdf."
_EVENTS_HELP = "How many events of each rule to list; 0 for the table alone."
_UNTIL_HELP = (
    "When the file ends, such as 2026-01-31: a later ping that does not say when it was received is refused.  "
    "[default: now]"
)


_LOCATE_EXAMPLES = """\b
Examples:
  geofence locate --regions us-counties.geojson.gz points.csv > located.csv
  geofence locate --regions counties.geojson --regions zones=fences.geojson --kind zones=overlay points.csv
  cut -d, -f2,3 trips.csv | geofence locate --regions counties.geojson -

Exit status: 0 done, but for the rows that standard error tells of; 2 a file or an option can't be used.
"""
_REPLAY_EXAMPLES = """\b
Examples:
  geofence replay --regions us-counties.geojson.gz day.csv
  geofence replay --regions zones=fences.geojson --kind overlay --dwell zones=300 day.gpx
  geofence replay --regions counties.geojson --rule strict --tracks tracks.ndjson --stats day.csv.gz

Exit status: 0 done, but for the rows that standard error tells of; 2 a file or an option can't be used.
"""
_COMPARE_EXAMPLES = """\b
Examples:
  geofence compare --regions us-counties.geojson.gz walk.gpx
  geofence compare --regions zones=fences.geojson --kind overlay --picture walk.png --events 100 walk.csv
  geofence compare --regions counties.geojson --no-picture --json day.csv | jq '.layers[].methods'

Exit status: 0 done, but for the rows that standard error tells of; 2 a file or an option can't be used.
"""


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"geofence {version('geofence')}")
        except PackageNotFoundError:
            click.echo("geofence, not installed")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help=_VERSION_HELP)
def cli() -> None:
    """Turns location pings into region changes that can be trusted.

    Exit status: 0 done (rejected rows, if any, are on standard error); 2 a file or an option can't be used; 130
    stopped by Ctrl-C. Each command says its own by --help.
    """


@cli.command(epilog=_LOCATE_EXAMPLES, short_help="In which region is each point, how far from the border?")
@layer_options
@click.option("--cap-m", type=float, default=50_000.0, show_default=True, help="The largest margin that is told.")
@click.argument("points", metavar="POINTS")
def locate(
    *,
    regions: tuple[str, ...],
    kind: tuple[str, ...],
    nearest_within: tuple[str, ...],
    engine: str,
    cap_m: float,
    points: str,
) -> None:
    """Tell for each point of a CSV in which region it lies, and how far from the border.

    POINTS is a CSV file with the columns lon and lat (.csv, .gz; - is standard input). Every row comes out as
    it is, with layer, region and margin_m added: one row for each layer, in an overlay one for each region
    that contains the point. An empty region means outside.
    """
    from service.layers import LayerOptions, check_distinct, load_versions
    from service.locate import locate_file

    versions = load_versions(LayerOptions(regions, kind, nearest_within=nearest_within))
    check_distinct(versions)
    locate_file(points, versions, sys.stdout.buffer, engine=engine, cap_m=cap_m)


@cli.command(epilog=_REPLAY_EXAMPLES, short_help="The events of a file of pings.")
@partial(layer_options, required=False)
@click.option("--catalog", "catalog_url", metavar="URL", help=_PUBLISHED_HELP)
@shelf_option
@deciding_options
@click.option("--until", metavar="TIME", help=_UNTIL_HELP)
@click.option("--tracks", metavar="OUT", help="Write the final tracks to OUT, one JSON object per line.")
@click.option("--stats", is_flag=True, help="Print how many pings had which outcome.")
@click.argument("pings", metavar="PINGS")
def replay(
    *,
    catalog_url: str | None,
    shelf: str,
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
    tracks: str | None,
    stats: bool,
    pings: str,
) -> None:
    """Print the events of a file of pings, one CloudEvents JSON object per line, as they are confirmed.

    PINGS is a CSV file (device,time_ms,lon,lat,accuracy_m and optionally source, user, received_ms,
    confidence, speed_mps, mock), a GPX file, or NDJSON of the documented ping with control records; packed
    with gzip or not; - is standard input. Of a layer given twice the first file is in force; a version
    record may switch to the others. Over a dump of a log whose layers a catalog has published, say --catalog: no
    layer is in force until a record of the dump puts it there.
    """
    from service.layers import LayerOptions, load_versions
    from service.replay import ReplayOptions, begin_with, replay_file

    options = ReplayOptions(consent, source, tracks, stats, until, forget_after, max_age)
    if regions:
        begin = begin_with(load_versions(LayerOptions(regions, kind, rule, nearest_within, dwell)), engine)
    elif catalog_url is not None:
        from service.published import begin_published

        begin = begin_published(catalog_url, shelf)
    else:
        raise click.UsageError("say where the layers are: --regions FILE, or for a dump --catalog URL")
    replay_file(pings, begin, sys.stdout.buffer, options)


@cli.command(epilog=_COMPARE_EXAMPLES, short_help="The same pings under four rules, with a picture.")
@layer_options
@click.option("--rule", metavar="[LAYER=]RULE", multiple=True, help=RULE_HELP)
@click.option("--until", metavar="TIME", help=_UNTIL_HELP)
@click.option("--picture", metavar="OUT", default="compare.svg", show_default=True, help=_PICTURE_HELP)
@click.option("--no-picture", is_flag=True, help="Draw nothing.")
@click.option("--events", metavar="N", type=click.IntRange(0), default=20, show_default=True, help=_EVENTS_HELP)
@click.option("--json", "as_json", is_flag=True, help="The table and the events as one JSON object.")
@click.argument("trace", metavar="TRACE")
def compare(
    *,
    regions: tuple[str, ...],
    kind: tuple[str, ...],
    nearest_within: tuple[str, ...],
    engine: str,
    rule: tuple[str, ...],
    until: str | None,
    picture: str,
    no_picture: bool,
    events: int,
    as_json: bool,
    trace: str,
) -> None:
    """Show what four rules make of the same trace: raw switching, three in a row, Amazon's accuracy filter, ours.

    TRACE is a file of pings as replay takes it. Prints a table and the events of each, and draws the device with the
    most raw events: its pings with their accuracy over the first layer, and what each rule believed when.
    """
    from service.compare import compare_file, print_comparison
    from service.layers import LayerOptions, check_distinct, load_versions

    if not no_picture:
        from service.picture import check_format, draw_comparison

        check_format(picture)
    versions = load_versions(LayerOptions(regions, kind, rule, nearest_within))
    check_distinct(versions)
    found = compare_file(trace, versions, engine=engine, until=until)
    if as_json:
        from service.compare_told import comparison_json

        click.echo(comparison_json(found, shown=events))
    else:
        print_comparison(found, sys.stdout, shown=events)
    if not no_picture:
        draw_comparison(found, picture)
        if not as_json:
            click.echo(f"\npicture: {picture}")


_GATEWAY_COMMANDS = (gateway, *CATALOG_COMMANDS, *CONSENT_COMMANDS, *BOUNDARY_COMMANDS, *WEBHOOK_COMMANDS)
for _command in (
    run_all,
    *LOG_COMMANDS,
    *REJECTED_COMMANDS,
    explain,
    *_GATEWAY_COMMANDS,
    config,
    doctor,
    capacity,
    backup,
    *DEMO_COMMANDS,
    completion,
):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line; end quietly where nobody reads on."""
    gc.set_threshold(200_000, 20, 20)  # millions of short-lived rows, no cycles: a fifth of locate's time
    try:
        status = run()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


def run() -> int:
    """Run the command that the arguments name; the exit status."""
    from service.source import Unusable

    answered = answer_shell(cli)
    if answered is not None:
        return answered
    try:
        with cli.make_context("geofence", sys.argv[1:]) as context:
            cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return UNUSABLE
    except click.UsageError as error:
        asked = error.ctx.command_path if error.ctx is not None else "geofence"
        return _refuse(f"{error.format_message().rstrip('.')}. Try: {asked} --help")
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Unusable as fault:
        return _refuse(str(fault))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}. Check the path." if error.filename else str(error))
    return 0


def _refuse(why: str) -> int:
    from service.complaints import note

    note(why)
    return UNUSABLE


if __name__ == "__main__":
    main()
