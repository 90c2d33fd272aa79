"""`geofence webhooks` as a process: killed in the midst of deliveries, ended in order, two side by side."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from receiver import Reply, receiving
from rig import crowd, expected, rig_in, until

from tests.broker import tied

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
KILLS = 40 if LONG else 2
AHEAD = 16  # events that some devices may be ahead of others in the same partition
ROOT = Path(__file__).parents[2]


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """The role, on the log and the catalog of a rig; it takes over from a dead one within a second."""
    command = [
        *tied(), sys.executable, "-m", "service.cli", "webhooks", "--log", f"sqlite:{folder / 'log.db'}",
        "--catalog", f"sqlite:{folder / 'catalog.db'}", "--allow-private-addresses", *words,
    ]  # fmt: skip
    quick = {"LEASE_S": "1.5", "COMMIT_S": "0.2", "LOOK_S": "0.1"}
    named = {f"GEOFENCE_WEBHOOKS_{name}": value for name, value in quick.items()}
    environment = {**os.environ, **named, "PYTHONPATH": str(ROOT)}
    with (folder / "said").open("ab") as said:
        return subprocess.Popen(command, cwd=ROOT, stderr=said, env=environment)


def test_a_role_that_is_killed_loses_nothing_and_order_holds(tmp_path: Path) -> None:
    chance = random.Random(3)

    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda _: Reply(late_s=0.01 * chance.random())
            hook, many = await rig.webhook(receiver.url), 0
            for _ in range(KILLS):
                role = start(tmp_path)
                await rig.tell(*crowd(many, many + 300))
                many += 300
                enough = len(receiver.taken) + chance.randint(20, 200)
                await until(lambda enough=enough: len(receiver.taken) > enough, 30)
                role.kill()
                role.wait(10)
            role = start(tmp_path)
            await until(lambda: len({got.headers["webhook-id"] for got in receiver.taken}) == many, 60)
            role.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(role.wait, 10) == 0, (tmp_path / "said").read_text()
            assert receiver.sequences() == expected(0, many)
            assert rig.progress(hook).marks == await rig.ends()
            told = receiver.sequences(repeats=True)
            assert all(after <= before + 6 for one in told.values() for before, after in pairwise(one))
            print(f"{KILLS} kills, {many} events, {len(receiver.taken) - many} came twice")

    asyncio.run(story())


def test_a_role_that_is_told_to_stop_lets_deliveries_end_so_that_few_come_twice(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            receiver.reply = lambda _: Reply(late_s=0.05)
            await rig.webhook(receiver.url)
            await rig.tell(*crowd(0, 200))
            for had in (20, 80):
                role = start(tmp_path)
                await until(lambda had=had: len(receiver.taken) > had, 30)
                role.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(role.wait, 10) == 0, (tmp_path / "said").read_text()
            role = start(tmp_path)
            await until(lambda: len({got.headers["webhook-id"] for got in receiver.taken}) == 200, 30)
            role.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(role.wait, 10) == 0
            assert receiver.sequences() == expected(0, 200)
            assert len(receiver.taken) - 200 <= 2 * AHEAD

    asyncio.run(story())


def test_without_the_setting_a_loopback_receiver_is_not_called_and_the_catalog_says_why(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as receiver:
            hook = await rig.webhook(receiver.url)
            await rig.tell(("d", 1))
            command = [
                *tied(), sys.executable, "-m", "service.cli", "webhooks", "--log", f"sqlite:{tmp_path / 'log.db'}",
                "--catalog", f"sqlite:{tmp_path / 'catalog.db'}",
            ]  # fmt: skip
            role = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
            await until(lambda: rig.progress(hook).failures, 30)
            role.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(role.wait, 10) == 0
            assert "127.0.0.1, which is loopback" in (rig.progress(hook).last_answer or "")
            assert receiver.connections == 0

    asyncio.run(story())


def test_a_log_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig_in(tmp_path):
            pass

    asyncio.run(story())
    command = [
        sys.executable, "-m", "service.cli", "webhooks", "--log", f"sqlite:{tmp_path / 'none.db'}",
        "--catalog", f"sqlite:{tmp_path / 'catalog.db'}",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "none.db" in done.stderr
    assert done.stderr.count("\n") == 1
