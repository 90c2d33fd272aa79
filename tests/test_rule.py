"""The knobs of the decision rule."""

import tomllib

import pytest

from geofence.hysteresis import BALANCED, PRESETS, InvalidRule, Rule
from geofence.rule import RULE


def test_balanced_is_the_default() -> None:
    assert Rule() == Rule.preset("balanced") == Rule.from_table({}) == BALANCED


@pytest.mark.parametrize("name", PRESETS)
def test_a_rule_survives_its_table(name: str) -> None:
    rule = Rule.preset(name)
    assert Rule.from_table(rule.to_table()) == rule


def test_a_table_may_start_from_a_preset() -> None:
    rule = Rule.from_table(tomllib.loads('preset = "strict"\nmin_pings = 2\nmax_speed_mps = 300.0'))
    assert (rule.evidence_to_cross, rule.min_pings, rule.max_speed_mps) == (6.0, 2, 300.0)


def test_the_packed_row_has_every_knob() -> None:
    gates = {"ignore_worse_than_m": 250.0, "min_pings": 2, "min_dwell_s": 60.0, "min_margin_m": 25.0}
    rule = Rule.from_table(gates)
    row = rule.packed()[0]
    assert {name: float(row[name]) for name in RULE.names or ()} == rule.to_table()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"evidence_to_cross": 0.0}, "evidence_to_cross is 0.0; allowed are 0.5 to 100"),
        ({"max_speed_mps": float("nan")}, "max_speed_mps is nan, but must be a number from 1 to 10000"),
        ({"max_speed_mps": "fast"}, "max_speed_mps is 'fast', but must be a number"),
        ({"accuracy_trust": None}, "accuracy_trust is None, but must be a number"),
        ({"min_pings": True}, "min_pings is True, but must be a number"),
        ({"min_pings": 1.5}, "min_pings is 1.5, but pings are counted in whole numbers"),
        ({"min_margin_m": -1.0}, "min_margin_m is -1.0; allowed are 0 to 50000"),
        ({"evidence_to_cross": 9.0}, "evidence_when_still is 7, less than evidence_to_cross (9)"),
        ({"preset": "lazy"}, "no preset is called 'lazy'; there are responsive, balanced, strict"),
        ({"min_ping": 3}, "there is no knob 'min_ping'; there are preset, evidence_to_cross"),
    ],
)
def test_a_bad_table_is_refused_with_what_is_allowed(table: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRule) as caught:
        Rule.from_table(table)
    assert says in str(caught.value)
