"""Looks at positions are noted, and nobody waits for the line of somebody else."""

import asyncio
import threading
import time

import pytest

from catalog.audit import Line
from web.audited import Looks
from web.caller import Caller
from web.problem import Problem


class SlowAudit:
    """An audit that takes its time for some."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.go_on = threading.Event()

    @property
    def audit(self) -> "SlowAudit":
        """As a catalog has it."""
        return self

    def note(self, line: Line) -> None:
        """Waits for whoever is slow."""
        if line.actor.startswith("slow"):
            self.go_on.wait(20)
        self.lines.append(line)


def caller(name: str) -> Caller:
    return Caller(name, frozenset({"positions:read"}))


def test_who_waits_for_the_catalog_holds_nobody_else_and_is_noted_once() -> None:
    async def story() -> None:
        audit = SlowAudit()
        looks = Looks(audit, lambda: 1_000_000)  # type: ignore[arg-type]
        slow = [asyncio.create_task(looks.note(caller("slow"), "look", "all")) for _ in range(20)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            for _ in range(3):
                await looks.note(caller("quick"), "look", "all")
        audit.go_on.set()
        await asyncio.gather(*slow)
        assert [line.actor for line in audit.lines] == ["quick", "slow"]

    asyncio.run(story())


def test_a_catalog_that_hangs_is_an_answer_within_seconds_and_holds_only_its_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("web.calling._WAIT_S", 0.3)

    async def story() -> None:
        audit = SlowAudit()
        looks = Looks(audit, lambda: 1_000_000)  # type: ignore[arg-type]
        begun = time.monotonic()
        slow = [looks.note(caller(f"slow-{number}"), "look", "all") for number in range(40)]
        try:
            found = await asyncio.gather(*slow, return_exceptions=True)
            assert time.monotonic() - begun < 5
            assert {one.status for one in found if isinstance(one, Problem)} == {503}
            assert len(found) == sum(isinstance(one, Problem) for one in found)
            async with asyncio.timeout(5):
                assert await asyncio.to_thread(lambda: 7) == 7
        finally:
            audit.go_on.set()

    asyncio.run(story())
