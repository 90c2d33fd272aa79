"""Settings and attributes that changed: names, and values before and after.

Under `compare`. Invariant: values are ones that JSON has; what is absent and what is null are the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from boundaries.difference.change import Value
from boundaries.difference.side import Side

_PLAIN = (str, int, float, bool, type(None))


def settings_changed(old: Side, new: Side) -> tuple[Value, ...]:
    """Knobs of the rule, and what else an admin sets."""
    return _changed(_settings(old), _settings(new))


def attributes_changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Value, ...]:
    """Properties of a region."""
    if repr(old) == repr(new):  # what is written alike is alike; True and 1 are not
        return ()
    return _changed(
        {name: _plain(value) for name, value in old.items()}, {name: _plain(value) for name, value in new.items()}
    )


def _settings(side: Side) -> dict[str, Any]:
    rule = {f"rule.{field.name}": getattr(side.rule, field.name) for field in fields(side.rule)}
    return {
        "kind": str(side.kind),
        "dwell_s": side.dwell_s,
        "nearest_within_m": side.nearest_within_m,
        **rule,
    }


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Value, ...]:
    names = [*old, *(name for name in new if name not in old)]
    return tuple(
        Value(name=name, before=old.get(name), after=new.get(name))
        for name in names
        if old.get(name) != new.get(name) or isinstance(old.get(name), bool) != isinstance(new.get(name), bool)
    )


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN:
        return None if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _plain(value.item()) if hasattr(value, "item") else str(value)
