"""Which addresses may be called: those of the public internet, unless the deployment allows others too.

Before every connection of `delivery`, which connects to the very address that was checked here; a name is not looked up
a second time. Invariant: if any address that a name stands for is refused, none of them is called.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

Resolve = Callable[[str, int], Sequence[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_THREADS = 16  # of their own, so that a name server that hangs keeps nothing else waiting
_UNICAST = ipaddress.ip_network("2000::/3")  # all of IPv6 that the public internet uses
_REFUSED = [
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "is of this host"),
        ("10.0.0.0/8", "is private"),
        ("100.64.0.0/10", "is of a provider's own network"),
        ("127.0.0.0/8", "is loopback"),
        ("169.254.0.0/16", "is link-local"),
        ("172.16.0.0/12", "is private"),
        ("192.0.0.0/24", "is reserved"),
        ("192.0.2.0/24", "is for documentation"),
        ("192.88.99.0/24", "is reserved"),
        ("192.168.0.0/16", "is private"),
        ("198.18.0.0/15", "is for measurements"),
        ("198.51.100.0/24", "is for documentation"),
        ("203.0.113.0/24", "is for documentation"),
        ("224.0.0.0/4", "is multicast"),
        ("240.0.0.0/4", "is reserved"),
        ("::/128", "is of this host"),
        ("::1/128", "is loopback"),
        ("::ffff:0:0/96", "stands for an IPv4 address"),
        ("64:ff9b::/96", "stands for an IPv4 address"),
        ("64:ff9b:1::/48", "stands for an IPv4 address"),
        ("2001::/23", "is reserved"),
        ("2001:db8::/32", "is for documentation"),
        ("2002::/16", "stands for an IPv4 address"),
        ("3fff::/20", "is for documentation"),
        ("fc00::/7", "is private"),
        ("fe80::/10", "is link-local"),
        ("fec0::/10", "is private"),
        ("ff00::/8", "is multicast"),
    )
]


class Refused(Exception):
    """An address that may not be called."""


def why_refused(address: Address) -> str | None:
    """Why an address is not one of the public internet, in words; None: it is."""
    for network, what in _REFUSED:
        if address.version == network.version and address in network:
            return what
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return "is reserved"
    return None


class Addresses:
    """Looks names up, and refuses."""

    def __init__(self, *, private_addresses: bool, resolve: Resolve | None = None) -> None:
        self._private, self._resolve = private_addresses, resolve or looked_up
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")

    async def of(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host that may be called, as numbers. Raises Refused, and OSError where there are none."""
        found = await asyncio.shield(self._looking(host, port))
        for one in found:
            refused = why_refused(ipaddress.ip_address(one))
            if refused and not self._private:
                raise Refused(f"{host} is at {one}, which {refused}; allowed: addresses of the public internet")
        return found

    def _looking(self, host: str, port: int) -> asyncio.Future[Sequence[str]]:
        """A look at a name; all who ask meanwhile share it, so that a name that hangs takes one thread alone."""
        at = (host, port)
        if at not in self._under_way:
            look = asyncio.get_running_loop().run_in_executor(self._pool, self._resolve, host, port)
            self._under_way[at] = look
            look.add_done_callback(lambda _: self._under_way.pop(at))
        return self._under_way[at]

    def close(self) -> None:
        """End the threads; one that hangs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def looked_up(host: str, port: int) -> Sequence[str]:
    """What the system says, in its order. Blocks. Numbers in any form that the system understands are addresses too."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(one[4][0]) for one in found))
