"""The command `completion`, and what the shell asks once its script is loaded.

Added to `cli`. The scripts are those of click. Invariant: what is completed are the commands and options themselves, so
that nothing has to be kept up.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

_ASKS = "_GEOFENCE_COMPLETE"  # set by the shell's script, with what it wants to know
_EXAMPLES = """\b
Examples:
  eval "$(geofence completion bash)"                                          # in this shell, or in ~/.bashrc
  eval "$(geofence completion zsh)"                                           # the same in ~/.zshrc
  geofence completion fish > ~/.config/fish/completions/geofence.fish

Exit status: 0 done; 2 there is no such shell.
"""


@click.command(epilog=_EXAMPLES, short_help="What makes a shell complete commands and options.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, /, *, shell: str) -> None:
    """Print the script by which a shell completes the commands and options of geofence. SHELL: bash, zsh or fish."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(context.find_root().command, {}, "geofence", _ASKS).source())


def answer_shell(cli: click.Group, environ: Mapping[str, str] = os.environ) -> int | None:
    """Answer a shell that asks how to go on; None: this is no such question."""
    if _ASKS not in environ:
        return None
    from click.shell_completion import shell_complete

    return shell_complete(cli, {}, "geofence", _ASKS, environ[_ASKS])
