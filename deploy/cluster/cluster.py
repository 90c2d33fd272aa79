"""The services of docker-compose.yml, started in their order as processes of this machine, and ended in the other.

Above `compose`, `places` and the makers of processes; used by `make cluster` and by tests. Invariants: commands,
variables and health checks are the file's; what needs another service starts once that one is well; what can't start
is told with what it said last.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from deploy.cluster import kafka, postgres
from deploy.cluster.compose import Check, Service, read_compose
from deploy.cluster.places import Places
from deploy.cluster.process import Process, Program

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
LEFT_OUT = ("prometheus", "grafana")  # they look at the others
_LOOK_S = 0.05
_OURS = "geofence:"


class Cluster:
    """All of them, in one folder."""

    def __init__(self, folder: Path, variables: Mapping[str, str], *, published: bool = False) -> None:
        """`variables`: those that the file asks for. `published`: at the ports that it publishes, not at free ones."""
        self.folder = folder.resolve()
        given = {**variables, "SECRETS": str(self.folder / "secrets")}
        every = read_compose(FILE, given)
        self.services = {name: one for name, one in every.items() if name not in LEFT_OUT}
        self.places = Places(self.services, self.folder, ROOT, published=published)
        self._processes: dict[str, Process] = {}
        self._looked: dict[str, float] = {}

    # -- all of them ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start all, and wait until all are well. Raises RuntimeError."""
        self._make_folders()
        with ThreadPoolExecutor() as side_by_side:  # what has to be made before it can start takes seconds
            list(side_by_side.map(self._make, (name for name, one in self.services.items() if not _is_ours(one))))
        done: set[str] = set()
        begun: dict[str, float] = {}
        while len(done) < len(self.services):
            for name, service in self.services.items():
                if name not in begun and service.needs.keys() <= done:
                    begun[name] = time.monotonic()
                    self.begin(name)
            done |= {name for name in begun.keys() - done if self._is_done(name, begun[name])}
            time.sleep(_LOOK_S)

    def stop(self) -> None:
        """End all in order: whoever needs others before these."""
        waves = list(reversed(list(self._waves())))
        for wave in waves:
            running = [self._processes[name] for name in wave if name in self._processes]
            for one in running:
                one.tell_to_end()
            for one in running:
                one.wait(self.services[one.name].grace_s)

    def come_back(self) -> list[str]:
        """Start again whoever has ended and is to run always; who that was."""
        gone = [name for name, one in self._processes.items() if self.services[name].comes_back and not one.runs]
        for name in gone:
            self._processes[name].start()
        return gone

    def _waves(self) -> Iterator[list[str]]:
        """The services in the order in which they can start."""
        done: set[str] = set()
        while len(done) < len(self.services):
            wave = [name for name, one in self.services.items() if name not in done and one.needs.keys() <= done]
            if not wave:
                raise RuntimeError("services of docker-compose.yml need each other in a circle")
            yield wave
            done.update(wave)

    # -- one of them ------------------------------------------------------------------------------------------------

    def begin(self, name: str) -> None:
        """Start one, and wait for nothing."""
        self._make(name)
        self._processes[name].start()

    def end(self, name: str) -> int:
        """Have one end in order, as `docker compose stop` does; its exit status."""
        self._processes[name].tell_to_end()
        return self._processes[name].wait(self.services[name].grace_s)

    def kill(self, name: str) -> None:
        """Kill -9."""
        self._processes[name].kill()

    def await_well(self, name: str) -> None:
        """Wait until one that was begun is well. Raises RuntimeError."""
        begun = time.monotonic()
        while not self._is_done(name, begun):
            time.sleep(_LOOK_S)

    def environment(self, name: str) -> dict[str, str]:
        """All variables that the process of a service has."""
        outer = {key: value for key, value in os.environ.items() if not key.startswith("GEOFENCE_")}
        return {**outer, "PYTHONPATH": str(ROOT), **self.places.environment(self.services[name])}

    def run(self, name: str, *words: str) -> str:
        """What a command prints with the variables of a service, as by `docker compose run`. Raises RuntimeError."""
        done = subprocess.run(  # noqa: S603
            self._here(words), cwd=ROOT, env=self.environment(name), capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    # -- how ----------------------------------------------------------------------------------------------------------

    def _is_done(self, name: str, begun: float) -> bool:
        """Whether one has come so far that others may need it. Raises RuntimeError if it never will."""
        service, process = self.services[name], self._processes[name]
        check = service.check
        failed = process.status not in (None, 0) or (check is not None and not process.runs)
        if failed:
            raise RuntimeError(f"{name} ended with {process.status}. It said:\n{process.said()}")
        if check is None:
            return process.status == 0
        if time.monotonic() - self._looked.get(name, 0.0) < check.again_s / 2:
            return False
        well = self._checked(service, check)
        self._looked[name] = time.monotonic()
        if not well and time.monotonic() - begun > check.start_s:
            raise RuntimeError(f"{name} was not well after {check.start_s:g} s. It said:\n{process.said()}")
        return well

    def _checked(self, service: Service, check: Check) -> bool:
        words = self._here([self.places.translate(service, word) for word in check.words])
        try:
            done = subprocess.run(  # noqa: S603
                words, env=self.environment(service.name), timeout=check.timeout_s, capture_output=True
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def _make(self, name: str) -> None:
        if name not in self._processes:
            self._processes[name] = Process(name, self._program(name), self.folder / "logs" / f"{name}.log")

    def _program(self, name: str) -> Program:
        service = self.services[name]
        if _is_ours(service):
            words = [self.places.translate(service, word) for word in service.command]
            return Program(self._here(words), self.environment(name), ROOT)
        its = self.places.environment(service)
        if name == "kafka":
            return kafka.prepare(its, self.folder)
        if name == "postgres":
            data = self.places.path(service, "/var/lib/postgresql/data")
            return postgres.prepare(its, service.command, data, self.places.address(name, 5432))
        raise RuntimeError(f"nobody knows how {service.image} is run as a process")

    def _here(self, words: Sequence[str]) -> list[str]:
        """A command as it is called on this machine."""
        tools = {
            "geofence": [sys.executable, "-m", "service.cli"],
            "healthy": [sys.executable, "-S", str(ROOT / "deploy/container/healthy.py")],
            "pg_isready": [str(postgres.find_tools() / "pg_isready")],
        }
        return [*tools.get(words[0], [words[0]]), *words[1:]]

    def _make_folders(self) -> None:
        secrets = self.folder / "secrets"
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        shutil.rmtree(secrets, ignore_errors=True)  # they name ports of this start
        kept = self.folder / "kept"
        subprocess.run(["sh", str(ROOT / "deploy/secrets.sh"), str(kept)], check=True)  # noqa: S603, S607
        secrets.mkdir(parents=True, mode=0o700)
        for one in kept.iterdir():
            (secrets / one.name).write_text(self.places.translate(self.services["catalog"], one.read_text()))
        for service in self.services.values():
            for inside, source in service.places.items():
                if "/" not in source:
                    self.places.path(service, inside).mkdir(parents=True, exist_ok=True)


def _is_ours(service: Service) -> bool:
    return service.image.startswith(_OURS)


@contextmanager
def cluster(folder: Path, variables: Mapping[str, str], *, published: bool = False) -> Iterator[Cluster]:
    """One that runs meanwhile."""
    one = Cluster(folder, variables, published=published)
    try:
        one.start()
        yield one
    finally:
        one.stop()
