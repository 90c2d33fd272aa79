"""Faults of workers: killed, stopped, made to fail, added, removed; at random or at a point.

Each picks an owner, one that has said what it owns, and strikes that. Both engines know them.
"""

from __future__ import annotations

import asyncio
import signal

from tests.torture.member import Member
from tests.torture.scene import Scene, within
from tests.torture.schedule import Strike
from tests.torture.town import SESSION_S

_MOST = 4  # workers
_BURST = 10  # times the usual rate, for a batch that it shows if it is taken twice
_FIRST_OF_TAKING = ("after fence", "after committed")  # whichever comes first; only then is the other asked for


async def killed(scene: Scene, strike: Strike) -> None:
    """Kill -9 at a moment that nobody chose."""
    owner = await scene.crew.owner(strike.draw)
    scene.struck(strike.kind, f"{owner}", owner=True)
    await owner.kill()


async def killed_twice(scene: Scene, strike: Strike) -> None:
    """Kill -9, and the next one too while it opens the log."""
    owner = await scene.crew.owner(strike.draw)
    scene.struck(strike.kind, f"{owner}", owner=True)
    await owner.kill()
    while not (begun := [one for one in scene.crew.members if one.begun]):
        await asyncio.sleep(0.005)
    await asyncio.sleep(strike.length * 0.2)
    await begun[-1].kill()


async def killed_at(scene: Scene, strike: Strike) -> None:
    """Kill -9 at a point of committing."""
    owner = await scene.crew.owner(strike.draw)
    await _at(scene, strike, owner, "die")


async def killed_taking(scene: Scene, strike: Strike) -> None:
    """Kill -9 at a point of taking: a commit of an owner fails first, so that it takes the partition anew."""
    owner = await scene.crew.owner(strike.draw)
    owner.arm("fail", ["before grip commit"])
    await _at(scene, strike, owner, "die")


async def killed_switching(scene: Scene, strike: Strike) -> None:
    """Kill -9 while another version is being put in force, some commits into the sweep."""
    owner = await scene.crew.owner(strike.draw)
    scene.planner.order()
    await _at(scene, strike, owner, "die")


async def killed_loading(scene: Scene, strike: Strike) -> None:
    """Kill -9 while it loads a version."""
    await killed_switching(scene, strike)


async def restarted_in_turn(scene: Scene, strike: Strike) -> None:
    """SIGTERM to one after the other, each replaced before the next, while versions are published."""
    scene.struck(strike.kind, f"{len(scene.crew.members)}", owner=bool(scene.crew.owners))
    for one in list(scene.crew.members):
        scene.planner.order()
        one.send(signal.SIGTERM)
        if not await within(one.ended, 10.0):
            scene.crew.strange.append(f"{one} did not end within 10 s of SIGTERM")
            await one.kill()
        await scene.crew.settled()


async def failed_at(scene: Scene, strike: Strike) -> None:
    """An error that may have come too late to undo what was done, such as an answer that is lost."""
    owner = await scene.crew.owner(strike.draw)
    await _at(scene, strike, owner, "fail")


async def stopped(scene: Scene, strike: Strike) -> None:
    """SIGSTOP for longer than the session, then SIGCONT."""
    owner = await scene.crew.owner(strike.draw)
    scene.struck(strike.kind, f"{owner}", owner=True)
    owner.send(signal.SIGSTOP)
    await _wakes(owner, strike)


async def stopped_at(scene: Scene, strike: Strike) -> None:
    """The same at a point of committing, so that a transaction is open meanwhile."""
    owner = await scene.crew.owner(strike.draw)
    if await _at(scene, strike, owner, "stop"):
        await _wakes(owner, strike)


async def overtaken(scene: Scene, strike: Strike) -> None:
    """Stopped at a point of committing, and much of it; wakes up amid another one's taking the partition over."""
    owner = await scene.crew.owner(strike.draw)
    scene.feeder.burst = _BURST
    await asyncio.sleep(0.4)
    came = await _at(scene, strike, owner, "stop")
    scene.feeder.burst = 1
    if not came:
        return
    others = [one for one in scene.crew.members if one is not owner and one.begun]
    for other in others:
        other.arm("stop", _FIRST_OF_TAKING)
    waits = [asyncio.create_task(other.at.wait()) for other in others]
    if waits:
        await asyncio.wait(waits, timeout=8.0, return_when=asyncio.FIRST_COMPLETED)
    owner.send(signal.SIGCONT)
    await asyncio.sleep(0.4 + 0.4 * strike.length)
    for other, wait in zip(others, waits, strict=True):
        wait.cancel()
        other.tell(disarm=True)
        other.send(signal.SIGCONT)


async def added(scene: Scene, strike: Strike) -> None:
    """One more joins, so that all give up and get anew; if there are many one has to go."""
    await scene.crew.settled()
    scene.struck(strike.kind, f"to {len(scene.crew.members)}", owner=bool(scene.crew.owners))
    scene.crew.size += 1
    await scene.crew.add()
    if scene.crew.size > _MOST:
        scene.crew.size -= 1
        (await scene.crew.owner(strike.draw)).send(signal.SIGTERM)


async def removed(scene: Scene, strike: Strike) -> None:
    """SIGTERM: an owner commits what is in flight and goes; replaced only if few are left."""
    owner = await scene.crew.owner(strike.draw)
    scene.crew.size = max(scene.crew.least, scene.crew.size - 1)
    scene.struck(strike.kind, f"{owner}", owner=True)
    owner.send(signal.SIGTERM)
    if not await within(owner.ended, 10.0):
        scene.crew.strange.append(f"{owner} did not end within 10 s of SIGTERM")
        await owner.kill()


async def _at(scene: Scene, strike: Strike, owner: Member, act: str) -> bool:
    """Let it come to the point, and strike there; False: it never came."""
    owner.arm(act, [strike.point], strike.visit)
    while await within(owner.at) and owner.died_at != strike.point:
        owner.at.clear()  # the failure before
    if owner.died_at != strike.point:
        owner.tell(disarm=True)
        return False
    scene.struck(strike.kind, f"{owner} {strike.point} ({strike.visit})", owner=True)
    if act == "die":
        await owner.ended.wait()
    return True


async def _wakes(owner: Member, strike: Strike) -> None:
    await asyncio.sleep(SESSION_S + 0.7 + 1.5 * strike.length)
    owner.send(signal.SIGCONT)
