"""The health of the role that sends webhooks: ready or why not, and what it counts, whatever receivers do."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from broker import free_ports
from prometheus_client.parser import text_string_to_metric_families
from receiver import Reply, receiving
from rig import Rig, crowd, move_until, rig_in, sending, until
from test_role import start

from ingest.webhooks.metrics import MEASURES, WebhookMetrics, states_of, webhooks_health
from ingest.webhooks.runner import Runner

Samples = dict[tuple[str, ...], float]


@asynccontextmanager
async def asked(runner: Runner) -> AsyncIterator[httpx.AsyncClient]:
    """Its health, without a socket."""
    transport = httpx.ASGITransport(webhooks_health(runner))
    async with httpx.AsyncClient(transport=transport, base_url="http://health") as client:
        yield client


def samples(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def of(runner: Runner) -> Samples:
    told = [one for family in WebhookMetrics(runner).collect() for one in family.samples]
    return {(one.name, *one.labels.values()): one.value for one in told}


async def pause(rig: Rig, url: str) -> None:
    """One more webhook, that is paused."""
    hook = await rig.webhook(url)
    rig.catalog.webhooks.change(hook.id, pause=True, by="tests", now_ms=rig.clock.now_ms())


def test_deliveries_are_counted_by_what_came_of_them_and_states_add_up_to_the_catalog_s(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda got: Reply(500 if "bad" in got.path else 200)
            await rig.webhook(f"{receiver.url}/good")
            bad = await rig.webhook(f"{receiver.url}/bad")
            await pause(rig, receiver.url)
            await rig.tell(*crowd(0, 30))
            async with sending(rig) as runner:
                await until(lambda: of(runner).get(("geofence_webhooks_deliveries_total", "taken"), 0) >= 30)
                await until(lambda: of(runner)["geofence_webhooks_webhooks", "failing"] == 1)
                found = of(runner)
                assert found["geofence_webhooks_deliveries_total", "taken"] == 30
                assert found["geofence_webhooks_deliveries_total", "5xx"] >= 1
                ended = sum(value for key, value in found.items() if key[0] == "geofence_webhooks_deliveries_total")
                assert found["geofence_webhooks_delivery_seconds_count",] == ended == len(receiver.got)
                assert states_of(runner) == {"paused": 1, "delivering": 1, "failing": 1, "elsewhere": 0}
                assert found["geofence_webhooks_waiting_events",] == 30
                await rig.clock.move(600.0)
                assert of(runner)["geofence_webhooks_failing_seconds",] >= 600
                receiver.reply = lambda _: Reply(410)
                await move_until(rig, lambda: rig.state(bad) == "dead", 60.0)
                await until(lambda: of(runner)["geofence_webhooks_died_total",] == 1)
                await until(lambda: states_of(runner).get("dead") == 1)

    asyncio.run(story())


def test_it_is_ready_while_catalog_and_log_answer_and_says_which_does_not(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, sending(rig, ready_s=0.4) as runner, asked(runner) as health:
            await until(lambda: runner.catalog_age_s < 1)
            ready = await health.get("/health/ready")
            assert (ready.status_code, ready.json()["ready"], ready.json()["log"]["answers"]) == (200, True, True)
            told = samples((await health.get("/metrics")).text)
            names = {key[0] for key in told if key[0].startswith("geofence_")}
            assert all(any(name.startswith(one.name) for name in names) for one in MEASURES if one.labels == ())
            runner.means.catalog.webhooks.since = fails  # type: ignore[method-assign]
            await until(lambda: runner.catalog_age_s > 0.4)
            sick = await health.get("/health/ready")
            assert (sick.status_code, sick.json()["catalog"]["answers"]) == (503, False)

    asyncio.run(story())


def fails(*_: Any) -> None:
    raise RuntimeError("no catalog")


def test_the_role_answers_at_its_address(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"

    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            await rig.webhook(receiver.url)
            await rig.tell(*crowd(0, 20))
            role = await asyncio.to_thread(start, tmp_path, "--health", address)
            await until(lambda: len(receiver.taken) >= 20, 30)
            async with httpx.AsyncClient(base_url=f"http://{address}") as client:
                assert (await client.get("/health/ready")).json()["webhooks"]["delivering"] == 1
                found = samples((await client.get("/metrics")).text)
            assert found["geofence_webhooks_deliveries_total", "taken"] == 20
            assert found["geofence_disk_free_bytes",] > 0
            role.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(role.wait, 10) == 0, (tmp_path / "said").read_text()

    asyncio.run(story())
