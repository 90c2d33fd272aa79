"""A test of one webhook: an event that tells of nothing, delivered now, as any other would be.

For the gateway. Invariant: the same rules and signatures as for deliveries; nothing of it is remembered.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import cache
from secrets import token_hex

import msgspec

from catalog.webhook import Webhook
from geofence.instant import text_of
from ingest.webhooks.address import Addresses
from ingest.webhooks.delivery import Answer, Receiver
from ingest.webhooks.settings import WebhookSettings

TYPE = "geofence.webhook.test"


async def try_out(webhook: Webhook, settings: WebhookSettings, now_ms: Callable[[], int]) -> tuple[str, Answer]:
    """The test's id, and what came of it."""
    message_id, now = f"test-{token_hex(12)}", now_ms()
    event = {
        "specversion": "1.0",
        "id": message_id,
        "source": "geofence",
        "type": TYPE,
        "time": text_of(now),
        "datacontenttype": "application/json",
        "data": {"webhook": webhook.id},
    }
    addresses = Addresses(private_addresses=settings.private_addresses)
    receiver = Receiver(webhook.url, addresses, await asyncio.to_thread(_tls), settings, now_ms)
    try:
        return message_id, await receiver.send(message_id, msgspec.json.encode(event), webhook.signing(now))
    finally:
        await receiver.close()
        addresses.close()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
