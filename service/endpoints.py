"""All endpoints that a gateway serves: its own, and those of other packages, which it must not know.

Between the packages that own endpoints and whatever serves or tells of them.
"""

from __future__ import annotations

from boundaries.api.documents import DESCRIBED
from ingest.gateway.documents.api import gateway_api
from web.documents.openapi import Api
from web.endpoints import Described

MORE: tuple[Described, ...] = (DESCRIBED,)


def api() -> Api:
    """Every endpoint, as documents tell of it."""
    return gateway_api(MORE)
