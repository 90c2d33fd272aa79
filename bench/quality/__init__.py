"""Judges a rule: its events against the visits of true tracks, beside the rules that others use.

The way through: a `corpus` (pings and the truth behind them), laid over `cells` (regions), is given to a
rule, which yields `events`; `visits` and `align` say which of them are true, `score` what that comes to.
"""
