"""Addresses of this machine in its networks, and links as QR codes that a phone reads off the terminal.

For `geofence gateway --lan` and `geofence devices add --qr`. Invariant: no secret is in a code but a one-time code that
somebody has asked for.
"""

from __future__ import annotations

import base64
import io
import ipaddress
import json
import socket
from contextlib import suppress

import segno

_ELSEWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))  # nothing is ever sent there


def addresses() -> list[str]:
    """Where other machines of the network may reach this one, the likeliest first."""
    found = [address for place, family in _ELSEWHERE if (address := _source(place, family))]
    with suppress(OSError):
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    return [one for one in dict.fromkeys(found) if _is_reachable(one)]


def url_of(host: str, port: int, *, tls: bool) -> str:
    """The URL of a server."""
    return f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"


def owntracks_link(url: str) -> str:
    """What sets OwnTracks up for a gateway, but for the user's name and the key."""
    its = {"_type": "configuration", "mode": 3, "url": f"{url}/v1/clients/owntracks", "auth": True}
    packed = base64.b64encode(json.dumps(its, separators=(",", ":")).encode()).decode()
    return f"owntracks:///config?inline={packed}"


def enrolment_link(url: str, code: str) -> str:
    """Where a phone exchanges its code for a key. A browser sends nobody what is behind the #."""
    return f"{url.rstrip('/')}/enrol#{code}"


def qr(text: str) -> str:
    """A QR code in block characters, for dark and light terminals alike."""
    out = io.StringIO()
    segno.make(text, micro=False, error="l").terminal(out, compact=True)
    return out.getvalue()


def _source(place: str, family: int) -> str | None:
    """The address from which this machine would send there."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((place, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return None


def _is_reachable(address: str) -> bool:
    its = ipaddress.ip_address(address.partition("%")[0])
    return not (its.is_loopback or its.is_link_local or its.is_unspecified)
