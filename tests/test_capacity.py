"""The model of docs/capacity.md: the page has what the command prints, and what it says hangs together."""

import json
import re
from dataclasses import replace

import pytest
from commands import ROOT, run
from hypothesis import given
from hypothesis import strategies as st

from service import capacity
from service.capacity import BUSY, CELL_DEVICES, Load, need

PAGE = (ROOT / "docs" / "capacity.md").read_text()
loads = st.builds(
    Load,
    devices=st.integers(1, 300_000_000),
    every_s=st.floats(1, 600),
    moving=st.floats(0, 1),
    request_pings=st.floats(1, 1000),
    layers=st.integers(1, 20),
)


def test_the_page_shows_what_the_command_prints() -> None:
    printed = run("capacity")
    assert printed.status == 0
    shown = re.search(r"    \$ geofence capacity\n((?:    .*\n)+)", PAGE)
    assert shown is not None
    assert [line[4:] for line in shown[1].splitlines()] == printed.lines


def test_the_page_names_the_figures_that_the_model_is_made_of() -> None:
    for engine in ("embedded", "kafka"):
        assert f"{capacity.WORKER_US[engine]} µs" in PAGE
        assert f"{capacity.REQUEST_US[engine]:.0f} + {capacity.GATEWAY_US[engine]} µs" in PAGE
        assert f"{capacity.ROW_BYTES[engine]}" in PAGE
        assert f"{capacity.PING_BYTES[engine]}" in PAGE
    speed = (ROOT / "docs" / "speed.md").read_text()
    assert f"**{capacity.WORKER_US['kafka']}**" in speed
    assert f"| {capacity.WORKER_US['embedded']} |" in speed
    assert f"{capacity.VIEW_BYTES:,} once" in PAGE
    assert f"{capacity.FOLLOWED_US} µs" in PAGE


@given(load=loads)
def test_nothing_is_planned_beyond_what_it_holds(load: Load) -> None:
    its = need(load)
    assert its.cells * its.devices >= load.devices
    assert its.devices <= CELL_DEVICES
    assert its.workers <= its.partitions
    assert its.worker_cores <= BUSY * its.workers
    assert its.webhook_cores <= BUSY * its.webhooks
    assert its.log_bytes > 0 < its.restore_s


@given(load=loads)
def test_more_devices_never_need_less(load: Load) -> None:
    less, more = need(load), need(replace(load, devices=2 * load.devices))
    assert more.cells * more.processes >= less.cells * less.processes
    assert more.cells * more.memory_bytes >= 0.99 * less.cells * less.memory_bytes
    if more.engine == less.engine:
        assert more.cells * more.log_bytes >= less.cells * less.log_bytes


def test_a_script_gets_numbers() -> None:
    one, other = json.loads(run("capacity", "--devices", 5000, "--devices", "2000000", "--json").out)
    assert one["load"]["devices"] == 5000
    assert one["need"]["engine"] == "embedded"
    assert other["need"]["cells"] == 2


@pytest.mark.parametrize("wrong", [("--every", "0"), ("--moving", "1.5"), ("--devices", "0"), ("--layers", "x")])
def test_what_can_not_be_is_refused(wrong: tuple[str, str]) -> None:
    refused = run("capacity", *wrong)
    assert refused.status == 2
    assert wrong[0] in refused.err


def test_the_page_of_gateways_in_batches_holds() -> None:
    in_batches = need(Load(1_000_000, request_pings=10))
    assert "two gateways do instead of six" in " ".join(PAGE.split())
    assert (in_batches.gateways, need(Load(1_000_000)).gateways) == (2, 6)
