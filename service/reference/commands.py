"""The page of all commands, made from what `--help` is made from: options, defaults, variables, status, examples.

For `service.documents`. Invariant: every command that can be run is on it, with all of its options.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from service.reference.schemas import cell, text

PAGE, _UP = "reference/commands.md", "../"
_STATUS = re.compile(r"\s*\bExit status: (?P<said>.*?)\s*(?=\n\s*\n|\Z)", re.DOTALL)
_COMMON = "0 done; 2 a file or an option can't be used, and one line says why; 130 Ctrl-C"


def commands_page(cli: click.Group) -> str:
    """The page."""
    found = list(_commands(cli, "geofence"))
    lines = [_HEAD, "| command | |", "|---|---|"]
    lines += [f"| [`{name}`](#{name.replace(' ', '-')}) | {cell(_short(its))} |" for name, its in found]
    for name, its in found:
        lines += ["", *_command(name, its)]
    return "\n".join(lines).rstrip() + "\n"


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name in sorted(group.commands):
        its = group.commands[name]
        if isinstance(its, click.Group):
            yield from _commands(its, f"{path} {name}")
        else:
            yield f"{path} {name}", its


def _command(name: str, its: click.Command) -> Iterator[str]:
    about, first = _apart(its.help or "")
    more, second = _apart(inspect.cleandoc(its.epilog or ""))
    yield from [f"## {name}", "", *_usage(name, its), ""]
    yield from [_prose(about), ""]
    options = [one for one in its.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        yield from ["| option | default | variable | |", "|---|---|---|---|", *map(_option, options), ""]
    yield from _examples(more)
    yield f"Exit status: {text(second or first or _COMMON).rstrip('.')}."


def _usage(name: str, its: click.Command) -> Iterator[str]:
    pieces = its.collect_usage_pieces(click.Context(its))
    yield f"    {' '.join([name, *pieces])}"


def _option(its: click.Option) -> str:
    names = ", ".join(its.opts + its.secondary_opts)
    if not its.is_flag:
        shown = its.metavar or (
            "|".join(its.type.choices) if isinstance(its.type, click.Choice) else its.type.name.upper()
        )
        names += f" {shown}"
    variable = its.envvar if isinstance(its.envvar, str) else ""
    about, default = _default(its)
    more = " Has to be given." if its.required else " Repeatable." if its.multiple and "epeatable" not in about else ""
    return f"| `{_bars(names)}` | {default} | {f'`{variable}`' if variable else ''} | {cell(about + more, up=_UP)} |"


def _default(its: click.Option) -> tuple[str, str]:
    """What an option is for, and its default, which its help may tell in words."""
    about, found = its.help or "", re.search(r"\s*\[default: (.*?)\]", its.help or "")
    if found:
        return about.replace(found[0], ""), found[1]
    if its.default in (False, "") or not isinstance(its.default, str | int | float):
        return about, ""
    shown = its.opts[0] if its.is_flag else str(its.default).removesuffix(".0")
    return about, f"`{shown}`"


def _apart(said: str) -> tuple[str, str]:
    """A text without its exit status, and that."""
    found = _STATUS.search(said)
    if not found:
        return said, ""
    return said[: found.start()] + said[found.end() :], " ".join(found["said"].split())


def _prose(said: str) -> str:
    """Paragraphs, each in one line but for those that are kept as they are."""
    made = []
    for part in re.split(r"\n\s*\n", said.strip()):
        if part.startswith("\b"):
            made.append("\n".join(f"    {line}" for line in part.splitlines()[1:]))
        else:
            made.append(text(" ".join(part.split()), up=_UP))
    return "\n\n".join(made)


def _examples(said: str) -> Iterator[str]:
    """The parts of an epilog: a line that says what they are, and lines that are kept as they are."""
    for part in re.split(r"\n\s*\n", said.replace("\b", "\n\n").strip()):
        head, *rest = [line for line in part.splitlines() if line.strip()] or [""]
        if head:
            yield from [text(head.strip(), up=_UP), "", *(f"    {line.removeprefix('  ')}" for line in rest), ""]


def _short(its: click.Command) -> str:
    return its.short_help or (its.help or "").strip().partition("\n")[0]


def _bars(said: str) -> str:
    return said.replace("|", "\\|")


_HEAD = """# Commands

Made from the code by `python -m service.documents`; `geofence COMMAND --help` says the same. Options that are settings
may also stand in the [settings file](../settings.md): a flag beats the variable, which beats the file, which beats
the default. What is printed on standard output is the result; whatever else there is to say goes to standard error.
"""
