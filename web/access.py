"""Who may: the caller behind a request, and what they may do.

Before every endpoint but health. Invariants: without a valid credential nothing is told, not even whether something is
there; a credential is compared in constant time and never logged; wrong ones are limited per address.
"""

from __future__ import annotations

import base64
import binascii
import logging
import math
import time
from collections.abc import Awaitable, Callable

from fastapi import Request

from catalog import CatalogError
from web.caller import Caller
from web.keyring import Keyring
from web.limits import Buckets
from web.problem import Problem, come_again
from web.tokens import Tokens

_log = logging.getLogger("geofence.web")
_WANTED = {"WWW-Authenticate": 'Bearer realm="geofence", Basic realm="geofence"'}


class Access:
    """Lets callers in."""

    def __init__(
        self,
        keyring: Keyring,
        tokens: Tokens | None,
        failures_a_minute: float,
        now_ms: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keyring, self._tokens, self._now_ms = keyring, tokens, now_ms
        self._failures = Buckets(failures_a_minute / 60, failures_a_minute, clock)

    async def caller(
        self,
        request: Request,
        scope: str | None,
        *,
        key: str | None = None,
        device: str | None = None,
        again: bool = False,
    ) -> Caller:
        """Who is behind a request, if they have the scope. `key`: from the path. Raises Problem 401, 403, 429 and 503.

        The key of `device` itself needs no scope; where `scope` is None nobody does. `again`: they were let in before,
        and a right that has ended since is no attempt with a wrong credential.
        """
        text = key or credential(request)
        if text is None:
            detail = "Send a key: `Authorization: Bearer gf_...`, or as the password of HTTP Basic."
            raise Problem(401, "Who are you?", detail, headers=_WANTED)
        found = await self._known(text)
        if isinstance(found, str):
            if not again:
                self.note_failure(request)
            raise Problem(401, "Not let in", f"{found[0].upper()}{found[1:]}.", headers=_WANTED)
        if scope is not None and not found.may(scope) and (device is None or found.device != device):
            has = ", ".join(sorted(found.scopes)) or "none"
            raise Problem(403, "Not allowed", f"This needs the scope {scope}; {found.name} has {has}.")
        return found

    def note_failure(self, request: Request) -> None:
        """A wrong credential; Problem if there were too many. Right ones pass: one address may be that of a proxy."""
        _wait(self._failures.take(_address(request)))

    def check_failures(self, request: Request) -> None:
        """Problem if there were too many wrong credentials: for what is guessed, right ones must wait as well."""
        _wait(self._failures.wait_s(_address(request)))

    async def learn(self) -> None:
        """Learn at once which keys have changed. Raises CatalogError."""
        await self._keyring.look()

    async def _known(self, text: str) -> Caller | str:
        """The caller whose credential this is, or why there is none."""
        if text.count(".") == 2 and self._tokens is not None:
            return await self._tokens.caller(text, self._now_ms())
        try:
            found = await self._keyring.find(text)
        except CatalogError as error:
            _log.warning(
                "a key is not known here, and the catalog does not answer: %s", error, extra={"action": "catalog_away"}
            )
            raise come_again("This key is not known here yet, and the catalog does not answer.", after_s=5) from None
        if found is None:
            return "the key is wrong"
        refused = found.refused(self._now_ms())
        return refused or Caller(found.id, found.scopes, found.device, found.user, found.grants_consent)


def _address(request: Request) -> str:
    return request.client.host if request.client else "nowhere"


def _wait(wait_s: float) -> None:
    if wait_s:
        raise come_again("Too many wrong credentials from this address.", after_s=math.ceil(wait_s), status=429)


def credential(request: Request) -> str | None:
    """What a request shows: a bearer token, the password of HTTP Basic, or X-API-Key."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() == "basic":
        return _password(rest)
    return request.headers.get("x-api-key")


def _password(encoded: str) -> str | None:
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


def allow(access: Access, scope: str) -> Callable[[Request], Awaitable[Caller]]:
    """What an endpoint depends on: its caller, with this scope."""

    async def let_in(request: Request) -> Caller:
        return await access.caller(request, scope)

    return let_in
