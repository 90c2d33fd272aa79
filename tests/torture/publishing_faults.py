"""Faults of publishing: publishers killed, stopped and woken late; a version that a worker can't load; a catalog away.

As the faults of workers do, each waits for one who is amid a publication, and strikes that. Recovered is when that
publication has ended as well.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from catalog.publication import FAILED, Publication
from tests.torture.lock import locked
from tests.torture.member import Member
from tests.torture.points import both_sides
from tests.torture.scene import Scene, everything_recovered
from tests.torture.schedule import Strike
from tests.torture.town import PUBLISHING, VERSIONS

_POINT_S = 15.0
_OVERTAKEN_S = 15.0
_LOCKED_S = 6.0  # SQLite waits for 5
_EACH_PARTITION = both_sides("order")  # points that a publication comes to more than once


async def publisher_killed(scene: Scene, strike: Strike) -> None:
    """Kill -9 at a point of publishing; as soon as that may be, its publication is overtaken."""
    member = await _at(scene, strike, "die")
    if member is not None and member.carrying:
        await member.ended.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(PUBLISHING.lease_s):
                while await scene.planner.plan(member.carrying[0]) is None:
                    await asyncio.sleep(0.1)


async def publisher_stopped(scene: Scene, strike: Strike) -> None:
    """SIGSTOP at a point of publishing; woken when another has carried that on, and a later one was sent."""
    member = await _at(scene, strike, "stop")
    if member is None:
        return
    assert member.carrying
    await asyncio.sleep(PUBLISHING.lease_s)
    with suppress(TimeoutError):
        async with asyncio.timeout(_OVERTAKEN_S):
            while not await scene.planner.overtaken(*member.carrying):
                await scene.planner.plan(member.carrying[0])
                await asyncio.sleep(0.3)
    member.send(signal.SIGCONT)
    await asyncio.sleep(0.3)


async def publisher_failed(scene: Scene, strike: Strike) -> None:
    """An error at a point of publishing, such as an answer that is lost."""
    await _at(scene, strike, "fail")


async def unloadable(scene: Scene, strike: Strike) -> None:
    """A version that a worker can't load: its publication fails, and the one before stays in force."""
    owner = await scene.crew.owner(strike.draw)
    layer = [*VERSIONS][int(strike.length * len(VERSIONS))]
    with suppress(TimeoutError):
        async with asyncio.timeout(_POINT_S):
            planned = await _planned(scene, owner, layer)
            ended = await scene.planner.ended(layer, planned.number, sent=True)
            await asyncio.sleep(0.5)  # so that the switch, if there is one, has come
            if owner.unloaded == planned.hash and owner.owns:
                _judge(scene, strike, owner, ended)
    owner.tell(unloadable=None)


async def _planned(scene: Scene, owner: Member, layer: str) -> Publication:
    """A publication of a version that a worker can't load, once nothing else is on its way."""
    while True:
        draft = await scene.planner.draw(layer)
        if draft is not None:
            owner.tell(unloadable=draft.hash)
            await asyncio.sleep(0.2)
            planned = await scene.planner.plan(layer, draft.number)
            if planned is not None:
                return planned


def _judge(scene: Scene, strike: Strike, owner: Member, ended: Publication) -> None:
    """A publication that a worker could not load has ended."""
    until = scene.planner.ended(ended.layer, ended.number)
    scene.struck(strike.kind, f"{owner} {ended.target}", owner=True, until=until)
    if ended.state != FAILED:
        scene.crew.strange.append(f"{ended.target} is {ended.state}, though {owner} can't load it")


async def catalog_locked(scene: Scene, strike: Strike) -> None:
    """Nobody can write to the catalog, nor open it anew; a worker is killed meanwhile, and another has to wait."""
    await everything_recovered(scene)  # who starts needs the log first
    owner = await scene.crew.owner(strike.draw)
    async with locked(scene.database):
        scene.planner.order()
        await asyncio.sleep(0.5 * strike.length)
        scene.struck(strike.kind, f"{owner}", owner=True)
        await owner.kill()
        await asyncio.sleep(_LOCKED_S)


async def _at(scene: Scene, strike: Strike, act: str) -> Member | None:
    """Let a publisher come to the point, and strike there; None: nobody came."""
    some, visit = list(scene.desk.members), strike.visit if strike.point in _EACH_PARTITION else 1
    for one in some:
        one.arm(act, [strike.point], visit)
    scene.planner.order()
    waits = {asyncio.create_task(one.at.wait()): one for one in some}
    done, _ = await asyncio.wait(waits, timeout=_POINT_S, return_when=asyncio.FIRST_COMPLETED)
    for wait, one in waits.items():
        wait.cancel()
        one.tell(disarm=True)
    if not done:
        return None
    member = waits[done.pop()]
    assert member.carrying
    until = scene.planner.ended(*member.carrying)
    scene.struck(strike.kind, f"{member} {strike.point} ({visit})", owner=True, until=until)
    return member
