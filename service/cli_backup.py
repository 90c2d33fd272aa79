"""The command `backup`, with `verify` and `restore` below it.

Added to `cli`. Like there, it imports what it needs when it runs. `geofence backup TARGET` is short for
`geofence backup create TARGET`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from service.backup.manifest import Manifest

_EPILOG = """\b
Examples:
  geofence backup /backups                  # a new file in this folder, named by the time
  geofence backup create /backups           # the same
  geofence backup --home /srv/geofence /backups/before-upgrade.tar.zst
  geofence backup verify /backups/before-upgrade.tar.zst
  geofence backup restore /backups/before-upgrade.tar.zst --home /srv/geofence-again

Exit status: 0 done, and all of it is on disk; 2 it was not done, and a line says why.
"""
_HOME_HELP = "The home: folder of an embedded log and catalog."
_INTO_HELP = "Where to restore to: a folder that is empty or not there yet."
_CREATE = "create"


class _Short(click.Group):
    """A group whose first command need not be named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As usual, but that what is no command begins what `create` takes."""
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else [_CREATE, *args])


def _home_option(text: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    return click.option("--home", metavar="DIR", default="var", show_default=True, envvar="GEOFENCE_HOME", help=text)


_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group(cls=_Short, epilog=_EPILOG, short_help="Back up a home while it runs; verify and restore backups.")
def backup() -> None:
    """Back up an embedded home, also while it runs, and put it back.

    `geofence backup TARGET` makes a backup. It is of one moment: log and catalog as they were at the same time. It
    holds the hashes of all keys, the secrets of webhooks and the text of the ready key: keep it as you keep keys.
    """


@backup.command(name=_CREATE, epilog=_EPILOG, short_help="Make a backup; TARGET is a file or a folder.")
@_home_option(_HOME_HELP)
@_json_option
@click.argument("target", metavar="TARGET")
def create(*, home: str, as_json: bool, target: str) -> None:
    """Make a backup of a home, whether the service runs or not.

    TARGET is the file to be written, which must not be there yet, or a folder, in which it gets a name that has the
    time. Only its owner may read it.
    """
    from service.backup.making import make_backup
    from service.home import Home

    with _shown("backup") as told:
        made = make_backup(Home(Path(home)), Path(target), told)
    if as_json:
        _print_json(made.manifest, file=str(made.path), packed_bytes=made.packed_bytes)
        return
    click.echo(f"{made.path}: {_size(made.packed_bytes)}, {home} as it was at {made.manifest.moment}")
    _print_files(made.manifest)
    click.echo("It holds what opens the service: keep it as you keep keys.")


@backup.command(epilog=_EPILOG, short_help="Is a backup whole, and can this version restore it?")
@_json_option
@click.argument("archive", metavar="FILE")
def verify(*, as_json: bool, archive: str) -> None:
    """Read a whole backup, compare each file with its SHA-256, and say what is in it. Writes nothing."""
    from service.backup.restoring import verify_backup

    with _shown("verify") as told:
        manifest = verify_backup(Path(archive), told)
    if as_json:
        _print_json(manifest, file=archive)
        return
    click.echo(f"{archive}: whole. A home as it was at {manifest.moment}, backed up by geofence {manifest.geofence}")
    _print_files(manifest)


@backup.command(epilog=_EPILOG, short_help="Put a backup back, into an empty folder.")
@_home_option(_INTO_HELP)
@_json_option
@click.argument("archive", metavar="FILE")
def restore(*, home: str, as_json: bool, archive: str) -> None:
    """Put a backup back into a folder that is empty or not there yet, and look at all of it first.

    What was accepted after the backup is not in it. What that means for consumers, devices and erasures, and what to do
    before the service starts, is in docs/operations/backup.md.
    """
    from service.backup.restoring import restore_backup
    from service.home import Home

    with _shown("restore") as told:
        manifest = restore_backup(Path(archive), Home(Path(home)), told)
    if as_json:
        _print_json(manifest, file=archive, home=home)
        return
    click.echo(f"{home} is as it was at {manifest.moment}. What came after that is not in it:")
    click.echo("new events may have ids that consumers know, erased devices are back (docs/operations/backup.md).")
    click.echo(f"Then: geofence run --home {home}")


@contextmanager
def _shown(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar, if somebody looks."""
    from service.bars import bar

    with bar(title, in_bytes=True) as tell:
        yield tell or (lambda *_: None)


def _print_files(manifest: Manifest) -> None:
    for one in manifest.files:
        click.echo(f"  {one.name:<12}{_size(one.bytes):>10}  {one.holds}")


def _print_json(manifest: Manifest, **more: object) -> None:
    import msgspec

    click.echo(json.dumps({**more, **msgspec.to_builtins(manifest)}))


def _size(many: int) -> str:
    return f"{many / 1e6:,.1f} MB" if many >= 100_000 else f"{many / 1e3:,.1f} kB"
