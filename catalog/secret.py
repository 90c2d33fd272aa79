"""Secrets that are shown once: made, hashed, compared.

A key reads `gf_ID_SECRET`. Letters and digits that are not mistaken for each other, as people type them into phones.
All have 100 random bits at least, so that a plain SHA-256 is enough, and quick enough for every request. The secrets of
webhooks apart: they sign, so that they are kept as they are, and have the form of Standard Webhooks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"
_PREFIX = "gf"
SIGNING_PREFIX, SIGNING_BYTES = "whsec_", 32
ID_LENGTH, SECRET_LENGTH, CODE_LENGTH = 10, 33, 21


def new_id() -> str:
    """An identifier; no secret."""
    return _draw(ID_LENGTH)


def new_key(key_id: str) -> tuple[str, bytes]:
    """A key as it is shown once, and the hash that is kept."""
    text = f"{_PREFIX}_{key_id}_{_draw(SECRET_LENGTH)}"
    return text, hashed(text)


def new_code() -> tuple[str, bytes]:
    """A one-time code in groups of seven, and its hash."""
    text = _draw(CODE_LENGTH)
    return "-".join(text[start : start + 7] for start in range(0, CODE_LENGTH, 7)), hashed(text)


def new_signing_secret() -> str:
    """What signs the deliveries of a webhook."""
    return SIGNING_PREFIX + base64.b64encode(secrets.token_bytes(SIGNING_BYTES)).decode()


def hashed(text: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(text.encode()).digest()


def code_hash(typed: str) -> bytes:
    """The hash of a code as somebody has typed it."""
    return hashed("".join(letter for letter in typed.lower() if letter in _LETTERS))


def key_id(text: str) -> str | None:
    """The identifier in what may be a key; None: it is none."""
    prefix, _, rest = text.partition("_")
    found, _, secret = rest.partition("_")
    return found if prefix == _PREFIX and len(found) == ID_LENGTH and len(secret) == SECRET_LENGTH else None


def same(text: str, kept: bytes) -> bool:
    """Whether a secret is the one whose hash was kept, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(hashed(text), kept)


def _draw(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
