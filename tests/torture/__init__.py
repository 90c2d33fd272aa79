"""The torture: real workers on real logs, faults of every kind while pings come in, and a replay of the input as judge.

`python -m tests.torture --help`; what it does and how to read it is in docs/torture.md. Invariant: nothing here
weakens the judge; a fault counts only if it struck a worker that had said what it owned.
"""
