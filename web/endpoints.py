"""Endpoints that are served by an application of somebody else: what they are given, and what they give.

Between who owns endpoints and who puts the application together. Invariant: an owner knows its own endpoints and what
is here, and no other owner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from catalog import Catalog
from web.access import Access
from web.audited import Looks
from web.body import BodyLimits
from web.caller import Caller
from web.documents.operation import Operation
from web.documents.schemas import Fields


@dataclass(frozen=True, slots=True)
class Shared:
    """What all endpoints of an application share."""

    access: Access
    catalog: Catalog
    looks: Looks
    body_limits: BodyLimits
    now_ms: Callable[[], int]

    def act(self, caller: Caller) -> dict[str, Any]:
        """Who acts, and when, as the catalog wants to know."""
        return {"by": caller.name, "now_ms": self.now_ms()}


@dataclass(frozen=True, slots=True)
class Described:
    """Endpoints as they are told of."""

    operations: tuple[Operation, ...]
    fields: Fields = field(default_factory=dict)  # what their types can't say


@dataclass(frozen=True, slots=True)
class Further:
    """Endpoints that an application takes beside its own."""

    described: Described
    router: Callable[[Shared], APIRouter]
