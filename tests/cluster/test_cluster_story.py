"""All services of docker-compose.yml as processes: Kafka, PostgreSQL, two gateways, two workers, webhooks; one story.

Phones cross a border through both gateways while a worker is killed, a version is published and every role is
restarted, one after the other. Then the log is read, and its input replayed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import ROOT, layer
from judging import Found, judge, share
from letterbox import Letterbox, letterbox
from travellers import Traffic, crew

from deploy.cluster.cluster import Cluster, cluster
from deploy.cluster.welcome import commands, welcome, write_files

# Kafka's client leaves a connection open that it is closed while making.
pytestmark = pytest.mark.filterwarnings("ignore:.*AIOKafkaConnection.__del__:pytest.PytestUnraisableExceptionWarning")

RESTARTED = ("gateway-1", "gateway-2", "webhooks", "worker-2", "worker-1")
TRAVELLERS, RESTING, WAIT_S = 16, 4, 120.0
EVERY_S, LATER_EVERY_S, CALM_S = 0.5, 2.5, 5.0  # between two pings of a phone; how long nothing happens to the roles
VARIABLES = {"PARTITIONS": "4", "ALLOW_PRIVATE_ADDRESSES": "true", "KAFKA_HEAP_OPTS": "-Xmx256m"}


def town(border: float) -> bytes:
    """West and East of a border."""

    def block(west: float, east: float) -> dict[str, Any]:
        ring = [[west, 0], [east, 0], [east, 0.05], [west, 0.05], [west, 0]]
        return {"type": "Polygon", "coordinates": [ring]}

    return layer(west=block(0, border), east=block(border, 0.1))


@dataclass
class Story:
    """What happened."""

    its: Cluster
    box: Letterbox
    traffic: Traffic
    calm: list[float] = field(default_factory=list)  # seconds from a post to the receipt of what it confirmed
    statuses: dict[str, int] = field(default_factory=dict)
    publication: dict[str, Any] = field(default_factory=dict)
    found: Found = field(default_factory=Found)

    def ask(self, gateway: str, path: str, body: object = None, content: bytes | None = None) -> Any:
        """One request of an administrator's."""
        url = f"http://{self.its.places.address(gateway, 8080)}/v1/{path}"
        method = "GET" if body is None and content is None else "POST"
        headers = {"Authorization": f"Bearer {self.traffic.key}"}
        answer = httpx.request(method, url, json=body, content=content, headers=headers, timeout=30)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def upload(self, gateway: str, border: float) -> int:
        """A version, its number."""
        return int(self.ask(gateway, "layers/town/versions?file=town.geojson", content=town(border))["number"])

    def checked(self, gateway: str, number: int) -> bool:
        """Whether a version can be published."""
        return bool(self.ask(gateway, f"layers/town/versions/{number}")["state"] == "checked")

    def publish(self, gateway: str, number: int, *, replaces: int | None) -> int:
        """Its publication's number."""
        body = {"replaces": replaces, "comment": "because", "expect": TRAVELLERS}
        return int(self.ask(gateway, f"layers/town/versions/{number}/publish", body)["number"])

    def in_force(self, gateway: str, number: int) -> Any:
        """A publication, if it is in force everywhere."""
        found = self.ask(gateway, f"layers/town/publications/{number}")
        return found if found["state"] == "in_force" else None

    def restart(self, name: str) -> None:
        """As one does it by hand: end it in order, start it, wait until it is well."""
        self.statuses[name] = self.its.end(name)
        self.its.begin(name)
        self.its.await_well(name)

    def latencies(self) -> list[float]:
        """Of all events so far that a ping has confirmed: from its first post to the webhook's receipt."""
        found = []
        for key in self.box.ids:
            event = self.box.events[key]
            posted = self.traffic.acknowledged.get((event["subject"], ms_of(event["data"]["confirmed_at"])))
            if event["data"]["cause"] in ("moved", "first_fix") and posted is not None:
                found.append(self.box.received[key] - posted)
        return found


def ms_of(text: str) -> int:
    from geofence.instant import ms_of as read

    return read(text)


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + WAIT_S
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def tell(story: Story) -> None:
    """All of it."""
    its = story.its
    story.ask("gateway-1", "layers", {"name": "town", "kind": "partition"})
    first, second = story.upload("gateway-1", 0.05), story.upload("gateway-2", 0.03)
    until(lambda: story.checked("gateway-2", first) and story.checked("gateway-1", second))
    number = story.publish("gateway-1", first, replaces=None)
    story.ask("gateway-2", "webhooks", {"url": story.box.url})
    until(lambda: story.in_force("gateway-2", number))
    with story.traffic:
        until(lambda: len(story.box.ids) > TRAVELLERS)
        time.sleep(CALM_S)
        story.calm, story.traffic.every_s = story.latencies(), LATER_EVERY_S
        its.kill("worker-1")
        number = story.publish("gateway-2", second, replaces=first)
        for name in RESTARTED[:3]:
            story.restart(name)
        assert its.come_back() == ["worker-1"]
        story.publication = until(lambda: story.in_force("gateway-1", number))
        its.await_well("worker-1")
        for name in RESTARTED[3:]:
            story.restart(name)
    story.found = settled(story)


def settled(story: Story) -> Found:
    """What there is once all is taken and delivered."""
    its, folder = story.its, story.its.folder / "judged"
    folder.mkdir()
    catalog = (its.folder / "secrets/catalog-url").read_text().strip()
    shelf = its.places.path(its.services["worker-1"], "/var/lib/geofence") / "atlases"

    def caught_up() -> bool:
        ready = [httpx.get(f"http://{its.places.address(name, 8082)}/health/ready", timeout=10).json()
                 for name in ("worker-1", "worker-2")]  # fmt: skip
        return all(one["ready"] and not any(its["unread"] for its in one["partitions"]) for one in ready)

    until(caught_up)
    found = until(lambda: _complete(judge(its.places.address("kafka", 9092), catalog, shelf, folder)))
    until(lambda: set(found.ids) <= story.box.ids)
    return found


def _complete(found: Found) -> Found | None:
    """Once as much was told as the input has in it; more would never change that."""
    return found if sum(map(len, found.told.values())) >= sum(map(len, found.expected.values())) else None


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    folder = Path(tempfile.mkdtemp(prefix="geofence-cluster-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        its = stack.enter_context(cluster(folder, VARIABLES))
        box = stack.enter_context(letterbox())
        key = its.run("gateway-1", "geofence", "keys", "create", "tests", "--scope", "admin").strip()
        gateways = [f"http://{its.places.address(name, 8080)}" for name in ("gateway-1", "gateway-2")]
        one = Story(its, box, Traffic(gateways, key, crew(TRAVELLERS, RESTING), EVERY_S))
        tell(one)
        yield one


def test_every_acknowledged_ping_is_in_the_log_and_none_was_refused(story: Story) -> None:
    assert story.traffic.refused == []
    assert len(story.traffic.acknowledged) > 200
    assert story.traffic.acknowledged.keys() - story.found.pings.keys() == set()


def test_every_crossing_is_in_the_topic_once_as_a_replay_of_the_input_tells_it(story: Story) -> None:
    assert story.found.told == story.found.expected
    assert [key for key, many in Counter(story.found.ids).items() if many > 1] == []
    assert len(story.found.told) == TRAVELLERS + RESTING


def test_every_event_came_to_the_receiver_and_each_phone_s_in_order(story: Story) -> None:
    assert story.box.ids == set(story.found.ids)
    assert story.box.disordered == []


def test_the_version_published_amid_it_moved_those_who_rest_once(story: Story) -> None:
    assert story.publication["state"] == "in_force"
    for device, events in story.found.told.items():
        told = [json.loads(event)["data"] for event in events]
        moved = [one["to"]["id"] for one in told if one["cause"] == "boundary"]
        assert moved in ([], ["east"])
        if device.startswith("rest"):
            assert [one["cause"] for one in told] == ["first_fix", "boundary"]


def test_every_role_tells_its_metrics(story: Story) -> None:
    for name, port, metric in (
        ("gateway-1", 8081, "geofence_gateway_publication_waiting_seconds"),
        ("worker-1", 8082, "geofence_worker_offset"),
        ("webhooks", 8083, "geofence_webhooks_deliveries_total"),
    ):
        assert f"# HELP {metric} " in httpx.get(f"http://{story.its.places.address(name, port)}/metrics").text


def test_every_role_ends_in_order_when_it_is_told_to(story: Story) -> None:
    assert story.statuses == dict.fromkeys(RESTARTED, 0)


def test_from_a_post_to_the_receipt_of_its_webhook(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    calm, every = story.calm, story.latencies()
    with capsys.disabled():
        print(
            f"\npost to webhook: p50 {1000 * share(calm, 0.5):.0f} ms, p99 {1000 * share(calm, 0.99):.0f} ms of"
            f" {len(calm)} events; amid faults and restarts at most {max(every):.1f} s, {story.traffic.again} posts"
            f" sent again, {story.box.again} deliveries twice"
        )
    assert len(calm) > TRAVELLERS
    assert share(calm, 0.5) < 10


def test_what_make_cluster_says_names_its_own_addresses_and_commands(story: Story) -> None:
    write_files(story.its)
    lines = "\n".join(welcome(story.its))
    for name in ("gateway-1", "gateway-2"):
        assert f"http://{story.its.places.address(name, 8080)}" in lines
    assert (story.its.folder / "env").stat().st_mode & 0o077 == 0
    told = [command for command, _ in commands(story.its)]
    wanted = told if os.environ.get("HYPOTHESIS_PROFILE") == "torture" else [told[0], *(
        one for one in told if one.startswith("curl") and "/v1/pings" in one)]  # fmt: skip
    script = "\n".join(("set -e", f"cd {ROOT}", *wanted))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"accepted":4,"rejected":[]}' in done.stdout
