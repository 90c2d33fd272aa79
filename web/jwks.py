"""The public keys that sign tokens: a JWKS in a file or at a URL, looked at again from time to time.

Under `tokens`. Invariants: the last good set is kept while the source is away or wrong; a key that can't be read costs
the others nothing; a key that is not known is looked for at once, but not more often than `_UNKNOWN_S`, whatever is
sent; over plain http only from this machine; what may be a secret in a URL is told nobody.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from web.limits import Buckets

_UNKNOWN_S, _UNKNOWN_BURST = 10.0, 3.0  # between two looks for keys that are not known; how many may come at once
_FETCH_S = 5.0
_MOST_BYTES = 1 << 20
_ALLOWED = "allowed: an object with `keys`, as RFC 7517 has it"
_log = logging.getLogger("geofence.web")


class Jwks:
    """A set of keys, and where it comes from."""

    def __init__(self, place: str, *, look_s: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        """`place`: a file or a URL. Raises ValueError if it may not be one."""
        self.place, self.keys = checked_place(place), KeySet([])
        self._look_s, self._clock, self._looking = look_s, clock, asyncio.Lock()
        self._looked = clock()
        self._unknown = Buckets(1 / _UNKNOWN_S, _UNKNOWN_BURST, clock)

    async def look(self) -> None:
        """Learn the keys anew. Raises ValueError with what is wrong; the keys stay as they were."""
        try:
            raw = await _fetched(self.place) if _is_url(self.place) else await asyncio.to_thread(_read, self.place)
            self.keys, self._looked = read_jwks(raw), self._clock()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise ValueError(f"the JWKS {_shown(self.place)} can't be used: {_why(error)}") from None

    async def follow(self) -> None:
        """Look every `look_s`, for ever."""
        while True:
            await asyncio.sleep(self._look_s)
            await self._look_again()

    async def seek(self, kid: str) -> bool:
        """Whether there is a key of this name, if need be after a look."""
        if self._has(kid):
            return True
        async with self._looking:
            if not self._has(kid) and not self._unknown.take("any"):
                await self._look_again()
        return self._has(kid)

    def age_s(self) -> float:
        """Seconds since the keys were last read."""
        return self._clock() - self._looked

    def _has(self, kid: str) -> bool:
        return any(key.kid == kid for key in self.keys.keys)

    async def _look_again(self) -> None:
        try:
            await self.look()
        except ValueError as error:
            _log.warning("%s; the keys stay as they were", error, extra={"action": "jwks_stands"})


def checked_place(place: str) -> str:
    """A file or a URL from which keys may be taken. Raises ValueError."""
    if not _is_url(place):
        return place
    try:
        url = urlsplit(place)
        _ = url.port
    except ValueError:
        raise ValueError(f"the JWKS is at {_shown(place)!r}, which is no URL; allowed: https://HOST/PATH") from None
    if not url.hostname or (url.scheme == "http" and not is_here(url.hostname)):
        allowed = "a file, an https URL, or http on this machine (127.0.0.1, ::1, localhost)"
        raise ValueError(
            f"the JWKS is at {_shown(place)!r}; allowed: {allowed}. Keys over plain http could be anybody's."
        )
    return place


def read_jwks(raw: bytes) -> KeySet:
    """The keys of a JWKS. Raises ValueError with what is wrong."""
    try:
        told = json.loads(raw)["keys"]
        if any(key["kty"] == "oct" for key in told):
            raise ValueError("it has a secret key (oct), and may have public ones only")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is no JWKS: {error}; {_ALLOWED}") from None
    keys = [key for number, one in enumerate(told) if (key := _key(one, number)) is not None]
    if not keys:
        raise ValueError(f"it is no JWKS: none of its {len(told)} keys can be used; {_ALLOWED}")
    return KeySet(keys)


def _key(told: dict[str, Any], number: int) -> Key | None:
    """One key; None if it is of a kind that is not known here, which costs the others nothing."""
    try:
        return KeySet.import_key_set({"keys": [told]}).keys[0]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, JoseError) as error:
        name = str(told.get("kid", ""))[:40]
        _log.warning(
            "key %d of the JWKS, %r, is passed over: %s", number, name, error, extra={"action": "jwks_key_skipped"}
        )
        return None


def _shown(place: str) -> str:
    """A place as it may be told: without a user, a password, a query, any of which may be a secret."""
    if not _is_url(place):
        return place
    beginning = place.partition("?")[0].partition("#")[0]
    scheme, _, rest = beginning.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


async def _fetched(url: str) -> bytes:
    """What is at the URL itself: a redirect could lead to where keys may not be taken from."""
    safe = url.startswith("https:")
    verify = ssl.create_default_context() if safe else False
    async with (
        asyncio.timeout(_FETCH_S),
        httpx.AsyncClient(verify=verify, trust_env=safe, timeout=_FETCH_S) as client,
        client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
    ):
        if answer.status_code != 200:
            raise ValueError(f"the answer is {answer.status_code}; it must be 200, redirects are not followed")
        return await _body(answer)


async def _body(answer: httpx.Response) -> bytes:
    raw = b""
    async for piece in answer.aiter_bytes():
        raw += piece
        if len(raw) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
    return raw


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES} bytes")
    return raw


def _is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def is_here(host: str) -> bool:
    """Whether a host is this machine, which nobody can come between."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or f"no answer within {_FETCH_S:g} s"
