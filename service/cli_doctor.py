"""The command `doctor`.

Added to `cli`. Like there, it imports what it needs when it runs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from service.settings.option import SettingOption

if TYPE_CHECKING:
    from service.doctor.finding import Finding

_EXAMPLES = """\b
Examples:
  geofence doctor --log sqlite:var/log.db --catalog sqlite:var/catalog.db
  geofence doctor --fix
  geofence doctor --json | jq '.findings[] | select(.level == "error")'
"""
_COLOURS = {"ok": "green", "unknown": "cyan", "warning": "yellow", "error": "red"}
_LOG_HELP = "The log; more of Kafka's settings by GEOFENCE_KAFKA_...."
_FIX_HELP = "Do what is safe: make topics that are missing, upgrade the catalog's schema. Nothing is deleted."
_GROUP_HELP = "Whose lag is looked at.  [default: the worker's setting]"


@click.command(epilog=_EXAMPLES, short_help="Is all well? If not, what to do.")
@click.option("--log", "log_url", cls=SettingOption, table="", key="log", secret=True, metavar="URL", help=_LOG_HELP)
@click.option("--catalog", "catalog_url", cls=SettingOption, table="", key="catalog", secret=True, metavar="URL",
              help="The catalog.")  # fmt: skip
@click.option("--shelf", cls=SettingOption, table="", key="shelf", metavar="DIR", default="var/atlases",
              show_default=True, help="Folder of compiled layers.")  # fmt: skip
@click.option("--group", metavar="NAME", help=_GROUP_HELP)
@click.option("--within", metavar="S", type=click.FloatRange(0.1, 600), default=10.0, show_default=True,
              help="Seconds that each check has.")  # fmt: skip
@click.option("--fix", is_flag=True, help=_FIX_HELP)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def doctor(
    context: click.Context,
    /,
    *,
    log_url: str | None,
    catalog_url: str | None,
    shelf: str,
    group: str | None,
    within: float,
    fix: bool,
    as_json: bool,
) -> None:
    """Look at settings, log, topics, catalog, clocks, disk, workers, versions in force, lag and webhooks, and say for
    each what is wrong and what to do. Changes nothing without --fix.

    Exit status: 0 all well; 1 warnings; 2 errors. What can't be told from here (unknown) does not count.
    """
    from service.doctor.examination import examine
    from service.doctor.finding import status_of
    from service.doctor.mending import mend
    from service.doctor.setup import Places
    from service.logs import run

    if math.isnan(within):
        raise click.UsageError("--within is no number; allowed: 0.1 to 600")
    places = Places(log_url, catalog_url, shelf, group or _group(), within)
    found, fixed = run(examine(places)), []
    if fix:
        fixed = run(mend(places, found))
        found = run(examine(places)) if fixed else found
    status = status_of(found)
    if as_json:
        _print_json(found, fixed, status)
    else:
        _print(found, fixed)
    context.exit(status)


def _group() -> str:
    """The group that the workers are set to use."""
    from ingest.settings import WorkerSettings
    from service.settings.reading import role_settings
    from service.source import Unusable

    try:
        return role_settings("worker", WorkerSettings).group
    except Unusable:  # told by the check of settings
        return WorkerSettings().group


def _print(found: Sequence[Finding], fixed: Sequence[str]) -> None:
    from service.complaints import printable

    for said in fixed:
        click.echo(f"{click.style('fixed  ', fg='green')}  {printable(said)}")
    for one in found:
        level = click.style(f"{one.level:<7}", fg=_COLOURS[one.level], bold=one.level == "error")
        click.echo(f"{level}  {one.check:<9} {printable(one.told)}")
        if one.remedy:
            click.echo(f"{'':<19}{printable(one.remedy)}")
        if one.command:
            click.echo(f"{'':<19}$ {printable(one.command)}")
    click.echo(_summary(found))


def _summary(found: Sequence[Finding]) -> str:
    many = {level: sum(one.level == level for one in found) for level in ("error", "warning", "unknown")}
    if many["error"] or many["warning"]:
        return ", ".join(f"{many[level]} {level}{'' if many[level] == 1 else 's'}" for level in ("error", "warning"))
    return f"Nothing is wrong; {many['unknown']} can't be told from here." if many["unknown"] else "All is well."


def _print_json(found: Sequence[Finding], fixed: Sequence[str], status: int) -> None:
    from dataclasses import asdict

    click.echo(json.dumps({"status": status, "fixed": fixed, "findings": [asdict(one) for one in found]}, indent=2))
