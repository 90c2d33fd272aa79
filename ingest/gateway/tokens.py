"""JSON Web Tokens as credentials: RS256, ES256, EdDSA, verified by the keys of a JWKS.

Beside the keyring. Claims: `sub`, `exp`, `scope` (by spaces), and optionally `device` and `user`. Invariant: a token
without an expiry, with another algorithm or of a key that is not in the set lets nobody in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ingest.gateway.caller import Caller

_ALGORITHMS = ["RS256", "ES256", "EdDSA", "Ed25519"]
_LEEWAY_S = 30


class Tokens:
    """Verifies tokens."""

    def __init__(self, keys: KeySet, *, issuer: str | None = None, audience: str | None = None) -> None:
        self.keys = keys
        self._issuer, self._audience = issuer, audience

    @classmethod
    def of_file(cls, path: Path, **more: Any) -> Tokens:
        """With the keys of a JWKS file. Raises ValueError with what is wrong."""
        return cls(read_jwks(path.read_bytes()), **more)

    def caller(self, text: str, now_ms: int) -> Caller | str:
        """The caller, or why there is none."""
        try:
            claims = jwt.decode(text, self.keys, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError, KeyError, TypeError):
            return "the token is not signed by a key of ours"
        wrong = self._wrong(claims, now_ms // 1000)
        if wrong:
            return wrong
        device, user = claims.get("device"), claims.get("user")
        return Caller(str(claims["sub"]), frozenset(str(claims.get("scope", "")).split()), device, user)

    def _wrong(self, claims: dict[str, Any], now_s: int) -> str | None:
        times = [claims.get(name) for name in ("exp", "nbf")]
        if not isinstance(claims.get("sub"), str) or not isinstance(times[0], int | float):
            return "the token has no `sub` or no `exp`"
        if now_s >= times[0] + _LEEWAY_S:
            return "the token has expired"
        if isinstance(times[1], int | float) and now_s < times[1] - _LEEWAY_S:
            return "the token is not valid yet"
        if self._issuer is not None and claims.get("iss") != self._issuer:
            return "the token is of another issuer"
        audience = claims.get("aud")
        if self._audience is not None and self._audience not in (
            audience if isinstance(audience, list) else [audience]
        ):
            return "the token is for another audience"
        if not all(isinstance(claims.get(name), str | None) for name in ("device", "user")):
            return "the token's `device` or `user` is no text"
        return None


def read_jwks(raw: bytes) -> KeySet:
    """The keys of a JWKS. Raises ValueError with what is wrong."""
    try:
        found = KeySet.import_key_set(json.loads(raw))
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise ValueError(f"it is no JWKS: {error}; allowed: an object with `keys`, as RFC 7517 has it") from None
    if any(key.key_type == "oct" for key in found.keys):
        raise ValueError("the JWKS has a secret key (oct); allowed: public keys of RSA, EC or OKP")
    return found
