"""Attributes as JSON can have them, and as text that every encoding of ours can take.

Invariant: what comes out can be encoded as JSON, and as UTF-8, and read back the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

_DEPTH = 32
_LEAST, _MOST = -(2**63), 2**64 - 1  # whole numbers that programs can take
_UNFIT = dict.fromkeys((0, *range(55296, 57344)), "�")


def clean_text(text: str) -> str:
    """Text without what UTF-8 and most programs can't take: lone surrogates and the null character."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.translate(_UNFIT)


def jsonable(value: Any, depth: int = 0) -> Any:
    """The value, or the nearest thing that JSON has; bytes and what is nested too deeply become None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int):
        return value if _LEAST <= value <= _MOST else str(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, np.generic):
        return None if isinstance(value, np.bytes_ | np.void) else jsonable(value.item(), depth + 1)
    if depth > _DEPTH:
        return None
    if isinstance(value, Mapping):
        return {clean_text(str(key)): jsonable(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [jsonable(one, depth + 1) for one in value]
    return None if isinstance(value, bytes | bytearray | memoryview) else clean_text(str(value))


def properties_of(value: Any) -> dict[str, Any]:
    """The properties of a feature; anything but an object has none."""
    return jsonable(value) if isinstance(value, dict) else {}
