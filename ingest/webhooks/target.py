"""A webhook's URL taken apart, once, by one parser: what is connected to, and what the receiver is told.

Between what an administrator typed and `delivery`. Invariant: a URL that two programs might read in different ways
(user names, blanks, control characters, other letters than ASCII) is refused.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from ingest.webhooks.address import why_refused

MOST_LETTERS = 2000
_PORTS = {"http": 80, "https": 443}
_ODD = set(" \"<>\\^`{|}'")
_ALLOWED = "allowed: https://HOST[:PORT]/PATH in ASCII, without a user name and without #"


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a URL."""

    scheme: str
    host: str
    port: int
    path: str  # with the query

    @property
    def authority(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Take it apart. Raises ValueError, which says what is allowed."""
    if len(url) > MOST_LETTERS or not url.isascii() or not url.isprintable() or set(url) & _ODD:
        raise ValueError(f"url is {url[:80]!r}; {_ALLOWED}, at most {MOST_LETTERS} letters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"url is {url[:80]!r}; {_ALLOWED}") from None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or "#" in url or "%" in host or port == 0:
        raise ValueError(f"url is {url[:80]!r}; {_ALLOWED}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def check_url(url: str, *, private_addresses: bool) -> None:
    """Refuse what could never be called. What a name stands for is looked at before each call. Raises ValueError."""
    target = target_of(url)
    if private_addresses:
        return
    if target.scheme != "https":
        raise ValueError(f"url is {url[:80]!r}; {_ALLOWED}; http: only where private addresses are allowed")
    try:
        refused = why_refused(ipaddress.ip_address(target.host))
    except ValueError:
        return
    if refused:
        raise ValueError(f"url is {url[:80]!r}: {target.host} {refused}; allowed: an address of the public internet")
