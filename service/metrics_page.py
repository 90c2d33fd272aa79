"""`docs/metrics.md`: every metric of every role with its kind, its labels and its meaning.

Made from the tables of the roles, for `documents`. Invariant: a metric that is told is here, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest import disk, metrics
from ingest.gateway import metrics as gateway
from ingest.measure import Measure
from ingest.webhooks import metrics as webhooks
from service import publications_due

_HEAD = """# Metrics

Every role answers `/metrics` at its `--health` address, for Prometheus, without a key: let only your own
network reach it. This page is made from the code.

- Units are seconds, bytes and ratios from 0 to 1. A counter begins with 0 when its process starts; a histogram has
  `_bucket`, `_sum` and `_count`.
- No label has the name of a device, a user, a key or a webhook. `layer` has the names of layers,
  `endpoints` one of a few groups, `reason` and `outcome` one of a few words.
- Each process tells of itself and of the partitions that it holds: sum over them. `process_...` are those of the
  process, such as `process_resident_memory_bytes`.

What comes in is what comes out, at any moment that nothing is under way:

- gateway: `pings_received` = `pings_accepted` + `pings_rejected` over all reasons + `pings_put_off`
- worker: `records` = `controls` + `pings`; and in each layer `pings` = `outcomes` over all outcomes (of a layer that is
  new, from then on)
- from the one to the other: what gateways have accepted is what workers take, but for pings that others append,
  and those that a gateway put off though they had come to the log

Outcomes: `confirmed`, `quiet`, `pending`, `late`, `repeated` and `implausible` as in [detection.md](detection.md);
`too_coarse` for the layer's rule; `no_consent`; `dead_letter`: it could not be used.

[operations/](operations/README.md) has alerts and a dashboard on them.
"""
_ROLES: tuple[tuple[str, Sequence[Measure]], ...] = (
    ("Gateway", (*gateway.MEASURES, *publications_due.MEASURES)),
    ("Worker", metrics.MEASURES),
    ("Webhooks", webhooks.MEASURES),
    ("Disk, of each role on an embedded log", disk.MEASURES),
)


def measures() -> list[Measure]:
    """All of them."""
    return [one for _, its in _ROLES for one in its]


def metrics_page() -> str:
    """The page."""
    return "\n".join([_HEAD, *(_table(role, its) for role, its in _ROLES)])


def _table(role: str, its: Sequence[Measure]) -> str:
    lines = [f"## {role}", "", "| metric | kind | labels | |", "|---|---|---|---|"]
    for one in its:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        lines.append(f"| `{one.exposed}` | {one.kind} | {labels} | {one.meaning} |")
    return "\n".join([*lines, ""])
