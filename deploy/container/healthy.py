#!/usr/bin/env python3
"""`healthy [HOST:PORT]`: whether a role is ready, for the health check of a container; 0: it is, 1: it is not.

Asks the address at which the role of this container tells its health: its variable names it, unless it is given.
Needs nothing but Python. Invariant: it ends within its time, and says why where it says no.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException

_VARIABLES = ("GEOFENCE_GATEWAY_HEALTH", "GEOFENCE_WORKER_HEALTH", "GEOFENCE_WEBHOOKS_HEALTH")
_WAIT_S = 4.0


def main(given: Sequence[str], environ: Mapping[str, str]) -> int:
    """Ask, and tell."""
    address = given[0] if given else next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        print(f"the address is {address!r}; allowed: HOST:PORT, or one of {', '.join(_VARIABLES)}", file=sys.stderr)
        return 1
    connection = HTTPConnection("127.0.0.1" if host in ("", "0.0.0.0") else host, int(port), timeout=_WAIT_S)  # noqa: S104
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        said = answer.read(4000).decode(errors="replace")
    except (OSError, HTTPException) as error:
        print(f"{address} does not answer: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    print(said)
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
