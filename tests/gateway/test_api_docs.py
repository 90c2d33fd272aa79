"""docs/api.md: each command in it works as it stands."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import Embedded, wait_for
from test_where import IN_A, TOWN, stay

DOCS = Path(__file__).parent.parent.parent / "docs" / "api.md"
COMMANDS = re.findall(r"^    (curl .*)$", DOCS.read_text(), re.MULTILINE)
_MAX_TIME = 28  # what curl says of a stream that it has left


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
    words = {"GEOFENCE": f"http://127.0.0.1:{town.port}", "KEY": key}
    line = command.replace("curl ", "curl --fail --max-time 2 ", 1)
    done = subprocess.run(["sh", "-c", line], env={**os.environ, **words}, capture_output=True, text=True, timeout=20)
    assert done.returncode in ((0, _MAX_TIME) if "-sN" in command else (0,)), done.stderr
    assert done.stdout.startswith("retry: " if "-sN" in command else "{")


def test_the_page_has_commands_for_every_endpoint() -> None:
    for path in ("/v1/events?", "/v1/devices/", "/v1/layers/", "/v1/devices?bbox", "/v1/positions"):
        assert any(path in command for command in COMMANDS), path
