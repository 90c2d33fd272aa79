"""Every endpoint of the gateway, its own and those that others add, as one document.

The top of this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geofence.wire_events import Event
from ingest.documents.fields import FIELDS
from ingest.gateway.documents.managing import DEVICES, KEYS
from ingest.gateway.documents.reading import ABOUT, EVENTS, WHERE
from ingest.gateway.documents.sending import APPS, PINGS
from ingest.gateway.documents.webhooks import WEBHOOKS
from web.documents.openapi import Api
from web.documents.operation import Operation
from web.endpoints import Described

_OWN: tuple[Operation, ...] = (PINGS, *APPS, *DEVICES, *KEYS, *WEBHOOKS, EVENTS, *WHERE)

_ABOUT = {
    "title": "geofence: the gateway",
    "version": "1",
    "description": "Pings in, region changes and positions out. A key with the scope admin may do everything. Errors "
    "are problem+json (RFC 9457). See docs/api.md, docs/clients.md and docs/sdk.md.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


def gateway_api(more: Sequence[Described] = ()) -> Api:
    """The gateway's own endpoints, and more."""
    operations = (*_OWN, *(operation for one in more for operation in one.operations), *ABOUT)
    fields: dict[str, Mapping[str, Mapping[str, Any]]] = {**FIELDS}
    for one in more:
        fields |= one.fields
    return Api(_ABOUT, operations, fields, (Event,))
