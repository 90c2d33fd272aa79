"""A gateway on an embedded log, in a process of its own that a test starts, kills and asks. Not a test itself."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broker import free_ports
from http_client import Gateway

from catalog import open_catalog, upgrade
from catalog.secret import key_id

HERE = Path(__file__).parent


class Embedded(Gateway):
    """Log, worker and gateway in one process."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(free_ports(1)[0])
        self.folder, self.settings = folder, {"keys_s": 0.02, **settings}
        self.catalog = f"sqlite:{folder / 'catalog.db'}"
        upgrade(self.catalog)
        self.start()

    def start(self) -> None:
        """Start the process, and wait until it answers."""
        words = [sys.executable, HERE / "one_process.py", self.folder, str(self.port), json.dumps(self.settings)]
        path = os.pathsep.join(map(str, (HERE.parent.parent, HERE.parent, HERE)))
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
        )
        assert self._line() == "ready"

    def key(self, *scopes: str, device: str | None = None, user: str | None = None) -> str:
        """A new key."""
        with open_catalog(self.catalog) as catalog:
            return catalog.keys.create(name="test", scopes=scopes, by="test", now_ms=1, device=device, user=user)[1]

    def revoke(self, key: str) -> None:
        """Take all rights from a key."""
        found = key_id(key)
        with open_catalog(self.catalog) as catalog:
            assert found
            catalog.keys.revoke(found, by="test", now_ms=2)

    def upkeep(self) -> None:
        """Have retention take what is past its time."""
        self._order({"upkeep": True})

    def tell(self, *events: tuple[str, str, int], days: float = 0.0) -> None:
        """Events: device, region, sequence; told so many days ago."""
        self._order({"tell": events, "days": days})

    def spoil(self, device: str) -> None:
        """Have a row of tracks that nobody can read."""
        self._order({"spoil": device})

    def _order(self, order: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        assert self._line() == "done"

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def rss(self) -> int:
        """Bytes of memory that the process has."""
        return int((Path("/proc") / str(self.process.pid) / "statm").read_text().split()[1]) * 4096

    def cpu_s(self) -> float:
        """Seconds of processor time that it has used."""
        its = (Path("/proc") / str(self.process.pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(its[11]) + int(its[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self._over()

    def stop(self) -> None:
        """End it in order."""
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            self.kill()

    def _over(self) -> None:
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe and not pipe.closed:
                pipe.close()


def wait_for(true: Callable[[], Any], within_s: float = 40.0) -> Any:
    """What becomes true."""
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
    return found
