"""Where the services of docker-compose.yml are on this machine: addresses on loopback, files in one folder.

Between `compose`, which has names of hosts and paths inside containers, and `cluster`, which starts processes.
Invariant: a service's host and port, or a path inside it, becomes the same thing here wherever it is named.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path

from deploy.cluster.compose import Service

LOOPBACK = "127.0.0.1"
_ITSELF = ("0.0.0.0", "127.0.0.1", "localhost")  # noqa: S104


class Places:
    """Where everything is."""

    def __init__(self, services: Mapping[str, Service], folder: Path, root: Path, *, published: bool) -> None:
        """`published`: ports that the file publishes are taken as they are, the others from those that are free."""
        self._services, self._folder, self._root = services, folder, root
        self._published, self._ports = published, dict[tuple[str, int], int]()
        names = "|".join(re.escape(one) for one in sorted([*services, *_ITSELF], key=len, reverse=True))
        self._named = re.compile(rf"(?<![\w.-])({names})([:/])(\d+)(?!\w)")

    def port(self, service: str, inside: int) -> int:
        """Where a port of a service is."""
        key = (service, inside)
        if key not in self._ports:
            fixed = self._services[service].ports.get(inside) if self._published else None
            self._ports[key] = fixed or _free_port()
        return self._ports[key]

    def address(self, service: str, inside: int) -> str:
        """The same as HOST:PORT."""
        return f"{LOOPBACK}:{self.port(service, inside)}"

    def path(self, service: Service, inside: str) -> Path:
        """Where a path inside a service is."""
        for target, source in service.places.items():
            if inside == target or inside.startswith(f"{target}/"):
                rest = inside.removeprefix(target).lstrip("/")
                known = self._folder / "volumes" / source if "/" not in source else self._root / source
                return known / rest if rest else known
        raise ValueError(f"{service.name}: {inside} is in no volume and no secret")

    def translate(self, service: Service, text: str) -> str:
        """A text of a service's command, environment or secrets, with addresses and paths as they are here."""

        def here(match: re.Match[str]) -> str:
            host, mark, port = match.groups()
            return f"{LOOPBACK}{mark}{self.port(service.name if host in _ITSELF else host, int(port))}"

        text = self._named.sub(here, text)
        for target in sorted(service.places, key=len, reverse=True):
            text = re.sub(rf"(?<![\w/]){re.escape(target)}(?![\w-])", str(self.path(service, target)), text)
        return text

    def environment(self, service: Service) -> dict[str, str]:
        """The variables of a service."""
        return {name: self.translate(service, value) for name, value in service.environment.items()}


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as one:
        return int(one.getsockname()[1])
