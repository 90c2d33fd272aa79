"""docs/gateway.md: its tables have every setting, option and metric, as they are in the code."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

from ingest.gateway import metrics, settings
from ingest.gateway.settings import GatewaySettings
from service.cli_gateway import OPTIONS, PREFIX, gateway

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text()


def rows(begin: str) -> dict[str, list[str]]:
    """The rows of the page's tables whose first cell is code that begins so."""
    found = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith(f"| `{begin}"):
            found[cells[0].strip("`")] = cells[1:]
    return found


def meanings() -> dict[str, str]:
    """What the code says of each setting."""
    source = inspect.getsource(settings)
    pairs = re.findall(r"((?:    # .*\n)+)    (\w+): ", source)
    return {name: " ".join(line.strip(" #") for line in said.splitlines()) for said, name in pairs}


def test_every_setting_stands_in_the_table_with_its_default_and_its_meaning() -> None:
    told, means = rows(PREFIX), meanings()
    known = {PREFIX + field.name.upper(): [f"{field.default}", means[field.name]] for field in fields(GatewaySettings)}
    for option in ("CONSENT", "PRIVATE_ADDRESSES"):
        del known[PREFIX + option]
    assert told == {name: [default.removesuffix(".0").lower(), said] for name, (default, said) in known.items()}


def test_every_option_stands_in_the_table_and_can_be_set_by_its_variable() -> None:
    options = {option.opts[0]: option.envvar for option in gateway.params if option.envvar not in (None, "", "x")}
    ours = {name: variable for name, variable in options.items() if str(variable).startswith(PREFIX)}
    assert set(ours.values()) == {PREFIX + name for name in OPTIONS}
    assert {name.split()[0] for name in rows("--")} == set(ours)


def test_every_metric_stands_in_the_table_with_its_meaning() -> None:
    told = rows("geofence_gateway_")
    known = [value for value in vars(metrics).values() if isinstance(value, tuple) and len(value) == 2]
    assert {name.removesuffix("_total"): said for name, (said,) in told.items()} == dict(known)
