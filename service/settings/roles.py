"""The tables of settings: one for each role and each engine of the log, and the names that stand in none of them.

Under everything that reads settings. Knows places, not classes, so that nobody waits for the import of a role that is
not used. Invariant: a setting's variable is `GEOFENCE_`, its table and its key in capitals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from service.source import Unusable

START = "GEOFENCE_"
GENERAL = ("log", "catalog", "shelf", "allow_private_addresses", "server")  # in no table
SECRET = ("log", "catalog")  # of these: the addresses may have passwords in them
BESIDE = ("CONFIG", "HOME", "KEY", "CACHE", "LOG_LEVEL", "LOG_FORMAT")  # variables that are no settings of a role


@dataclass(frozen=True, slots=True)
class Role:
    """One table of settings."""

    name: str
    place: str  # of the class, MODULE:NAME
    means: str
    options: tuple[str, ...] = ()  # keys that the command itself reads, by its options
    elsewhere: tuple[str, ...] = ()  # fields of the class that are set by other means

    @property
    def prefix(self) -> str:
        """What its variables begin with."""
        return f"{START}{self.name.upper()}_"

    @property
    def kind(self) -> type[Any]:
        """The class, imported now."""
        module, _, name = self.place.partition(":")
        kind: type[Any] = getattr(import_module(module), name)
        return kind


_GATEWAY = ("listen", "lan", "health", "tls_cert", "tls_key", "jwks", "issuer", "audience", "consent")
ROLES = (
    Role("gateway", "ingest.gateway.settings:GatewaySettings", "of `geofence gateway`", _GATEWAY,
         ("private_addresses",)),
    Role("boundaries", "boundaries.api.settings:BoundarySettings", "of the admins' endpoints in a gateway"),
    Role("publishing", "boundaries.publishing:PublishingSettings", "of the part of a gateway that publishes versions"),
    Role("worker", "ingest.settings:WorkerSettings", "of `geofence worker`", ("health",)),
    Role("webhooks", "ingest.webhooks.settings:WebhookSettings", "of `geofence webhooks`", ("health",),
         ("private_addresses",)),
    Role("kafka", "stream.kafka.settings:KafkaSettings", "of every role whose log is on Kafka",
         elsewhere=("bootstrap",)),
    Role("sqlite", "stream.sqlite.settings:Settings", "of every role whose log is embedded"),
)  # fmt: skip
BY_NAME: Mapping[str, Role] = {role.name: role for role in ROLES}


def check_names(environ: Mapping[str, str]) -> None:
    """Refuse variables that look like misspelt ones; those of the tables are looked at by who reads them."""
    for name in strays(environ):
        near = _meant(name.removeprefix(START))
        if near is not None:
            raise Unusable(f"{name} is set, but there is no such setting; did you mean {START}{near}?")


def strays(environ: Mapping[str, str]) -> list[str]:
    """Variables that begin as ours do, and that nobody reads."""
    plain = _plain()
    prefixes = tuple(role.prefix for role in ROLES)
    ours = (name for name in sorted(environ) if name.startswith(START) and not name.startswith(prefixes))
    return [name for name in ours if name.removeprefix(START) not in plain]


def _plain() -> list[str]:
    return [*(key.upper() for key in GENERAL), *(f"{key.upper()}_FILE" for key in SECRET), *BESIDE]


def _meant(name: str) -> str | None:
    """What a name may be a slip of."""
    near = get_close_matches(name, _plain(), 1, 0.8)
    if near:
        return near[0]
    first, _, rest = name.partition("_")
    table = get_close_matches(first, [role.name.upper() for role in ROLES], 1, 0.8) if rest else []
    return f"{table[0]}_{rest}" if table else None
