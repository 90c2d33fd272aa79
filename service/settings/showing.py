"""Settings as a table, as JSON, as a sample of a settings file, and as a page of the documents.

Above `values`. Invariant: the sample is a settings file that can be used as it stands, with every setting in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from service.settings.known import Known
from service.settings.roles import BY_NAME
from service.settings.secret import HIDDEN
from service.settings.values import DEFAULT, Settled, Valued

_PLACES = "in no table: where the log, the catalog and the compiled layers are"


def table_lines(shown: Sequence[Valued]) -> Iterator[str]:
    """One line each: name, value, unit, default if it is another, and where the value came from."""
    rows = [(one.known.name, text_of(one.value), one.known.unit, _default(one), one.origin) for one in shown]
    head = ("setting", "value", "unit", "default", "from")
    widths = [min(44, max(map(len, column))) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def json_of(found: Settled, shown: Sequence[Valued]) -> str:
    """All that is known of each, for scripts."""
    listed = [
        {
            "name": one.known.name, "variable": one.known.variable, "flag": one.known.flag, "unit": one.known.unit,
            "value": one.value, "default": plain(one.known.default), "from": one.origin,
            "allowed": one.known.allowed, "means": one.known.means,
        }
        for one in shown
    ]  # fmt: skip
    told = {"file": found.file or None, "settings": listed, "wrong": found.wrong, "unread": found.unread}
    return json.dumps(told, indent=2, ensure_ascii=False)


def sample(known: Sequence[Known]) -> str:
    """A settings file with every setting as a comment, at its default."""
    lines = [
        "# Settings of geofence: geofence.toml in the current folder, or the file that GEOFENCE_CONFIG names.",
        "# A flag of a command beats a variable, which beats this file, which beats the default shown here.",
    ]
    for table, its in groupby(known, key=lambda one: one.table):
        lines += ["", f"# {_means(table)}", *([f"[{table}]"] if table else [])]
        for one in its:
            unit = f"  # {one.unit}" if one.unit else ""
            lines += ["", f"# {one.means}", f"# {one.key} = {_toml(one)}{unit}"]
            if one.filed:
                lines.append(f'# {one.key}_file = "/run/secrets/{one.key}"')
    return "\n".join(lines) + "\n"


def page(known: Sequence[Known]) -> str:
    """The page of the documents: every setting with its unit, default and meaning."""
    lines = [_PAGE]
    for table, its in groupby(known, key=lambda one: one.table):
        lines += [f"\n## {f'[{table}]' if table else 'Outside of the tables'}\n", f"{_means(table)}.\n"]
        lines += ["| key | variable | default | unit | |", "|---|---|---|---|---|"]
        for one in its:
            default = "not set" if one.default is None else f"`{text_of(plain(one.default))}`"
            more = " May come from a file: `_file` behind the key, `_FILE` behind the variable." if one.filed else ""
            means = f"{one.means}{more}".replace("|", "\\|")
            lines.append(f"| `{one.key}` | `{one.variable}` | {default} | {one.unit} | {means} |")
    return "\n".join(lines) + "\n"


def plain(value: object) -> object:
    """A value that JSON has."""
    return sorted(value) if isinstance(value, frozenset) else value


def text_of(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _default(one: Valued) -> str:
    return "" if one.origin == DEFAULT else text_of(plain(one.known.default))


def _toml(one: Known) -> str:
    default = plain(one.default)
    return json.dumps("..." if default is None else default) if not one.secret else json.dumps(HIDDEN)


def _means(table: str) -> str:
    return f"Settings {BY_NAME[table].means}" if table else f"Settings {_PLACES}"


_PAGE = """# Settings

Made from the code by `python -m service.documents`. `geofence config` shows what each is here and where that came from,
`geofence config --check` what is wrong, `geofence config --toml` a sample of the file with all of them.

- A flag of a command beats a variable, which beats the settings file, which beats the default.
- The file is `geofence.toml` in the current folder, or the one that `GEOFENCE_CONFIG` names; its tables are those
  below. Relative paths in it are relative to the current folder.
- A role refuses to start if a value can't be, or if there is no such setting, and says which, as it stands there: the
  variable, or the file, the table and the key. It looks at the tables that it reads, so that one file, or one set of
  variables, can serve roles of two releases. `geofence config --check` looks at all. In Kubernetes say
  `enableServiceLinks: false`: a service called `geofence-gateway` would else set `GEOFENCE_GATEWAY_PORT` and the like.
- Secrets may come from files: `GEOFENCE_KAFKA_PASSWORD_FILE=/run/secrets/kafka`, `password_file` under `[kafka]`, and
  for addresses with a password in them `GEOFENCE_CATALOG_FILE` or `catalog_file`. The first line counts. They are
  never shown.
- In a variable, several values are separated by commas; yes and no are `true` and `false`."""
