"""What a version decides beside shapes, from what an admin has said and from the version before.

Under the endpoints that make versions. Invariant: a rule is kept with every knob, so that a preset that changes later
changes no version.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from catalog.layer import Layer
from catalog.version import Settings
from geofence.region import InvalidRegion, Kind, Version
from geofence.rule import InvalidRule, Rule
from web.problem import Problem


def settings_of(
    layer: Layer,
    before: Settings | None,
    *,
    rule: dict[str, Any] | UnsetType = UNSET,
    dwell_s: float | UnsetType | None = UNSET,
    nearest_within_m: float | UnsetType = UNSET,
) -> Settings:
    """What holds after that: what is not said is as before. Raises Problem."""
    start = before or Settings(rule=Rule().to_table())
    try:
        knobs = Rule.from_table(start.rule if rule is UNSET else rule)
        dwell = start.dwell_s if dwell_s is UNSET else dwell_s
        nearest = start.nearest_within_m if nearest_within_m is UNSET else nearest_within_m
        kind = Kind(layer.kind)
        Version.of(layer.name, (), kind=kind, rule=knobs, dwell_s=dwell, nearest_within_m=nearest)
    except (InvalidRule, InvalidRegion) as error:
        raise Problem(422, "Can't be", f"{error}.") from None
    return Settings(rule=knobs.to_table(), dwell_s=dwell, nearest_within_m=nearest)


def rule_in(text: str | None) -> dict[str, Any] | UnsetType:
    """A rule in a query: the name of a preset, or a table as JSON. Raises Problem."""
    if text is None:
        return UNSET
    if not text.lstrip().startswith("{"):
        return {"preset": text}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        detail = f"rule is {text[:80]!r}: {error}; allowed: a preset's name, or an object with knobs."
        raise Problem(400, "No such rule", detail) from None


def metres_in(text: str | None, what: str) -> float | UnsetType:
    """A number in a query. Raises Problem."""
    if text is None:
        return UNSET
    try:
        return float(text)
    except ValueError:
        raise Problem(400, "No such number", f"{what} is {text[:40]!r}; allowed: a number.") from None


def seconds_in(text: str | None, what: str) -> float | UnsetType | None:
    """A number in a query, or `none`. Raises Problem."""
    return None if text == "none" else metres_in(text, what)


def is_on(text: str | None, what: str) -> bool:
    """A yes or no in a query. Raises Problem."""
    if text not in (None, "true", "false"):
        raise Problem(400, "Yes or no?", f"{what} is {text[:40]!r}; allowed: true or false.")
    return text == "true"
