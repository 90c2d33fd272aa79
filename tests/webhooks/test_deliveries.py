"""What receivers get: everything, in order per device, signed, again after failures, whatever they do."""

import asyncio
import base64
import hashlib
import hmac
import logging
import random
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from receiver import Got, Receiver, Reply, receiving
from rig import crowd, expected, move_until, rig_in, sending, until

from catalog.webhook import Filters
from catalog.webhooks import FORMER_MS

HOUR_S = 3600.0


def signatures(got: Got, secret: str) -> str:
    """What the header has to hold for a secret, computed as the specification says."""
    text = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), text, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def test_everything_comes_once_in_order_per_device_and_devices_go_side_by_side(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda got: Reply(late_s=0.002 * (got.number % 5))
            hook = await rig.webhook(receiver.url)
            await rig.tell(*crowd(0, 300))
            async with sending(rig):
                await until(lambda: len(receiver.taken) >= 300)
                await rig.tell(*crowd(300, 600))
                await until(lambda: len(receiver.taken) >= 600)
            assert receiver.sequences(repeats=True) == expected(0, 600)
            assert 1 < receiver.most_under_way <= 6
            assert rig.progress(hook).marks == await rig.ends()
            assert rig.progress(hook).delivered == 600

    asyncio.run(story())


def test_a_delivery_is_the_event_signed_with_its_id_and_both_secrets_while_rotating(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            first = await rig.webhook(receiver.url)
            second, _ = rig.catalog.webhooks.rotate(first.id, by="tests", now_ms=rig.clock.now_ms())
            async with sending(rig, commit_s=7200.0):
                await rig.tell(("d", 1))
                await until(lambda: receiver.taken)
                await rig.clock.move(FORMER_MS / 1000)
                await rig.tell(("d", 2))
                await until(lambda: len(receiver.taken) == 2)
            got, later = receiver.taken
            assert got.headers["webhook-id"] == got.event["id"]
            assert got.headers["content-type"] == "application/cloudevents+json"
            assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
            assert got.headers["webhook-signature"].split() == [signatures(got, s.secret) for s in (second, first)]
            assert later.headers["webhook-signature"] == signatures(later, second.secret)
            assert int(later.headers["webhook-timestamp"]) - int(got.headers["webhook-timestamp"]) == FORMER_MS // 1000
            assert (got.event["type"], got.event["subject"], got.sequence) == ("geofence.region.changed", "d", 1)

    asyncio.run(story())


def test_a_receiver_that_fails_at_random_gets_everything_and_in_order(tmp_path: Path) -> None:
    async def story() -> None:
        chance = random.Random(7)
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda _: Reply(
                chance.choice([200, 200, 200, 200, 500, 404]), late_s=chance.random() / 200
            )
            hook = await rig.webhook(receiver.url)
            await rig.tell(*crowd(0, 120))
            async with sending(rig):
                await move_until(rig, lambda: len(receiver.taken) >= 120, 2.0)
            assert receiver.sequences(repeats=True) == expected(0, 120)
            assert len(receiver.got) > 130
            assert rig.progress(hook).failures == 0

    asyncio.run(story())


def test_a_receiver_that_is_down_for_an_hour_is_asked_seldom_and_then_gets_all(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as other:
            async with receiving() as down:
                port = down.port
            hook = await rig.webhook(f"http://127.0.0.1:{port}/hook")
            await rig.webhook(other.url)
            await rig.tell(*crowd(0, 60))
            async with sending(rig):
                await until(lambda: len(other.taken) == 60)
                await rig.clock.move(HOUR_S)
                await until(lambda: rig.progress(hook).failures >= 10)
                assert rig.progress(hook).failures <= 13
                assert rig.progress(hook).marks == (0, 0, 0, 0)
                assert "ConnectError" in (rig.progress(hook).last_answer or "")
                await rig.tell(*crowd(60, 80))
                await until(lambda: len(other.taken) == 80)
                async with receiving(port=port) as up:
                    await rig.clock.move(HOUR_S)
                    await until(lambda: len(up.taken) == 80)
                    await rig.clock.move(120.0)
                    assert up.sequences(repeats=True) == expected(0, 60) | {
                        f"d{one}": [n for n in range(80) if n % 6 == one] for one in range(6)
                    }
                assert rig.progress(hook).failures == 0
                assert rig.progress(hook).failing_since_ms is None

    asyncio.run(story())


def test_a_slow_or_hanging_receiver_holds_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as hanging, receiving() as brisk:
            hanging.reply = lambda _: Reply(late_s=1000)
            hooks = [await rig.webhook(hanging.url) for _ in range(20)]
            await rig.webhook(brisk.url)
            await rig.tell(*crowd(0, 600))
            async with sending(rig, deadline_s=1.0, window_events=64):
                await until(lambda: len(brisk.taken) == 600)
                assert hanging.under_way >= 20
                await asyncio.sleep(1.2)
                await rig.clock.move(60.0)
            assert brisk.sequences(repeats=True) == expected(0, 600)
            for hook in hooks:
                assert rig.progress(hook).failures >= 1
                assert rig.progress(hook).last_answer == "no answer within 1 s"

    asyncio.run(story())


def test_410_switches_off_at_once_visibly_and_resuming_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda got: Reply(410 if got.sequence == 20 else 200)
            hook = await rig.webhook(receiver.url)
            await rig.tell(*crowd(0, 60))
            async with sending(rig):
                await until(lambda: rig.state(hook) == "dead")
                taken = len(receiver.taken)
                await rig.tell(*crowd(60, 70))
                await rig.clock.move(HOUR_S)
                assert len(receiver.taken) == taken
                found, _ = rig.catalog.webhooks.get(hook.id)
                assert "410" in (found.reason or "")
                assert rig.catalog.audit.lines()[0].action == "webhook.dead"
                receiver.reply = lambda _: Reply()
                rig.catalog.webhooks.resume(hook.id, by="tests", now_ms=rig.clock.now_ms())
                await until(lambda: sum(map(len, receiver.sequences().values())) == 70)
            assert receiver.sequences() == {f"d{one}": [n for n in range(70) if n % 6 == one] for one in range(6)}

    asyncio.run(story())


def test_three_days_of_failures_switch_off(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda _: Reply(500, b"out of order\x00")
            hook = await rig.webhook(receiver.url)
            await rig.tell(("d", 1), ("e", 1))
            async with sending(rig, commit_s=7200.0):
                await until(lambda: receiver.got)
                await rig.clock.move(70 * HOUR_S)
                assert rig.state(hook) == "active"
                assert await move_until(rig, lambda: rig.state(hook) == "dead", HOUR_S) <= 8 * HOUR_S
            found, progress = rig.catalog.webhooks.get(hook.id)
            assert "it answered 500" in (found.reason or "")
            assert progress.marks == (0, 0, 0, 0)
            assert 75 < len(receiver.got) < 95

    asyncio.run(story())


@pytest.mark.parametrize(("status", "asked", "waits_s"), [(503, "600", 600), (429, "86400", 3600), (500, "600", 1)])
def test_retry_after_is_heeded_within_bounds(tmp_path: Path, status: int, asked: str, waits_s: float) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda got: Reply(200 if got.number else status, headers={"Retry-After": asked})
            hook = await rig.webhook(receiver.url)
            await rig.tell(("d", 1))
            async with sending(rig):
                await until(lambda: receiver.got)
                await asyncio.sleep(0.1)
                await rig.clock.move(waits_s - 0.1)
                assert len(receiver.got) == 1
                await rig.clock.move(0.2)
                await until(lambda: receiver.taken)
            assert rig.progress(hook).failures == 0

    asyncio.run(story())


def test_a_change_counts_within_seconds_and_keeps_the_place(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as old, receiving() as new:
            hook = await rig.webhook(old.url)
            its = {"by": "tests", "now_ms": rig.clock.now_ms()}
            async with sending(rig):
                await rig.tell(*crowd(0, 30))
                await until(lambda: len(old.taken) == 30)
                rig.catalog.webhooks.change(hook.id, url=new.url, **its)
                await asyncio.sleep(0.3)
                await rig.tell(*crowd(30, 60))
                await until(lambda: len(new.taken) == 30)
                rig.catalog.webhooks.change(hook.id, pause=True, **its)
                await asyncio.sleep(0.3)
                await rig.tell(*crowd(60, 90))
                await asyncio.sleep(0.3)
                assert len(new.taken) == 30
                rig.catalog.webhooks.resume(hook.id, **its)
                await until(lambda: len(new.taken) == 60)
                rig.catalog.webhooks.replay(hook.id, marks=[0] * 4, from_ms=0, **its)
                await until(lambda: len(new.taken) == 150)
                rig.catalog.webhooks.remove(hook.id, **its)
                await asyncio.sleep(0.3)
                await rig.tell(*crowd(90, 100))
                await asyncio.sleep(0.3)
                assert (len(old.taken), len(new.taken)) == (30, 150)
            assert receiver_order_holds(new)

    asyncio.run(story())


def receiver_order_holds(receiver: Receiver) -> bool:
    """Whether each device's events came in order, but for where it began anew at the first."""
    return all(
        after > before or after < 6
        for events in receiver.sequences(repeats=True).values()
        for before, after in pairwise(events)
    )


def test_filters_send_what_was_asked_for_and_the_place_moves_past_the_rest(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            await rig.webhook(receiver.url, devices=("d1", "d2"), layers=("town",), regions=("a",))
            hook = await rig.webhook(receiver.url, types=("entered",))
            await rig.tell(*crowd(0, 60))
            async with sending(rig):
                await until(lambda: len(receiver.taken) >= 10)
            assert receiver.sequences() == {"d2": [n for n in range(60) if n % 6 == 2]}
            assert rig.progress(hook).marks == await rig.ends()

    asyncio.run(story())


def test_two_processes_share_a_webhook_without_a_repeat_and_one_takes_over(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            await rig.webhook(receiver.url)
            async with sending(rig, lease_s=2.0, commit_s=0.5):
                async with sending(rig, lease_s=2.0, commit_s=0.5):
                    await rig.tell(*crowd(0, 60))
                    await until(lambda: len(receiver.taken) == 60)
                await rig.tell(*crowd(60, 120))
                await until(lambda: len(receiver.taken) == 120)
            assert receiver.sequences(repeats=True) == expected(0, 120)

    asyncio.run(story())


def test_what_retention_took_is_told_and_the_rest_comes(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            hook = await rig.webhook(receiver.url, marks=[10**6, 0, 0, 0])
            await rig.tell(*crowd(0, 30))
            async with sending(rig):
                await until(lambda: len(receiver.taken) == 30)
            lost = rig.progress(hook).lost
            assert lost
            assert lost["partitions"] == [{"partition": 0, "from": 10**6, "to": 0}]

    asyncio.run(story())


def test_an_answer_without_an_end_and_a_connection_that_breaks_are_failures_within_bounds(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            endless = Reply(200, b"x" * 1_000_000, {"Content-Length": str(10**12)})
            receiver.reply = lambda got: endless
            hook = await rig.webhook(receiver.url)
            await rig.tell(("d", 1))
            async with sending(rig):
                await until(lambda: receiver.taken)
                await until(lambda: receiver.under_way == 0)
                await asyncio.sleep(0.2)
            assert rig.progress(hook).delivered == 1  # the status was a success; the rest is not read
            assert len(rig.progress(hook).last_answer or "") <= 300

    asyncio.run(story())


def test_a_row_that_can_not_be_read_holds_what_is_new_until_it_is_mended_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def store(filters: str, webhook: str) -> None:
        with closing(sqlite3.connect(tmp_path / "catalog.db")) as database, database:
            database.execute("UPDATE webhook SET filters = ? WHERE id = ?", (filters, webhook))

    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver, sending(rig):
            await rig.webhook(receiver.url)
            await rig.tell(("d", 1))
            await until(lambda: receiver.taken)
            newer = await rig.webhook(receiver.url.replace("hook", "newer"))
            store('{"unheard": []}', newer.id)
            rig.catalog.webhooks.create(
                url=receiver.url.replace("hook", "third"), filters=Filters(), marks=[0] * 4, by="tests", now_ms=1
            )
            await until(lambda: "webhooks can't be read" in caplog.text)
            await rig.tell(("d", 2))
            await until(lambda: len([got for got in receiver.taken if got.path == "/hook"]) == 2)
            store("{}", newer.id)
            await until(lambda: {got.path for got in receiver.taken} == {"/hook", "/newer", "/third"})

    asyncio.run(story())


def test_what_a_receiver_says_is_in_no_log_and_no_audit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda _: Reply(500, b"hidden")
            hook = await rig.webhook(receiver.url)
            await rig.tell(("d", 1))
            async with sending(rig):
                await move_until(rig, lambda: rig.state(hook) == "dead", HOUR_S)
            assert (rig.progress(hook).last_answer, rig.progress(hook).last_status) == ("hidden", 500)
            assert "it answered 500" in (rig.catalog.webhooks.get(hook.id)[0].reason or "")
            assert "hidden" not in caplog.text + str(rig.catalog.audit.lines())

    with caplog.at_level(logging.INFO):
        asyncio.run(story())
    assert "it answered 500" in caplog.text


def test_a_sender_that_was_stopped_for_long_tries_before_it_gives_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda _: Reply(500)
            hook = await rig.webhook(receiver.url)
            await rig.tell(("d", 1))
            async with sending(rig):
                await until(lambda: receiver.got)
            await rig.clock.move(4 * 24 * HOUR_S)
            tries = len(receiver.got)
            async with sending(rig, lease_s=1e9):
                await until(lambda: len(receiver.got) > tries)
                receiver.reply = lambda _: Reply()
                await move_until(rig, lambda: receiver.taken, 1.0)
            assert rig.state(hook) == "active"

    asyncio.run(story())


def test_a_position_of_another_number_of_partitions_is_dead_with_the_reason_until_it_is_replayed(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            hook = await rig.webhook(receiver.url, marks=[0, 0])
            await rig.tell(("d", 1))
            async with sending(rig):
                await until(lambda: rig.state(hook) == "dead")
                reason = rig.catalog.webhooks.get(hook.id)[0].reason or ""
                assert "one of 2 partitions, and the log has 4: replay it" in reason
                rig.catalog.webhooks.replay(hook.id, marks=[0] * 4, from_ms=0, by="tests", now_ms=1)
                await until(lambda: receiver.taken)

    asyncio.run(story())
