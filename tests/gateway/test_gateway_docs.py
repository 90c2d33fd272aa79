"""docs/gateway.md: its tables have every setting and option, as they are in the code."""

from __future__ import annotations

from pages import rows, settings_in

from ingest.gateway import settings
from ingest.gateway.settings import GatewaySettings
from service.cli_gateway import OPTIONS, PREFIX, gateway

PAGE = "gateway.md"


def test_every_setting_stands_in_the_table_with_its_default_and_its_meaning() -> None:
    known = settings_in(settings, GatewaySettings, PREFIX)
    for option in ("CONSENT", "PRIVATE_ADDRESSES"):
        del known[PREFIX + option]
    assert rows(PAGE, PREFIX) == known


def test_every_option_stands_in_the_table_and_can_be_set_by_its_variable() -> None:
    options = {option.opts[0]: option.envvar for option in gateway.params if option.envvar not in (None, "", "x")}
    ours = {name: variable for name, variable in options.items() if str(variable).startswith(PREFIX)}
    assert set(ours.values()) == {PREFIX + name for name in OPTIONS}
    assert {name.split()[0] for name in rows(PAGE, "--")} == set(ours)
