"""The command `capacity`: what to run for so many devices, by the model of `service.capacity`.

Added to `cli`. Like there, it imports what it needs when it runs. It looks at no running service.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from service.capacity import Load, Need

_EXAMPLES = """\b
Examples:
  geofence capacity
  geofence capacity --devices 250000 --every 15 --moving 0.2 --layers 3
  geofence capacity --devices 1000000 --per-request 10 --json

Exit status: 0; 2 an option can't be used.
"""
_USUAL = (10_000, 1_000_000, 100_000_000)
_MOVING_HELP = "Share of the devices that move, over a day."
_EVENTS_HELP = "Events of a device in a day, each sent to one webhook."
_above = click.FloatRange(0, min_open=True)


@click.command(epilog=_EXAMPLES, short_help="What to run for so many devices, by a model.")
@click.option("--devices", metavar="N", type=click.IntRange(1, 10**10), multiple=True, help="Repeatable.  [default: "
              "10 thousand, 1 million and 100 million]")  # fmt: skip
@click.option("--every", metavar="S", type=_above, default=30.0, show_default=True, help="A ping in S while it moves.")
@click.option("--resting", metavar="S", type=_above, default=600.0, show_default=True, help="A ping in S at rest.")
@click.option("--moving", type=click.FloatRange(0, 1), default=0.1, show_default=True, help=_MOVING_HELP)
@click.option("--peak", type=click.FloatRange(1), default=3.0, show_default=True, help="The busiest hour, beside that.")
@click.option("--per-request", type=click.FloatRange(1), default=1.0, show_default=True, help="Pings in a request.")
@click.option("--layers", type=click.IntRange(1, 1000), default=2, show_default=True, help="Layers in force.")
@click.option("--events", type=click.FloatRange(0), default=4.0, show_default=True, help=_EVENTS_HELP)
@click.option("--json", "as_json", is_flag=True, help="A JSON list, one object for each number of devices.")
def capacity(
    *,
    devices: Sequence[int],
    every: float,
    resting: float,
    moving: float,
    peak: float,
    per_request: float,
    layers: int,
    events: float,
    as_json: bool,
) -> None:
    """Say how many workers, gateways, cores, and how much memory and disk so many devices need.

    A model, not a promise: docs/capacity.md says what in it is measured and what is assumed.
    """
    from dataclasses import asdict

    from service.capacity import Load, need

    loads = [Load(many, every, resting, moving, peak, per_request, layers, events) for many in devices or _USUAL]
    found = [(load, need(load)) for load in loads]
    if as_json:
        click.echo(json.dumps([{"load": asdict(load), "need": asdict(its)} for load, its in found], indent=1))
    else:
        click.echo("\n".join(_lines(found)))


def _lines(found: Sequence[tuple[Load, Need]]) -> list[str]:
    """A table: a line for each thing, a column for each load."""
    rows = [_column(load, its) for load, its in found]
    return [
        f"{name:<38}" + "".join(f"{column[name]:>14}" for column in rows).rstrip() if rows[0][name] else name
        for name in rows[0]
    ]


def _column(load: Load, its: Need) -> dict[str, str]:
    return {
        "devices": f"{load.devices:,}",
        "pings a second, over a day": f"{load.pings:,.0f}",
        "log": its.engine,
        "cells": f"{its.cells:,}",
        "in each cell": "",
        "  pings a second, at the peak": f"{its.pings:,.0f}",
        "  partitions": f"{its.partitions}",
        "  workers": f"{its.workers}",
        "  gateways": f"{its.gateways}",
        "  senders of webhooks": f"{its.webhooks}",
        "  cores for it: workers": f"{its.worker_cores:.2f}",
        "    gateways": f"{its.gateway_cores:.2f}",
        "    senders of webhooks": f"{its.webhook_cores:.2f}",
        "  memory of each worker": _size(its.worker_bytes),
        "    of each gateway": _size(its.gateway_bytes),
        "  a worker has its share after": f"{its.restore_s:.1f} s",
        "  disk of the log, copies included": _size(its.log_bytes),
        "    written in a day": _size(its.log_bytes_a_day),
        "  disk of the catalog": _size(its.catalog_bytes),
        "in all": "",
        "  processes (a core each)": f"{its.cells * its.processes:,}",
        "  memory": _size(its.cells * its.memory_bytes),
        "  disk of the log": _size(its.cells * its.log_bytes),
    }


def _size(many: float) -> str:
    for unit, least in (("TB", 1e12), ("GB", 1e9)):
        if many >= least:
            return f"{many / least:,.1f} {unit}"
    return f"{many / 1e6:,.0f} MB"
