"""`geofence boundaries check`: what is wrong with region files, as text, JSON, a page, or places on a map.

Behind `cli_boundaries`. Invariant: standard output has reports and nothing else; the exit status is that of the worst
file.
"""

from __future__ import annotations

import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boundaries.checking.codes import CODES
from boundaries.geojson import geojson_of
from boundaries.judged import ALL
from boundaries.telling.document import report_json
from boundaries.telling.page import report_page
from boundaries.telling.places import report_places
from boundaries.telling.text import report_text
from geofence.rule import PRESETS, InvalidRule, Rule
from service.boundary_files import Judged, Wish, judged
from service.source import Unusable

CLEAN, WARNED, WRONG = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where to write what, beside the report on standard output."""

    regions: str | None
    page: str | None
    places: str | None
    as_json: bool


def check_files(files: Sequence[str], given: Mapping[str, Any], outputs: Outputs) -> int:
    """Check each; the exit status."""
    wish = wish_of(given)
    return max(_check_file(Path(file), given, wish, outputs) for file in files)


def wish_of(given: Mapping[str, Any]) -> Wish:
    """What options say of a file."""
    names = {"kind": "kind", "tolerance": "tolerance_m", "accuracy": "accuracy_m", "dwell": "dwell_s",
             "nearest_within": "nearest_within_m", "layer": "name"}  # fmt: skip
    layer = {name: given[option] for option, name in names.items() if given.get(option) is not None}
    if given.get("rule") is not None:
        layer["rule"] = rule_of(given["rule"]).to_table()
    reading = {"inner": "layer", "crs": "crs", "encoding": "encoding", "ident": "id", "name": "name"}
    read = {name: given[option] for option, name in reading.items() if given.get(option) is not None}
    return Wish(layer=layer, reading=read, fix=_codes(given.get("fix", ())))


def _codes(fix: Sequence[str]) -> Sequence[str]:
    for code in fix:
        if code != ALL and code not in CODES:
            raise Unusable(f"--fix: {code!r} is no code of a finding; allowed: {ALL}, or a code that the report names")
    return fix


def rule_of(text: str) -> Rule:
    """A preset, or the rule of a TOML file. Raises Unusable."""
    if text in PRESETS:
        return Rule.preset(text)
    try:
        return Rule.from_table(tomllib.loads(Path(text).read_text()))
    except OSError:
        presets = ", ".join(PRESETS)
        raise Unusable(f"--rule: {text!r} is no preset and no file; allowed: {presets}, or a TOML file") from None
    except (InvalidRule, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"--rule {text}: {error}") from None


def _check_file(file: Path, given: Mapping[str, Any], wish: Wish, outputs: Outputs) -> int:
    with tempfile.TemporaryDirectory(prefix="geofence-") as folder:
        before = None
        if given.get("previous"):
            other = Wish(layer=wish.layer, reading={})
            before = judged(Path(given["previous"]), other, folder=Path(folder)).regions
        found = judged(file, wish, previous=before, folder=Path(folder))
    _tell(found, outputs)
    if found.summary["errors"]:
        return WRONG
    return WARNED if found.summary["warnings"] and given.get("strict") else CLEAN


def _tell(found: Judged, outputs: Outputs) -> None:
    told = report_json(found.report) + b"\n" if outputs.as_json else report_text(found.report).encode()
    sys.stdout.buffer.write(told)
    sys.stdout.buffer.flush()
    if outputs.page:
        Path(outputs.page).write_text(report_page(found.report, found.regions))
    if outputs.places:
        Path(outputs.places).write_bytes(report_places(found.report))
    if outputs.regions:
        Path(outputs.regions).write_bytes(geojson_of(found.regions))
