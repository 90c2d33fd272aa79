"""Signatures as Standard Webhooks has them: HMAC-SHA256 of id, time and body, one for each secret in use.

Between `delivery` and the receivers. Invariant: the text signed is `id.seconds.body`, and the body is the bytes sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"


def signature(secret: str, message_id: str, seconds: int, body: bytes) -> str:
    """One signature: `v1,` and base64."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message_id}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed_headers(secrets: Sequence[str], message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers by which a receiver knows who sent it, and when."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(secret, message_id, seconds, body) for secret in secrets),
    }
