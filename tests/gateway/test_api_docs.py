"""docs/api.md: each command in it works as it stands."""

from collections.abc import Iterator

import pytest
from embedded import Embedded, wait_for
from pages import commands, run
from test_where import IN_A, TOWN, stay

COMMANDS = commands("api.md")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A gateway and a worker that know the device of the page."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "town.geojson").write_bytes(TOWN)
    gateway = Embedded(folder)
    gateway.ask("/v1/pings", gateway.key("pings:write"), method="POST", body=stay("phone-07", IN_A))
    wait_for(lambda: gateway.ask("/v1/devices/phone-07", gateway.key("devices:read")).status == 200)
    yield gateway
    gateway.stop()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_works_as_it_stands(town: Embedded, command: str) -> None:
    key = town.key("events:read", "devices:read", "positions:read")
    said = run(command, GEOFENCE=f"http://127.0.0.1:{town.port}", KEY=key)
    assert said.startswith("retry: " if "-sN" in command else "{")


def test_the_page_has_commands_for_every_endpoint() -> None:
    for path in ("/v1/events?", "/v1/devices/", "/v1/layers/", "/v1/devices?bbox", "/v1/positions"):
        assert any(path in command for command in COMMANDS), path
