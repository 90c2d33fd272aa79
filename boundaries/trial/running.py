"""A dry run as a whole: partitions side by side in at most two processes, with progress, until done or stopped.

What the API's job and the command line call. Where tracks and pings come from is the caller's affair: it gives
functions that can be pickled and are called in the process that does the work. Invariants: the outcome does not depend
on how partitions are shared out; when it is stopped or fails, nothing of it goes on.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from typing import Protocol

from boundaries.confinement import die_with_parent
from boundaries.errors import BoundaryError, Stopped
from boundaries.trial.at_once import AtOnceCounts, TracksRead, count_at_once
from boundaries.trial.outcome import Examples, Trial
from boundaries.trial.replaying import PingsRead, ReplayCounts, count_replayed
from geofence.atlas import Atlas
from geofence.region import Version

MOST_PROCESSES = 2
_LOOK_S = 0.1


class OpenTracks(Protocol):
    """Reads a partition's `tracks` to its end."""

    def __call__(self, partition: int) -> Iterable[TracksRead]:
        """Its rows in the log's order, in batches."""


class OpenPings(Protocol):
    """Reads a partition's `pings` from where the replay is to begin to its end."""

    def __call__(self, partition: int) -> Iterable[PingsRead]:
        """Its readable records in the log's order, in batches; their times those of the log."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    rows: int  # of tracks
    pings: int
    partitions: int  # that are done
    of: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be tried out."""

    before: Version  # to replay under
    after: Version
    partitions: int
    tracks: OpenTracks | None = None  # None: don't ask what changes at once
    pings: OpenPings | None = None  # None: don't replay
    known: Sequence[Version] = ()  # others that may be in force somewhere
    make_atlas: Callable[[Version], Atlas] = Atlas
    processes: int = MOST_PROCESSES

    def __post_init__(self) -> None:
        """Refuse versions that can't follow each other."""
        one, two = self.before, self.after
        if (one.layer, one.kind) != (two.layer, two.kind):
            raise BoundaryError(
                f"the versions are a {one.kind} of layer {one.layer!r} and a {two.kind} of layer {two.layer!r}; "
                "allowed: two versions of one layer. Choose others."
            )
        if not 1 <= self.processes <= MOST_PROCESSES:
            raise BoundaryError(f"processes is {self.processes}; allowed: 1 to {MOST_PROCESSES}. Choose one of them.")


@dataclass(slots=True)
class _Counts:
    at_once: AtOnceCounts = field(default_factory=AtOnceCounts)
    replayed: ReplayCounts = field(default_factory=ReplayCounts)


Tell = Callable[[int, int], None]  # more rows, more pings; raises Stopped


def try_out(
    plan: Plan,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Trial:
    """Do it. It blocks, so call it in a thread; `stopped` is asked between batches.

    Raises Stopped, and whatever reading raises.
    """
    whole = _Counts()
    alone = plan.processes == 1 or plan.partitions == 1
    for one in (_alone if alone else _side_by_side)(plan, _Watch(plan.partitions, on_progress, stopped)):
        whole.at_once.add(one.at_once)
        whole.replayed.add(one.replayed)
    return Trial(
        layer=plan.after.layer,
        kind=str(plan.after.kind),
        before=plan.before.hash,
        after=plan.after.hash,
        at_once=whole.at_once.outcome() if plan.tracks else None,
        replayed=whole.replayed.outcome() if plan.pings else None,
        examples=Examples(whole.at_once.examples, whole.replayed.matched.examples),
    )


class _Watch:
    """Adds up progress, and notices when to stop."""

    def __init__(self, of: int, on_progress: Callable[[Progress], None], stopped: Callable[[], bool]) -> None:
        self._so_far, self._on_progress, self.stopped = Progress(0, 0, 0, of), on_progress, stopped

    def tell(self, rows: int, pings: int, partitions: int = 0) -> None:
        last = self._so_far
        self._so_far = Progress(last.rows + rows, last.pings + pings, last.partitions + partitions, last.of)
        self._on_progress(self._so_far)

    def check(self) -> None:
        if self.stopped():
            raise _stop()


def _stop() -> Stopped:
    return Stopped("the dry run was stopped before it was done; nothing was changed. Start it again if it is wanted.")


def _alone(plan: Plan, watch: _Watch) -> Iterator[_Counts]:
    def tell(rows: int, pings: int) -> None:
        watch.tell(rows, pings)
        watch.check()

    work = _Work(plan)
    for partition in range(plan.partitions):
        watch.check()
        yield work.partition(partition, tell)
        watch.tell(0, 0, 1)


def _side_by_side(plan: Plan, watch: _Watch) -> Iterator[_Counts]:
    context = multiprocessing.get_context("spawn")
    said: SimpleQueue[tuple[int, int]] = context.SimpleQueue()
    stop = context.Event()
    with ProcessPoolExecutor(plan.processes, context, _begin, (plan, said, stop)) as pool:
        left: set[Future[_Counts]] = {pool.submit(_partition, one) for one in range(plan.partitions)}
        try:
            while left:
                done, left = wait(left, _LOOK_S)
                while not said.empty():
                    watch.tell(*said.get())
                watch.check()
                for one in done:
                    yield one.result()
                    watch.tell(0, 0, 1)
        except BrokenProcessPool:
            raise Stopped(
                "a process of the dry run was ended from outside, perhaps for want of memory; nothing was changed. "
                "Free some memory, or replay fewer hours."
            ) from None
        finally:
            stop.set()
            left = {one for one in left if not one.cancel()}
            while any(one.running() for one in left):  # whoever is still at it must not wait for a reader
                wait(left, _LOOK_S)
                while not said.empty():
                    said.get()


class _Work:
    """What a process does: its atlases are made once."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._atlases = plan, dict[str, Atlas]()

    def partition(self, partition: int, tell: Tell) -> _Counts:
        plan, counts = self._plan, _Counts()
        if plan.tracks is not None:
            known = (plan.before, plan.after, *plan.known)
            read = plan.tracks(partition)
            counts.at_once = count_at_once(read, plan.after, known, self._atlas_of, lambda rows: tell(rows, 0))
        if plan.pings is not None:
            read_pings = plan.pings(partition)
            counts.replayed = count_replayed(
                read_pings, plan.before, plan.after, self._atlas_of, lambda pings: tell(0, pings)
            )
        return counts

    def _atlas_of(self, version: Version) -> Atlas:
        if version.hash not in self._atlases:
            self._atlases[version.hash] = self._plan.make_atlas(version)
        return self._atlases[version.hash]


class _Child:
    """What a child process was given at its start."""

    work: _Work
    said: SimpleQueue[tuple[int, int]]
    stop: Event


def _begin(plan: Plan, said: SimpleQueue[tuple[int, int]], stop: Event) -> None:
    die_with_parent()  # or else who is killed leaves these behind, waiting for work for ever
    _Child.work, _Child.said, _Child.stop = _Work(plan), said, stop


def _partition(partition: int) -> _Counts:
    def tell(rows: int, pings: int) -> None:
        if _Child.stop.is_set():
            raise _stop()
        _Child.said.put((rows, pings))

    return _Child.work.partition(partition, tell)
