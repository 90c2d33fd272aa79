"""The commands on what stands beside a log's input: `rejected` and `topics`.

Added to `cli`. Like there, each imports what it needs when it runs.
"""

from __future__ import annotations

import sys

import click

from service.cli_log import log_option

_LIST_EXAMPLES = """\b
Examples:
  geofence rejected list --log sqlite:var/log.db
  geofence rejected list --log kafka://127.0.0.1:9092 --reason lon_range --json | jq -r .record

Exit status: 0 done, also if there are none; 2 the log can't be used.
"""
_SHOW_EXAMPLES = """\b
Examples:
  geofence rejected show --log sqlite:var/log.db 0:1042
  geofence rejected show --log sqlite:var/log.db 0:1042 --json | jq -r .hint

Exit status: 0 done; 2 there is no such record, or the log can't be used.
"""
_REPLAY_EXAMPLES = """\b
Examples:
  geofence rejected replay --log sqlite:var/log.db 0:1042 0:1050
  geofence rejected replay --log kafka://127.0.0.1:9092 --reason version_newer

Exit status: 0 done, but for records of which standard error says why they can't be; 2 there is no such record, or the
log can't be used.
"""
_CREATE_EXAMPLES = """\b
Examples:
  geofence topics create --log kafka://127.0.0.1:9092 --partitions 16
  geofence topics create --log sqlite:var/log.db --json

Exit status: 0 all are there; 2 the log can't be used.
"""
_CHECK_EXAMPLES = """\b
Examples:
  geofence topics check --log kafka://127.0.0.1:9092
  geofence topics check --log sqlite:var/log.db --json | jq -r .fix

Exit status: 0 all are as they should be; 2 one is not, or the log can't be used.
"""
_partitions_option = click.option("--partitions", type=click.IntRange(1, 10_000), help="How many, for each topic.")
_reason_option = click.option("--reason", multiple=True, help="Only those refused for this reason. Repeatable.")
_json_option = click.option("--json", "as_json", is_flag=True, help="JSON, one object per line.")


@click.group(name="rejected", short_help="Records that could not be used.")
def rejected_group() -> None:
    """List, show and send again what the worker has refused. A record is named PARTITION:OFFSET."""


@rejected_group.command(name="list", epilog=_LIST_EXAMPLES)
@log_option
@_reason_option
@_json_option
def list_rejected(*, log_url: str, reason: tuple[str, ...], as_json: bool) -> None:
    """One line for each: name, when received, reason, key, size."""
    from service.logs import run
    from service.rejected import list_letters

    run(list_letters(log_url, sys.stdout.buffer, reason, as_json=as_json))


@rejected_group.command(name="show", epilog=_SHOW_EXAMPLES)
@log_option
@_json_option
@click.argument("name", metavar="PARTITION:OFFSET")
def show_rejected(*, log_url: str, as_json: bool, name: str) -> None:
    """Why it was refused, what to do about it, and its first 64 KiB."""
    from service.logs import run
    from service.rejected import show_letter

    run(show_letter(log_url, sys.stdout.buffer, name, as_json=as_json))


@rejected_group.command(name="replay", epilog=_REPLAY_EXAMPLES)
@log_option
@_reason_option
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.argument("names", metavar="[PARTITION:OFFSET]...", nargs=-1)
def replay_rejected(*, log_url: str, reason: tuple[str, ...], every: bool, names: tuple[str, ...]) -> None:
    """Append them to the input again, to be judged anew."""
    from service.logs import run
    from service.rejected import replay_letters

    if not (names or reason or every):
        raise click.UsageError("name the records, or say --reason or --all")
    run(replay_letters(log_url, names, reason))


@click.group(name="topics", short_help="The topics of a log.")
def topics_group() -> None:
    """Make the topics, or check that they are as they should be."""


@topics_group.command(name="create", epilog=_CREATE_EXAMPLES)
@log_option
@_partitions_option
@_json_option
def create_topics(*, log_url: str, partitions: int | None, as_json: bool) -> None:
    """Make those that are missing. The number of partitions never changes later."""
    from service.log_topics import create_topics as create
    from service.logs import run

    made = run(create(log_url, partitions))
    if as_json:
        import json

        click.echo(json.dumps({"made": list(made)}))


@topics_group.command(name="check", epilog=_CHECK_EXAMPLES)
@log_option
@_partitions_option
@_json_option
def check_topics(*, log_url: str, partitions: int | None, as_json: bool) -> None:
    """Tell each setting that is wrong, and the fix."""
    from service.log_topics import check_topics as check
    from service.logs import run

    run(check(log_url, partitions, sys.stdout.buffer if as_json else None))


REJECTED_COMMANDS = (rejected_group, topics_group)
