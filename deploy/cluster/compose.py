"""docker-compose.yml as far as processes need it: commands, environment, health checks, order, ports, places.

Read by `places` and `cluster`. Invariant: what a process is given stands in that file; nothing is written down twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::-([^}]*))?\})")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
HEALTHY, COMPLETED = "service_healthy", "service_completed_successfully"


@dataclass(frozen=True, slots=True)
class Check:
    """How it is found out whether a service is well."""

    words: Sequence[str]
    timeout_s: float
    again_s: float  # while it starts
    start_s: float  # that it may take to start


@dataclass(frozen=True, slots=True)
class Service:
    """One service."""

    name: str
    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    check: Check | None
    needs: Mapping[str, str]  # by name: HEALTHY or COMPLETED
    ports: Mapping[int, int]  # by the port inside: that of this machine
    places: Mapping[str, str]  # by the path inside: a volume's name, or a path of this machine
    comes_back: bool  # it is started again whenever it ends
    grace_s: float  # that it has to end in order


def read_compose(file: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """All services by name. Raises ValueError for what can't be read."""
    told = yaml.safe_load(file.read_text())
    if not isinstance(told, dict) or not isinstance(told.get("services"), dict):
        raise ValueError(f"{file} has no services")
    whole = _filled(told, variables)
    secrets = {name: str(its["file"]) for name, its in whole.get("secrets", {}).items()}
    return {name: _service(name, its, secrets) for name, its in whole["services"].items()}


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """The same with the values of variables in all texts."""
    if isinstance(value, dict):
        return {key: _filled(its, variables) for key, its in value.items()}
    if isinstance(value, list):
        return [_filled(its, variables) for its in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        dollar, name, default = match.groups()
        return "$" if dollar else variables.get(name) or default or ""

    return _VARIABLE.sub(fill, value)


def _service(name: str, its: Mapping[str, Any], secrets: Mapping[str, str]) -> Service:
    places = {f"/run/secrets/{secret}": secrets[secret] for secret in its.get("secrets", [])}
    for one in its.get("volumes", []):
        source, target = one.split(":")[:2]
        places[target] = source
    return Service(
        name=name,
        image=its["image"],
        command=[str(word) for word in its.get("command", [])],
        environment={key: str(value) for key, value in its.get("environment", {}).items()},
        check=_check(its.get("healthcheck")),
        needs={other: how["condition"] for other, how in its.get("depends_on", {}).items()},
        ports={int(inside): int(here) for _, here, inside in (one.split(":") for one in its.get("ports", []))},
        places=places,
        comes_back=its.get("restart") in ("always", "unless-stopped"),
        grace_s=_seconds(its.get("stop_grace_period", "10s")),
    )


def _check(its: Mapping[str, Any] | None) -> Check | None:
    if its is None:
        return None
    kind, *words = its["test"]
    if kind != "CMD":
        raise ValueError(f"a health check begins with {kind!r}; allowed: CMD and the words of a command")
    times = (_seconds(its[key]) for key in ("timeout", "start_interval", "start_period"))
    return Check(words, *times)


def _seconds(text: str) -> float:
    """A time such as 10s or 1m30s."""
    parts = re.findall(r"(\d+)(ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no time; allowed: such as 10s or 1m30s")
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)
