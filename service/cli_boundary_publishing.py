"""The commands that put versions in force: `dry-run`, `publish`, `rollback`, `cancel`, `plan`, `apply`.

Added to `cli_boundaries`. Like there, each imports what it needs when it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from service.boundary_options import cancel_option, json_option, no_wait_option, server_of, server_options
from service.cli_boundary_versions import VERSION

F = TypeVar("F", bound=Callable[..., Any])

_STATUS = "Exit status: 0 done; 2 refused, failed, or the server can't be reached; 130 interrupted.\n"
_DRY_RUN = f"""\b
Examples:
  geofence boundaries dry-run districts 5
  geofence boundaries dry-run districts 5 --hours 0         # who moves at once; nothing is replayed
  geofence boundaries dry-run districts 5 --against 3

{_STATUS}"""
_PUBLISH = f"""\b
Examples:
  geofence boundaries publish districts 5 --comment "borders of 2026"
  geofence boundaries publish districts 5 --comment "borders of 2026" --yes --expect 1204
  geofence boundaries publish districts 5 --comment "borders of 2026" --at 2026-12-31T23:00:00Z

{_STATUS}"""
_ROLLBACK = f"""\b
Examples:
  geofence boundaries rollback districts
  geofence boundaries rollback districts --to 3 --comment "5 has the harbour in it twice" --yes

{_STATUS}"""
_CANCEL = f"""\b
Example:
  geofence boundaries cancel districts

{_STATUS}"""
_PLAN = """\b
Examples:
  geofence boundaries plan borders/
  geofence boundaries plan borders/ --json > plan.json

\b
Exit status: 0 the server has what the folder says; 1 something would change, or warnings, with --strict;
2 errors in a file, or the server can't be reached.
"""
_APPLY = """\b
Examples:
  geofence boundaries apply borders/ --comment "borders of 2026"
  geofence boundaries apply borders/ --comment "$CI_COMMIT_TITLE" --yes --expect districts=1204

Exit status: 0 the server has what the folder says; 2 errors in a file, refused, or the server can't be reached.
"""
_EXPECT_HELP = "So many devices are meant to get another region, as the dry run has told; asked for above 1 %."
_HOURS = click.FloatRange(0, 24 * 366)
_comment_option = click.option("--comment", metavar="TEXT", required=True, help="Why, for whoever reads the audit.")
_yes_option = click.option("--yes", is_flag=True, help="Don't ask.")
_strict_option = click.option("--strict", is_flag=True, help="Warnings count too: exit status 1.")


def publishing_options(command: F) -> F:
    """How something is put in force."""
    for option in (
        json_option,
        cancel_option,
        no_wait_option,
        click.option("--within", "wait_s", metavar="S", type=click.FloatRange(0), default=120.0, show_default=True,
                     help="Seconds to wait until it is in force on all partitions."),
        click.option("--hours", metavar="H", type=_HOURS, default=24.0, show_default=True,
                     help="Of kept pings that a dry run replays."),
        _yes_option,
    ):  # fmt: skip
        command = option(command)
    return command


@click.command(name="dry-run", epilog=_DRY_RUN, short_help="What publishing a version would do, without doing it.")
@server_options
@click.option("--hours", metavar="H", type=_HOURS, default=24.0, show_default=True,
              help="Of kept pings that are replayed under both versions; 0: none.")  # fmt: skip
@click.option("--against", metavar="N", type=VERSION, help="In place of this version.  [default: the published one]")
@cancel_option
@json_option
@click.argument("layer")
@click.argument("number", metavar="N", type=VERSION)
def dry_run_command(
    *, server: str | None, key_file: str | None, hours: float, against: int | None, cancel: bool, as_json: bool,
    layer: str, number: int,
) -> None:  # fmt: skip
    """Tell which devices would get another region at once, and which crossings of the last hours would be others."""
    from service.boundary_publishing import dry_run
    from service.boundary_tables import say, say_json

    with server_of(server, key_file) as there:
        found = dry_run(there, layer, number, hours=hours, against=against, cancel=cancel)
    say_json(found.result) if as_json else say([found.text.rstrip()])


@click.command(name="publish", epilog=_PUBLISH, short_help="Put a version in force.")
@server_options
@publishing_options
@_comment_option
@click.option("--expect", metavar="N", type=click.IntRange(0, 2**31 - 1), help=_EXPECT_HELP)
@click.option("--at", metavar="TIME", help="Later, such as 2026-01-31T08:15:00Z.")
@click.option("--replaces", metavar="N", type=VERSION, help="Only if this is the published version.")
@click.argument("layer")
@click.argument("number", metavar="N", type=VERSION)
def publish_command(*, server: str | None, key_file: str | None, layer: str, number: int, **given: Any) -> None:
    """Put version N in force: try it out unless somebody has, show what that tells, ask, and see it into force."""
    from service.boundary_publishing import publish

    intent = _intent(given, comment=given["comment"], at=given["at"], replaces=given["replaces"])
    with server_of(server, key_file) as there:
        publish(there, layer, number, intent)


@click.command(name="rollback", epilog=_ROLLBACK, short_help="Put the version before in force again.")
@server_options
@publishing_options
@click.option("--comment", metavar="TEXT", default="", help="Why.  [default: says what was rolled back]")
@click.option("--expect", metavar="N", type=click.IntRange(0, 2**31 - 1), help=_EXPECT_HELP)
@click.option("--to", metavar="N", type=VERSION, help="The version.  [default: the one published before]")
@click.argument("layer")
def rollback_command(*, server: str | None, key_file: str | None, layer: str, to: int | None, **given: Any) -> None:
    """Publish the version again that was in force before, or another old one."""
    from service.boundary_publishing import before, publish

    with server_of(server, key_file) as there:
        number = before(there, layer) if to is None else to
        comment = given["comment"] or f"rolled back to version {number}"
        publish(there, layer, number, _intent(given, comment=comment))


@click.command(name="cancel", epilog=_CANCEL, short_help="Cancel a publication that is still to come.")
@server_options
@click.argument("layer")
@click.argument("number", metavar="[PUBLICATION]", required=False, type=VERSION)
def cancel_command(*, server: str | None, key_file: str | None, layer: str, number: int | None) -> None:
    """Cancel the publication of LAYER that is planned or being prepared."""
    from service.boundary_versions import cancel_publication

    with server_of(server, key_file) as there:
        cancel_publication(there, layer, number)


@click.command(name="plan", epilog=_PLAN, short_help="What a folder of region files would change on a server.")
@server_options
@_strict_option
@json_option
@click.argument("folder", metavar="DIR")
def plan_command(*, server: str | None, key_file: str | None, strict: bool, as_json: bool, folder: str) -> None:
    """Check the files that DIR/layers.toml names, and tell what is different from what is published."""
    from service.boundary_plan import plan_folder

    with server_of(server, key_file) as there:
        click.get_current_context().exit(plan_folder(there, folder, strict=strict, as_json=as_json))


@click.command(name="apply", epilog=_APPLY, short_help="Make a server have what a folder of region files says.")
@server_options
@publishing_options
@_comment_option
@click.option("--expect", metavar="LAYER=N", multiple=True, help=f"{_EXPECT_HELP} Repeatable.")
@click.argument("folder", metavar="DIR")
def apply_command(*, server: str | None, key_file: str | None, folder: str, **given: Any) -> None:
    """Upload and publish what is different in DIR/layers.toml and its files; nothing, if a file has errors."""
    from service.boundary_apply import apply_folder, expectations

    expect = expectations(given["expect"])
    intent = _intent({**given, "expect": None}, comment=given["comment"])
    with server_of(server, key_file) as there:
        apply_folder(there, folder, intent, expect)


def _intent(given: dict[str, Any], **more: Any) -> Any:
    from service.boundary_publishing import Intent

    its = {name: given[name] for name in ("expect", "yes", "hours", "wait_s", "cancel", "as_json")}
    return Intent(wait=not given["no_wait"], **its, **more)


PUBLISHING_COMMANDS = (
    dry_run_command,
    publish_command,
    rollback_command,
    cancel_command,
    plan_command,
    apply_command,
)
