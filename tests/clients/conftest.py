"""One gateway for all tests of the apps: the real process on an embedded log and catalog, with keys made before."""

import signal
import sys
import time
from collections.abc import Iterator
from subprocess import STDOUT, Popen

import pytest
from broker import free_ports, tied
from commands import ROOT
from desk import Desk, desk
from phones import Gateway, Phone

from catalog import open_catalog, upgrade
from ingest.gateway.settings import GatewaySettings

PHONES = 250


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The process."""
    folder = tmp_path_factory.mktemp("gateway")
    url, log, output, now_ms = (
        f"sqlite:{folder / 'c.db'}",
        folder / "log.db",
        folder / "output",
        time.time_ns() // 10**6,
    )
    upgrade(url)
    with open_catalog(url) as catalog:

        def key(device: str | None = None, scope: str = "pings:write") -> str:
            made = catalog.keys.create(name="k", scopes=[scope], device=device, by="test", now_ms=now_ms)
            return made[1]

        phones = [Phone(f"phone-{number}", key(f"phone-{number}")) for number in range(PHONES)]
        anyone, reader = key(), key(scope="events:read")
    port = free_ports(1)[0]
    words = ["gateway", "--log", f"sqlite:{log}", "--catalog", url, "--listen", f"127.0.0.1:{port}"]
    with (
        output.open("wb") as out,
        Popen([*tied(), sys.executable, "-m", "service.cli", *words], stdout=out, stderr=STDOUT, cwd=ROOT) as process,
    ):
        one = Gateway(port, log, output, phones, anyone, reader)
        try:
            _wait(one)
            yield one
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, output.read_text()
        finally:
            process.kill()


def _wait(gateway: Gateway) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            if gateway.ask("GET", "/health/live").status == 200:
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f"the gateway does not answer:\n{gateway.output.read_text()}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def at_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The application within this process, without a limit to how much may be sent and how old."""
    free = GatewaySettings(key_rate=1e9, key_burst=1e9, device_rate=1e9, device_burst=1e9, max_age_s=1e10)
    with desk(tmp_path_factory.mktemp("desk"), free) as one:
        yield one
