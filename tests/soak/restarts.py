"""Ended by SIGTERM and started again under load, time after time, one of them by kill -9.

Phones come again as docs/sdk.md has it. Invariant: nobody waits for the load to pause: each end comes at a moment drawn
from the seed, whatever is under way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.soak.phones import phones_at
from tests.soak.story import Setting, begun
from tests.soak.tables import delivered_line, verdict_lines
from tests.soak.town import DISTRICTS
from tests.torture.oracle import Verdict

_LEAST_S, _MOST_S = 0.2, 1.5  # under load, from a start to its end
_LEASE_S = 3  # of webhooks, so that the one that is killed is soon replaced


@dataclass(slots=True)
class Restarted:
    """What came of it."""

    rounds: int
    end_s: list[float] = field(default_factory=list)  # of each SIGTERM
    start_s: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)
    events: int = 0
    undelivered: int = 0
    disordered: int = 0
    repeats: int = 0
    forged: int = 0

    @property
    def good(self) -> bool:
        """Whether all is as it should be."""
        return not (self.verdict.wrong or self.undelivered or self.disordered or self.forged)

    def text(self) -> str:
        """The table."""
        ends, starts = (sorted(one) or [0.0] for one in (self.end_s, self.start_s))
        lines = [
            f"started {self.rounds} times under load, once after kill -9",
            f"  to end: median {median(ends):.2f} s, at most {ends[-1]:.2f} s",
            f"  to start: median {median(starts):.2f} s, at most {starts[-1]:.2f} s",
            f"  answers: {', '.join(f'{status} {many:,}' for status, many in sorted(self.statuses.items()))}",
            *verdict_lines(self.verdict),
            delivered_line(self),
        ]
        return "\n".join([*lines, "good" if self.good else "NOT GOOD"])


async def restarted(folder: Path, rate: float, rounds: int, say: Callable[[str], None], pace: float = 1.0) -> Restarted:
    """So many rounds; `pace`: the part of an SDK's waits that is waited."""
    chance, found, stop = random.Random(rounds), Restarted(rounds), asyncio.Event()
    killed, phones = chance.randrange(rounds), phones_at(rate, interval_ms=1000)
    variables = {"GEOFENCE_WEBHOOKS_LEASE_S": f"{_LEASE_S}", "GEOFENCE_WEBHOOKS_DEADLINE_S": "1"}
    async with begun(Setting(folder, phones, (DISTRICTS,), DISTRICTS, variables=variables, pace=pace)) as story:
        sending = asyncio.create_task(story.load.run(stop))
        for number in range(rounds):
            sent = story.load.acknowledged
            while story.load.acknowledged == sent:
                await asyncio.sleep(0.02)
            await asyncio.sleep(chance.uniform(_LEAST_S, _MOST_S))
            if number == killed:
                story.served.kill()
            else:
                found.end_s.append(await story.served.ended())
            found.start_s.append(await story.served.start())
            say(f"start {number + 1}: {found.start_s[-1]:.2f} s; {story.load.acknowledged:,} pings acknowledged")
        stop.set()
        await sending
        await story.drained()
        found.verdict, found.undelivered, found.disordered = await story.judged()
        found.statuses, found.events = dict(story.load.statuses), story.hook.events
        found.repeats, found.forged = story.hook.repeats, story.hook.forged
    return found
