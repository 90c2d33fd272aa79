"""What each setting means and in what it is counted, as its class says.

Under `known`. The sentence is the comment above a field, or the docstring below it. Invariant: a field without one is
an error here, not an empty line in the documents.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

_ABOVE = re.compile(r"((?:    # .*\n)+)    (\w+): ")
_BELOW = re.compile(r'    (\w+): [^\n]*\n    """(.*?)"""', re.DOTALL)
_ENDINGS = {"_s": "s", "_ms": "ms", "_m": "m", "_bytes": "bytes", "_share": "share", "_rate": "pings/s"}
_UNITS = {
    "failures_a_minute": "1/min",
    "jitter": "share",
    "key_burst": "pings",
    "device_burst": "pings",
    "at_once": "deliveries",
    "all_at_once": "deliveries",
    "replication": "copies",
    "min_in_sync": "copies",
    "records_per_producer": "records",
}


def meanings(kind: type[Any]) -> dict[str, str]:
    """A sentence for each field of a class of settings."""
    source = inspect.getsource(kind)
    found = {name: " ".join(line.strip(" #") for line in said.splitlines()) for said, name in _ABOVE.findall(source)}
    return found | {name: " ".join(said.split()) for name, said in _BELOW.findall(source)}


def unit_of(key: str, default: object) -> str:
    """What a number is of; "" where there is nothing to count."""
    if key in _UNITS:
        return _UNITS[key]
    if isinstance(default, bool) or not isinstance(default, int | float):
        return ""
    for ending, unit in _ENDINGS.items():
        if key.endswith(ending):
            return unit
    return key.rpartition("_")[2]
