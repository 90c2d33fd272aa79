"""The command `config`.

Added to `cli`. Like there, it imports what it needs when it runs.
"""

from __future__ import annotations

import os
import sys

import click

_EXAMPLES = """\b
Examples:
  geofence config                              what is set, and from where
  geofence config gateway --all                every setting of a table
  geofence config --toml > geofence.toml       a sample file with all of them
  geofence config --check                      is anything wrong?
  geofence config --json | jq '.settings[] | select(.from != "default")'
"""
_CHECK_HELP = "Say what is wrong, on standard error, and nothing else."


@click.command(epilog=_EXAMPLES, short_help="Every setting, its value, and where it came from.")
@click.option("--log", metavar="URL", help="As the roles would be given it.")
@click.option("--catalog", metavar="URL", help="The same.")
@click.option("--all", "everything", is_flag=True, help="Those at their defaults too.")
@click.option("--json", "as_json", is_flag=True, help="All settings with all that is known of them, as JSON.")
@click.option("--toml", "as_toml", is_flag=True, help="A sample settings file with every setting, commented.")
@click.option("--check", is_flag=True, help=_CHECK_HELP)
@click.argument("table", metavar="[TABLE]", required=False)
def config(
    *, log: str | None, catalog: str | None, everything: bool, as_json: bool, as_toml: bool, check: bool,
    table: str | None,
) -> None:  # fmt: skip
    """Show the settings: flags beat GEOFENCE_ variables, which beat a file (geofence.toml, or the one that
    GEOFENCE_CONFIG names), which beats defaults. Secrets are shown as ***.

    TABLE: gateway, boundaries, publishing, worker, webhooks, kafka or sqlite alone.

    Exit status: 0; 2 if a setting can't be used.
    """
    from service.settings.known import every
    from service.settings.roles import BY_NAME
    from service.settings.showing import json_of, sample, table_lines
    from service.settings.values import set_ones, settled
    from service.source import Unusable

    if table is not None and table not in BY_NAME:
        raise Unusable(f"TABLE is {table!r}; allowed: {', '.join(BY_NAME)}")
    if as_toml:
        sys.stdout.write(sample([one for one in every() if table in (None, one.table)]))
        return
    flags = {key: url for key, url in (("log", log), ("catalog", catalog)) if url}
    found = settled(os.environ, flags)
    shown = [one for one in found.valued if table in (None, one.known.table)]
    if as_json:
        click.echo(json_of(found, shown))
    elif not check:
        few = shown if everything or table else [one for one in set_ones(found) if one in shown]
        _print(list(table_lines(few)), few=len(few), many=len(shown), file=found.file)
    _complain(found.wrong, found.unread)
    if check:
        click.echo(f"geofence: {len(found.valued)} settings can be used", err=True)


def _print(lines: list[str], *, few: int, many: int, file: str) -> None:
    if few:
        click.echo("\n".join([click.style(lines[0], bold=True), *lines[1:]]))
    where = f"settings file: {file}" if file else "no settings file"
    rest = f"; {many - few} more at their defaults: --all" if many > few else ""
    click.echo(f"{where}{rest}", err=True)


def _complain(wrong: tuple[str, ...], unread: tuple[str, ...]) -> None:
    from service.complaints import note
    from service.source import Unusable

    for one in unread:
        note(f"{one} is set, but nobody reads it")
    for one in wrong:
        note(one)
    if wrong:
        raise Unusable(f"{len(wrong)} of the settings can't be used, see above")
