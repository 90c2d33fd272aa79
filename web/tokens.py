"""JSON Web Tokens as credentials: RS256, ES256, EdDSA, verified by the keys of a JWKS.

Beside the keyring. Claims: `sub`, `exp`, `scope` (by spaces) or `scopes` (a list), and optionally `nbf`, `device` and
`user`. Invariant: a token without an expiry, with another algorithm or of a key that is not in the set lets nobody in.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

from web.caller import Caller
from web.jwks import Jwks

_ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")
_LEEWAY_S = 30
_MOST_S = 1e15  # of a time: more is none, nor is what is no number
_NOT_OURS = "the token is not signed by a key of ours"


class _Registry(JWSRegistry):
    """These algorithms and no others, whatever the library recommends."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in _ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_REGISTRY = _Registry(strict_check_header=False)  # headers that nobody knows mean nothing, but for `crit`


class Tokens:
    """Verifies tokens."""

    def __init__(self, jwks: Jwks, *, issuer: str | None = None, audience: str | None = None) -> None:
        self.jwks = jwks
        self._issuer, self._audience = issuer, audience

    async def caller(self, text: str, now_ms: int) -> Caller | str:
        """The caller, or why there is none."""
        kid = _kid(text)
        if kid is not None and not await self.jwks.seek(kid):
            return _NOT_OURS
        try:
            claims = jwt.decode(text, self.jwks.keys, registry=_REGISTRY).claims
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _NOT_OURS
        wrong = self._wrong(claims, now_ms // 1000)
        if wrong:
            return wrong
        return Caller(claims["sub"], _scopes(claims), claims.get("device"), claims.get("user"))

    def _wrong(self, claims: dict[str, Any], now_s: int) -> str | None:
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(claims.get("sub"), str) or not _is_time(expires):
            return "the token has no `sub` or no `exp`"
        if now_s >= expires + _LEEWAY_S:
            return "the token has expired"
        if not _is_time(begins) or now_s < begins - _LEEWAY_S:
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


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST_S


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """Both claims count; what is of another form gives no right."""
    text, listed = claims.get("scope"), claims.get("scopes")
    found = text.split() if isinstance(text, str) else []
    return frozenset(found + [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else found)


def _kid(text: str) -> str | None:
    """Which key the token says that it is signed by; not verified."""
    head = text.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        return found["kid"] if isinstance(found["kid"], str) else None
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        return None
