"""docs/security.md says what the code does: its times, bounds and defaults are compared with the code's own."""

import re

import pytest
from commands import ROOT

from boundaries.task import Limits
from catalog import jobs
from catalog.keys import SCOPES
from catalog.secret import CODE_LENGTH, SECRET_LENGTH, hashed, new_key
from geofence.crossing import Crossing
from geofence.ping import Ping, Pings
from geofence.wire_events import RegionChange
from ingest.gateway.refusals import KEPT
from ingest.gateway.settings import GatewaySettings
from ingest.letters import KEPT_BYTES
from ingest.settings import WorkerSettings
from ingest.topics import CHANGES, PINGS, REJECTED, topics
from ingest.webhooks.settings import WebhookSettings

PAGE = " ".join((ROOT / "docs" / "security.md").read_text().split())
HOUR_MS = 3_600_000


def row(head: str) -> str:
    """The line of a table that begins so."""
    found = re.search(rf"\| {re.escape(head)} \|([^\n]*)", (ROOT / "docs" / "security.md").read_text())
    assert found is not None, head
    return found[1]


def test_topics_are_kept_for_as_long_as_the_page_says() -> None:
    kept = {topic.name: topic.keep_ms for topic in topics(1)}
    assert kept[PINGS] == 24 * HOUR_MS
    assert "| 24 h;" in row("topic `pings`")
    for name in (CHANGES, REJECTED):
        assert kept[name] == 7 * 24 * HOUR_MS
        assert "| 7 days |" in row(f"topic `{name}`")
    assert WorkerSettings().forget_after_s == 30 * 86_400
    assert "30 days of silence" in row("topic `tracks`")
    assert WorkerSettings().max_age_s == 7 * 86_400
    assert f"first {KEPT_BYTES // 1024} KiB" in row("topic `pings-rejected`")
    assert jobs.KEPT_MS == 7 * 24 * HOUR_MS


def test_bounds_are_those_of_the_settings() -> None:
    gateway, webhooks, limits = GatewaySettings(), WebhookSettings(), Limits()
    assert f"the last {KEPT} refusals of {gateway.refusal_devices:,} devices" in PAGE
    assert f"{gateway.failures_a_minute:.0f} wrong keys a minute from one address" in PAGE
    assert gateway.keys_s == 1
    assert f"{gateway.key_rate:,.0f} pings a second per key and {gateway.device_rate:.0f} per device" in PAGE
    assert f"bodies ({gateway.body_bytes // 10**6} MB, {gateway.plain_bytes // 10**6} MB unpacked)" in PAGE
    assert f"{webhooks.deadline_s:.0f} s and {webhooks.answer_bytes // 1024} kB an answer" in PAGE
    assert f"{limits.memory_bytes >> 30} GiB of memory, {limits.cpu_s // 60} minutes of CPU" in PAGE
    assert f"{limits.file_bytes >> 30} GiB a file" in PAGE
    assert gateway.consent == WorkerSettings().consent == "assumed"


def test_each_scope_is_told() -> None:
    told = PAGE.split("## Who can read what")[1].split("## Keys")[0]
    for scope in SCOPES:
        assert scope in told or f"`:{scope.split(':')[-1]}`" in told, scope


def test_what_is_kept_of_a_key_is_a_hash_of_what_has_random_bits_enough() -> None:
    text, kept = new_key("abcdefghjk")
    assert kept == hashed(text)
    assert len(text.split("_")[2]) == SECRET_LENGTH == 33
    assert 30**SECRET_LENGTH > 2**160
    assert 30**CODE_LENGTH > 2**100


@pytest.mark.parametrize("kind", [Crossing, RegionChange])
def test_no_event_can_have_a_place(kind: type) -> None:
    assert not {"lon", "lat", "lon_deg", "position", "coordinates"} & set(kind.__struct_fields__)


def test_a_mock_flag_decides_nothing() -> None:
    real, mocked = (Ping(device="d", lon=0.1, lat=0.1, time_ms=10, mock=mock) for mock in (False, True))
    assert Pings.of([real]).faults().tolist() == Pings.of([mocked]).faults().tolist() == [0]
    deciding = [path for path in (ROOT / "geofence").glob("*.py") if "mock" in path.read_text()]
    assert {path.name for path in deciding} == {"ping.py", "wire.py", "misfit.py"}, "they read it; none decides by it"
