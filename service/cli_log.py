"""The commands that work on a log's input and output: `worker`, `append`, `tail`, `log`.

Added to `cli`. Like there, each imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import click

from service.address import ADDRESS
from service.options import deciding_options, layer_options
from service.settings.option import SettingOption, is_typed

_LOG_HELP = "Where the log is: sqlite:PATH or kafka://HOST:PORT (more by GEOFENCE_KAFKA_..., see docs/kafka.md)."
log_option = click.option("--log", "log_url", cls=SettingOption, table="", key="log", secret=True, metavar="URL",
                          required=True, help=_LOG_HELP)  # fmt: skip

_LAYERS_HELP = "Take the layers that this catalog has published: sqlite:PATH or postgresql://..."
_SHELF_HELP = "Folder of compiled layers, for all processes of this machine."
shelf_option = click.option("--shelf", cls=SettingOption, table="", key="shelf", metavar="DIR", default="var/atlases",
                            show_default=True, help=_SHELF_HELP)  # fmt: skip
_HEALTH_HELP = "Answer /health/live, /health/ready and /metrics here."
_LOST_HELP = "Where retention took pings before they were read: go on without them, or stop that partition."
_WORKER_EXAMPLES = """\b
Examples:
  geofence worker --log sqlite:var/log.db --catalog sqlite:var/catalog.db
  geofence worker --log sqlite:var/log.db --regions us-counties.geojson.gz
  geofence worker --log sqlite:var/log.db --regions zones=new.geojson --regions zones=old.geojson
  geofence worker --log kafka://127.0.0.1:9092 --regions us-counties.geojson.gz --health 127.0.0.1:8081

Exit status: 0 stopped by SIGTERM or Ctrl-C, or idle; 2 it can't run, and a line says why.
"""
DECIDING = {"consent": "consent", "forget_after": "forget_after_s", "max_age": "max_age_s", "source": "source"}
_FLAGS = {**DECIDING, "group": "group", "skip_version": "skip_versions", "lost_input": "lost_input"}
_TAIL_EXAMPLES = """\b
Examples:
  geofence tail --log sqlite:var/log.db --from beginning --layer counties
  geofence tail --log sqlite:var/log.db --json --type entered | jq .data

Exit status: 0 at the end, or where nobody reads on; 2 the log or an option can't be used; 130 stopped by Ctrl-C.
"""
_APPEND_EXAMPLES = """\b
Examples:
  geofence append --log sqlite:var/log.db data/sample-day.csv.gz
  geofence demo pings | geofence append --log sqlite:var/log.db -

Exit status: 0 appended, but for the rows that standard error tells of; 2 the log or the file can't be used.
"""
_DUMP_EXAMPLES = """\b
Examples:
  geofence log dump --log sqlite:var/log.db --partition 0 > partition-0.ndjson
  geofence log dump --log sqlite:var/log.db --partition 0 | geofence replay --regions us-counties.geojson.gz -

Exit status: 0 done; 2 the log can't be used, or has no such partition.
"""


@click.command(epilog=_WORKER_EXAMPLES, short_help="Pings in from a log, region changes out.")
@log_option
@partial(layer_options, required=False)
@click.option("--catalog", "catalog_url", cls=SettingOption, table="", key="catalog", secret=True, metavar="URL",
              help=_LAYERS_HELP)  # fmt: skip
@shelf_option
@deciding_options
@click.option("--group", default="geofence-worker", show_default=True, help="The group that shares the partitions.")
@click.option("--skip-version", metavar="HASH", multiple=True, help="Refuse a switch to this version that nobody has.")
@click.option("--lost-input", type=click.Choice(["go-on", "stop"]), default="go-on", show_default=True, help=_LOST_HELP)
@click.option("--health", cls=SettingOption, table="worker", key="health", type=ADDRESS, metavar="HOST:PORT",
              help=_HEALTH_HELP)  # fmt: skip
@click.option("--until-idle", is_flag=True, help="Stop when all that the log holds is taken.")
@click.pass_context
def worker(
    context: click.Context,
    /,
    *,
    log_url: str,
    catalog_url: str | None,
    shelf: str,
    regions: tuple[str, ...],
    kind: tuple[str, ...],
    nearest_within: tuple[str, ...],
    engine: str,
    rule: tuple[str, ...],
    dwell: tuple[str, ...],
    health: str | None,
    until_idle: bool,
    **deciding: Any,
) -> None:
    """Take pings from a log and write region changes to it, each exactly once, until SIGTERM.

    Its layers are those that the catalog has published, as they are published; or those of files. Of a layer given
    twice the first file is in force in a log that is new; a version record may switch to the others.
    More settings, such as GEOFENCE_WORKER_BATCH_RECORDS, come from the environment or a file: see docs/settings.md.
    """
    from pathlib import Path

    from ingest.settings import WorkerSettings
    from service.fences import from_catalog, from_files
    from service.layers import LayerOptions, load_versions
    from service.logs import run
    from service.settings.reading import role_settings
    from service.worker import run_worker

    if not regions and catalog_url is None:
        raise click.UsageError("say where the layers are: --catalog URL, or --regions FILE")
    if regions:
        layers = from_files(load_versions(LayerOptions(regions, kind, rule, nearest_within, dwell)), engine)
    elif kind or rule or nearest_within or dwell or engine != "compiled":
        raise click.UsageError("--kind, --rule, --nearest-within, --dwell and --engine go with --regions; "
                               "a catalog's versions have their own")  # fmt: skip
    else:
        layers = from_catalog(catalog_url or "", Path(shelf))
    flags = {_FLAGS[name]: value for name, value in deciding.items() if is_typed(context, name)}
    called = {_FLAGS[name]: f"--{name.replace('_', '-')}" for name in deciding}
    settings = role_settings("worker", WorkerSettings, flags=called, **flags)
    run(run_worker(log_url, layers, settings, until_idle=until_idle, health=health))


@click.command(epilog=_APPEND_EXAMPLES, short_help="A file of pings into a log.")
@log_option
@click.option("--keep-times", is_flag=True, help="Received when the file says (received_ms, else time_ms), not now.")
@click.argument("pings", metavar="PINGS")
def append(*, log_url: str, keep_times: bool, pings: str) -> None:
    """Append the pings and control records of a file to a log.

    PINGS is a file as replay takes it; - is standard input.
    """
    from service.append import append_file
    from service.logs import run

    run(append_file(log_url, pings, keep_times=keep_times))


@click.command(epilog=_TAIL_EXAMPLES, short_help="Region changes as they come.")
@log_option
@click.option("--from", "start", metavar="WHEN", default="now", show_default=True, help="now, beginning, or a time.")
@click.option("--device", multiple=True, help="Only of this device. Repeatable.")
@click.option("--layer", multiple=True, help="Only of this layer. Repeatable.")
@click.option("--type", "types", multiple=True, help="Only changed, entered, exited or dwelled. Repeatable.")
@click.option("--json", is_flag=True, help="CloudEvents, one JSON object per line.")
@click.option("--no-follow", is_flag=True, help="Stop at the end.")
def tail(
    *,
    log_url: str,
    start: str,
    device: tuple[str, ...],
    layer: tuple[str, ...],
    types: tuple[str, ...],
    json: bool,
    no_follow: bool,
) -> None:
    """Print region changes: when, who, the layer, from where to where, why, and how sure."""
    from service.logs import run
    from service.tail import Wanted
    from service.tail import tail as print_tail

    run(
        print_tail(
            log_url, sys.stdout.buffer, Wanted(device, layer, types), start=start, json=json, follow=not no_follow
        )
    )


@click.group(name="log", short_help="A log's input as text.")
def log_group() -> None:
    """Look into a log."""


@log_group.command(name="dump", epilog=_DUMP_EXAMPLES, short_help="A partition's input as NDJSON, for replay.")
@log_option
@click.option("--partition", type=click.IntRange(0), required=True, help="Which partition of pings.")
def dump(*, log_url: str, partition: int) -> None:
    """Print the input of a partition: pings and control records in order, with the times at which they were received.

    `geofence replay` over it tells the events that the worker told.
    """
    from ingest.settings import WorkerSettings
    from service.log_topics import dump_partition
    from service.logs import run

    run(dump_partition(log_url, sys.stdout.buffer, partition, value_bytes=WorkerSettings().value_bytes))


LOG_COMMANDS = (worker, append, tail, log_group)
