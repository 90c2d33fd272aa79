"""The command `consent`: whether a device's pings may be used.

Added to `cli`. Like there, each imports what it needs when it runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from service.boundary_options import server_of, server_options

F = TypeVar("F", bound=Callable[..., Any])

_LOG_HELP = "Instead of asking a server: the log itself, sqlite:PATH or kafka://HOST:PORT."
_STATUS = "Exit status: 0 done; 2 the server says no or can't be reached, or the log can't be used."
_GIVE_EXAMPLES = f"""\b
Examples:
  geofence consent give phone-07 --server https://geofence.example --key-file admin.key
  geofence consent give phone-07 --log kafka://127.0.0.1:9092

{_STATUS}
"""
_WITHDRAW_EXAMPLES = f"""\b
Examples:
  geofence consent withdraw phone-07
  geofence consent withdraw phone-07 --log sqlite:var/log.db --json

{_STATUS}
"""
_SHOW_EXAMPLES = f"""\b
Examples:
  geofence consent show phone-07
  geofence consent show phone-07 --json | jq -r .consent

{_STATUS}
"""


def _consent_options(command: F) -> F:
    """Where it is said, of which device."""
    for option in (
        click.argument("device", metavar="DEVICE"),
        click.option("--json", "as_json", is_flag=True, help="JSON on standard output, for scripts."),
        click.option("--log", "log_url", metavar="URL", help=_LOG_HELP),
        server_options,
    ):
        command = option(command)
    return command


@click.group(name="consent", short_help="Whether a device's pings may be used.")
def consent_group() -> None:
    """Give and withdraw the consent of a device, and show what it has said.

    A server is asked (--server or GEOFENCE_SERVER, with the device's own key or an admin's), or a log is written to.
    """


@consent_group.command(name="give", epilog=_GIVE_EXAMPLES, short_help="Its pings may be used from now on.")
@_consent_options
def give(*, device: str, log_url: str | None, as_json: bool, server: str | None, key_file: str | None) -> None:
    """Record that a device's pings may be used, from here on in the order of its pings."""
    _say(device, log_url, server, key_file, given=True, as_json=as_json)


@consent_group.command(name="withdraw", epilog=_WITHDRAW_EXAMPLES, short_help="Its pings may not be used any more.")
@_consent_options
def withdraw(*, device: str, log_url: str | None, as_json: bool, server: str | None, key_file: str | None) -> None:
    """Record that a device's pings may not be used any more: its track is erased, and consumers are told."""
    _say(device, log_url, server, key_file, given=False, as_json=as_json)


@consent_group.command(name="show", epilog=_SHOW_EXAMPLES, short_help="What a device has said.")
@_consent_options
def show(*, device: str, log_url: str | None, as_json: bool, server: str | None, key_file: str | None) -> None:
    """Show what a device has said: given, withdrawn or nothing; of a server also whether its pings count."""
    from service.consents import said_in_log, said_to
    from service.logs import run

    if log_url is not None:
        _tell(run(said_in_log(log_url, device)), as_json)
        return
    with server_of(server, key_file) as asked:
        _tell(said_to(asked, device), as_json)


def _say(
    device: str, log_url: str | None, server: str | None, key_file: str | None, *, given: bool, as_json: bool
) -> None:
    from service.consents import say_in_log, say_to
    from service.logs import run

    if log_url is not None:
        _tell(run(say_in_log(log_url, device, given=given)), as_json)
        return
    with server_of(server, key_file) as asked:
        _tell(say_to(asked, device, given=given), as_json)


def _tell(said: dict[str, Any], as_json: bool) -> None:
    from geofence.instant import text_of
    from service.complaints import printable

    if as_json:
        click.echo(json.dumps(said))
        return
    when = f", {text_of(said['at_ms'])}" if "at_ms" in said else ""
    counts = f"; its pings are {'taken' if said['counts'] else 'refused'}" if "counts" in said else ""
    click.echo(printable(f"{said['device']}: {said['consent']}{when}{counts}"))


CONSENT_COMMANDS = (consent_group,)
