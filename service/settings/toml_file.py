"""The settings file: `geofence.toml` in the current folder, or the one that GEOFENCE_CONFIG names.

Under `environment`. Invariant: a file that is named but can't be read, and a table or a key outside of all tables that
there is not, stop the start; keys within a table are looked at by who reads the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from service.settings.roles import BY_NAME, GENERAL, SECRET
from service.source import Unusable

NAME, VARIABLE = "geofence.toml", "GEOFENCE_CONFIG"
Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What is set in a file; an empty one if there is none."""

    name: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict)
    general: Table = field(default_factory=dict)

    def label(self, table: str, key: str) -> str:
        """How a setting in it is named to people."""
        return f"{self.name}: [{table}] {key}" if table else f"{self.name}: {key}"

    def table(self, name: str) -> Table:
        """One table; "" is what stands in none."""
        return self.tables.get(name, {}) if name else self.general


def settings_file(environ: Mapping[str, str]) -> SettingsFile:
    """The file that counts here. Raises Unusable."""
    named = environ.get(VARIABLE)
    path = Path(named or NAME)
    if named is None and not path.is_file():
        return SettingsFile()
    if path.exists() and not path.is_file():  # a pipe would be waited for, and can be read only once
        raise Unusable(f"{VARIABLE} is {named!r}, which is no file but a folder, a pipe or a device; name a TOML file")
    try:
        known = path.stat()
        return _read(str(path), known.st_mtime_ns, known.st_size)
    except OSError as error:
        raise Unusable(
            f"{VARIABLE} is {named!r}; it can't be read: {error.strerror}. Name a TOML file, or unset it"
        ) from None


@lru_cache(maxsize=4)
def _read(path: str, _changed_ns: int, _size: int) -> SettingsFile:
    import tomllib

    try:
        found = tomllib.loads(Path(path).read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"{path} is no TOML: {error}. `geofence config --toml` prints a sample") from None
    tables = {name: value for name, value in found.items() if isinstance(value, dict)}
    general = {name: value for name, value in found.items() if name not in tables}
    _check(path, tables, BY_NAME, "table")
    _check(path, general, [*GENERAL, *(f"{name}_file" for name in SECRET)], "setting outside of the tables")
    return SettingsFile(path, tables, general)


def _check(path: str, given: Mapping[str, object], known: Mapping[str, object] | list[str], what: str) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, list(known), 1)
            said = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(known)}"
            shown = f"[{name}]" if what == "table" else name
            raise Unusable(f"{path}: {shown} is set, but there is no such {what}; {said}")
