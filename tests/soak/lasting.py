"""The whole service at half of what it can do, for long; then kill -9 of everything, and a clean start.

`measured` finds what it can do on this machine, `lasted` is the long run. Invariant: what is found wrong is counted by
a criterion that is written here, not seen by eye.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.soak.phones import INTERVAL_MS, LANES, Phones, phones_at
from tests.soak.served import Counts, Sample
from tests.soak.story import Setting, Story, begun
from tests.soak.tables import delivered_line, verdict_lines
from tests.soak.town import COUNTIES, DISTRICTS, ZONES, publish_other, second, upload
from tests.torture.oracle import Verdict

_LAYERS = (DISTRICTS, ZONES, COUNTIES)
_MEASURED_S = 20.0
_SAMPLE_S, _PARTS = 10.0, 6  # retention keeps, and versions are published every, so many parts of the time
_BEFORE_KILL_S, _AFTER_KILL_S = 15.0, 20.0
_CAPACITY_PHONES, _WARM_PINGS = 20_000, 3  # of each, before it is measured: a phone's first ping costs more
_LEAST_KEPT_MS = 60_000  # so that what is copied every few seconds is still there
_BACK_MS = 600_000  # pings sent at once run ahead of their time

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that has to stay flat: what it was after a fifth of the time, in the end, and at most."""

    what: str
    unit: str
    early: float
    late: float
    most: float
    allowed: float  # for `late`; for `most` where there is nothing else to hold it to

    @property
    def kept(self) -> bool:
        """Whether it stayed."""
        return self.late <= self.allowed

    def shown(self, value: float) -> str:
        """A value of it."""
        return f"{value / 1e6:7,.0f} MB" if self.unit else f"{value:10,.0f}"


@dataclass(slots=True)
class Found:
    """What came of a long run."""

    rate: float
    seconds: float
    limits: Sequence[Limit]
    faults: list[str]  # counters that do not add up
    sums: dict[str, float] = field(default_factory=dict)
    start_s: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)
    undelivered: int = 0
    disordered: int = 0
    repeats: int = 0
    forged: int = 0
    events: int = 0
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether all is as it should be."""
        flat = all(one.kept for one in self.limits)
        return flat and not (self.faults or self.verdict.wrong or self.undelivered or self.disordered or self.forged)

    def text(self) -> str:
        """The table."""
        rows = [
            f"  {one.what:12} {' '.join(map(one.shown, values))}  {'flat' if one.kept else 'NOT FLAT'}"
            for one in self.limits
            for values in [(one.early, one.late, one.most, one.allowed)]
        ]
        sums = [f"  {what:45} {many:14,.0f}" for what, many in self.sums.items()]
        lines = [
            f"\n{self.rate:,.0f} pings/s for {self.seconds / 60:.1f} minutes",
            f"  {'':12} {'early':>10} {'late':>10} {'most':>10} {'allowed':>10}", *rows, *sums,
            *(f"  does not add up: {fault}" for fault in self.faults),
            f"  answers: {', '.join(f'{status} {many:,}' for status, many in sorted(self.statuses.items()))}",
            f"  kill -9 of everything, then a start: {self.start_s:.1f} s", *verdict_lines(self.verdict),
            delivered_line(self),
        ]  # fmt: skip
        return "\n".join([*lines, "good" if self.good else "NOT GOOD"])


async def measured(folder: Path) -> float:
    """Pings a second that are both taken and worked on while more are sent than that."""
    phones = Phones(_CAPACITY_PHONES, LANES, phones_at(1).begin_ms - _BACK_MS, INTERVAL_MS)
    async with begun(Setting(folder, phones, _LAYERS, ZONES, at_once=True)) as story:
        stop = asyncio.Event()
        sending = asyncio.create_task(story.load.run(stop))
        while story.load.acknowledged < _WARM_PINGS * _CAPACITY_PHONES and not sending.done():
            await asyncio.sleep(0.1)
        before, begun_s = await _progress(story), time.monotonic()
        await asyncio.sleep(_MEASURED_S)
        after, took_s = await _progress(story), time.monotonic() - begun_s
        stop.set()
        await sending
    return min(late - early for early, late in zip(before, after, strict=True)) / took_s


async def _progress(story: Story) -> tuple[float, float]:
    counts = await story.served.counts()
    return counts.sum("gateway_pings_accepted_total"), counts.sum("worker_pings_total")


async def lasted(folder: Path, rate: float, minutes: float, say: Say) -> Found:
    """The long run, the kill, the start, the judge."""
    keep_ms = max(_LEAST_KEPT_MS, round(60_000 * minutes / _PARTS))
    async with begun(Setting(folder, phones_at(rate), _LAYERS, ZONES, keep_ms=keep_ms)) as story:
        with story.served.server() as server:
            await asyncio.to_thread(upload, server, second(folder))
        await story.copied()
        begun_s = time.monotonic()
        samples = await _under_load(story, begun_s, 60 * minutes, say)
        await story.drained()
        counts = await story.served.counts()
        found = Found(rate, time.monotonic() - begun_s, limits(samples), *_added_up(story, counts))
        found.start_s = await _killed(story)
        say(f"killed and started again in {found.start_s:.1f} s")
        await story.drained()
        say("all is worked on; now the judge")
        found.verdict, found.undelivered, found.disordered = await story.judged()
        found.repeats, found.forged, found.events = story.hook.repeats, story.hook.forged, story.hook.events
        found.statuses = dict(story.load.statuses)
    return found


async def _under_load(story: Story, begun_s: float, seconds: float, say: Say) -> Sequence[Sample]:
    """Send, look and publish for so long."""
    stop, samples, publish_s = asyncio.Event(), list[Sample](), begun_s + seconds / _PARTS / 2
    sending = asyncio.create_task(story.load.run(stop))
    while (now_s := time.monotonic()) < begun_s + seconds:
        if sending.done():
            await sending
        its = story.served.sample()
        samples.append(its)
        say(f"{now_s - begun_s:6.0f} s  {story.load.acknowledged:12,} pings  {its.resident / 1e6:6.0f} MB  "
            f"{its.files:4} files  log {its.log / 1e6:7.0f} MB  wal {its.wal / 1e6:5.1f} MB  "
            f"{story.copy.events_of.total():10,} events, {story.hook.events:8,} delivered")  # fmt: skip
        await story.copied()
        if now_s > publish_s:
            publish_s += seconds / _PARTS
            with story.served.server() as server:
                say(f"districts, version {await asyncio.to_thread(publish_other, server)}, in force")
        await asyncio.sleep(max(0.0, now_s + _SAMPLE_S - time.monotonic()))
    stop.set()
    await sending
    return samples


async def _killed(story: Story) -> float:
    """Send again, kill everything in the midst of it, start it; the seconds that took."""
    stop = asyncio.Event()
    sending = asyncio.create_task(story.load.run(stop))
    await asyncio.sleep(_BEFORE_KILL_S)
    story.served.kill()
    start_s = await story.served.start()
    await asyncio.sleep(_AFTER_KILL_S)
    stop.set()
    await sending
    return start_s


def limits(samples: Sequence[Sample]) -> Sequence[Limit]:
    """Each beside what it was after a fifth of the time, and what it may be: medians of a tenth of the time.

    Memory may grow by a twentieth, files by 8. The log's file may grow by a fifth over what it was after two fifths,
    when retention has gone through it; what lies beside it has at most 64 MB at any moment.
    """
    tenth = max(1, len(samples) // 10)

    def at(name: str, begin: int) -> float:
        return float(median(getattr(one, name) for one in samples[begin : begin + tenth]))

    def most(name: str) -> float:
        return float(max(getattr(one, name) for one in samples))

    early, mid, late = len(samples) // 5, 2 * len(samples) // 5, len(samples) - tenth
    memory, files, log = at("resident", early), at("files", early), at("log", mid)
    return [
        Limit("memory", "MB", memory, at("resident", late), most("resident"), 1.05 * memory),
        Limit("open files", "", files, at("files", late), most("files"), files + 8),
        Limit("log", "MB", log, at("log", late), most("log"), 1.2 * log),
        Limit("wal", "MB", at("wal", mid), most("wal"), most("wal"), 64e6),
    ]


def _added_up(story: Story, counts: Counts) -> tuple[list[str], dict[str, float]]:
    """What does not add up, and the sums: what clients were told, what the gateway and the worker count."""
    gateway = {one: counts.sum(f"gateway_pings_{one}_total") for one in ("received", "accepted", "rejected", "put_off")}
    worker = {one: counts.sum(f"worker_{one}_total") for one in ("records", "controls", "pings")}
    layers = {
        layer: counts.sum("worker_outcomes_total", layer=layer) for layer in counts.by("worker_outcomes_total", "layer")
    }
    load = story.load
    most = gateway["accepted"] + gateway["put_off"]  # what was put off may have come to the log all the same
    equal = {
        "received = accepted + rejected + put off": (
            gateway["received"], gateway["accepted"] + gateway["rejected"] + gateway["put_off"]
        ),
        "accepted = what clients were told": (gateway["accepted"], load.accepted),
        "rejected = what clients were told": (gateway["rejected"], load.rejected),
        "taken = accepted": (worker["pings"], max(gateway["accepted"], min(worker["pings"], most))),
        "records = controls + pings": (worker["records"], worker["controls"] + worker["pings"]),
        "events = events in the log": (counts.sum("worker_events_total"), story.copy.events_of.total()),
        **{f"outcomes in {layer} = pings": (many, worker["pings"]) for layer, many in layers.items()},
    }  # fmt: skip
    faults = [f"{what}: {left:,.0f} is not {right:,.0f}" for what, (left, right) in equal.items() if left != right]
    return faults, {what: left for what, (left, _) in equal.items()}
