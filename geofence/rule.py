"""The knobs of the decision rule: what an admin may turn, and how the kernels read it.

A `Rule` belongs to a version of a layer and never changes; `packed()` is the row that the compiled functions of
`evidence`, `motion` and `hysteresis` take. What each knob does for an admin stands in `docs/detection.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geofence.rows import dtype_of


class InvalidRule(ValueError):
    """A rule that can't be used: which knob, its value, what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One configuration of the decision rule; the defaults are the balanced preset.

    Evidence is counted in log-odds (5 says: 150 to 1). `None` turns a gate off.
    """

    evidence_to_cross: float = 2.8
    evidence_when_still: float = 7.0
    evidence_to_begin: float = 2.5
    own_evidence: float = 2.0
    sigmas_on_the_way: float = 0.65
    accuracy_trust: float = 1.8
    accuracy_floor_m: float = 8.0
    missing_accuracy_m: float = 100.0
    stationary_s: float = 60.0
    max_speed_mps: float = 100.0
    ignore_worse_than_m: float | None = None
    min_pings: int | None = None
    min_dwell_s: float | None = None
    min_margin_m: float | None = None

    def __post_init__(self) -> None:
        """Refuse what the kernels could not live with."""
        for name, (least, most) in ALLOWED.items():
            value = getattr(self, name)
            if value is None and name in GATES:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
                raise InvalidRule(f"rule: {name} is {value!r}, but must be a number from {least:g} to {most:g}")
            if name == "min_pings" and value != int(value):
                raise InvalidRule(f"rule: min_pings is {value!r}, but pings are counted in whole numbers")
            if not least <= value <= most:
                raise InvalidRule(f"rule: {name} is {value!r}; allowed are {least:g} to {most:g}")
        if self.evidence_when_still < self.evidence_to_cross:
            raise InvalidRule(
                f"rule: evidence_when_still is {self.evidence_when_still:g}, less than evidence_to_cross "
                f"({self.evidence_to_cross:g}); a resting phone needs at least as much: raise the former"
            )

    @classmethod
    def preset(cls, name: str) -> Self:
        """The rule of this name: responsive, balanced or strict."""
        if name not in PRESETS:
            raise InvalidRule(f"rule: no preset is called {name!r}; there are {', '.join(PRESETS)}")
        return replace(cls(), **PRESETS[name])  # type: ignore[arg-type]  # no preset sets a count

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> Self:
        """A rule from a table as TOML has it: `preset` names the start (balanced unless said), other keys are knobs."""
        knobs = dict(table)
        start = cls.preset(str(knobs.pop("preset", "balanced")))
        known = [field.name for field in fields(cls)]
        for name in knobs:
            if name not in known:
                raise InvalidRule(f"rule: there is no knob {name!r}; there are preset, {', '.join(known)}")
        return replace(start, **knobs)  # type: ignore[arg-type]  # __post_init__ checks each value

    def to_table(self) -> dict[str, float | int]:
        """Every knob that is on, so that `from_table` gives the same rule whatever the presets become."""
        table = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in table.items() if value is not None}

    def packed(self) -> NDArray[np.void]:
        """One row for the kernels, which take `packed()[0]`; a gate that is off lets everything through."""
        row = np.zeros(1, RULE).view(np.recarray)
        for name in RULE.names or ():
            value = getattr(self, name)
            row[name] = OPEN_GATE[name] if value is None else value
        return row


ALLOWED: dict[str, tuple[float, float]] = {
    "evidence_to_cross": (0.5, 100.0),
    "evidence_when_still": (0.5, 100.0),
    "evidence_to_begin": (0.1, 100.0),
    "own_evidence": (0.1, 100.0),
    "sigmas_on_the_way": (0.0, 10.0),
    "accuracy_trust": (0.1, 10.0),
    "accuracy_floor_m": (0.5, 1_000.0),
    "missing_accuracy_m": (1.0, 50_000.0),
    "stationary_s": (1.0, 3_600.0),
    "max_speed_mps": (1.0, 10_000.0),
    "ignore_worse_than_m": (1.0, 1_000_000.0),
    "min_pings": (1, 1_000),
    "min_dwell_s": (0.0, 86_400.0),
    "min_margin_m": (0.0, 50_000.0),
}
OPEN_GATE: dict[str, float] = {
    "ignore_worse_than_m": 1e30,
    "min_pings": 0,
    "min_dwell_s": 0,
    "min_margin_m": 0,
}
GATES = tuple(OPEN_GATE)
PRESETS: dict[str, dict[str, float]] = {
    "responsive": {
        "evidence_to_cross": 2.0,
        "evidence_when_still": 5.0,
        "own_evidence": 1.5,
        "sigmas_on_the_way": 0.4,
    },
    "balanced": {},
    "strict": {
        "evidence_to_cross": 6.0,
        "evidence_when_still": 10.0,
        "own_evidence": 4.0,
        "sigmas_on_the_way": 1.5,
    },
}


class RuleRow:
    """The packed row: the knobs of `Rule`, a gate that is off being one that lets everything through."""

    evidence_to_cross: float
    evidence_when_still: float
    evidence_to_begin: float
    own_evidence: float
    sigmas_on_the_way: float
    accuracy_trust: float
    accuracy_floor_m: float
    missing_accuracy_m: float
    stationary_s: float
    max_speed_mps: float
    ignore_worse_than_m: float
    min_pings: float
    min_dwell_s: float
    min_margin_m: float


RULE = dtype_of(RuleRow)
