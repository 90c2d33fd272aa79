"""Who of a group has which partition. All members are in the one process that owns the file.

Between `Log.claims` and the claims. Members get even shares and keep what they have where that is even. Invariant:
a partition is given to the next member only after the one before has let go, or has not for `patience_s`; then it
is fenced off by the next `take` as any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from stream.sqlite.claim import SqliteClaim

Make = Callable[[int], SqliteClaim]


class Member:
    """One who has joined: claims come in through a queue."""

    def __init__(self) -> None:
        self._given: asyncio.Queue[SqliteClaim | None] = asyncio.Queue()

    def give(self, claim: SqliteClaim) -> None:
        """Hand over a claim."""
        self._given.put_nowait(claim)

    def end(self) -> None:
        """No more will come."""
        self._given.put_nowait(None)

    async def claims(self) -> AsyncIterator[SqliteClaim]:
        """As they come."""
        while (claim := await self._given.get()) is not None:
            if not claim.revoked.is_set():
                yield claim


class Group:
    """The members of one group on one topic, and their claims. Belongs to one event loop."""

    def __init__(self, partitions: int, make: Make, patience_s: float) -> None:
        self._partitions, self._make, self._patience_s = partitions, make, patience_s
        self._members: list[Member] = []
        self._held: dict[int, tuple[Member, SqliteClaim]] = {}
        self._wanted: dict[int, Member] = {}

    @property
    def empty(self) -> bool:
        """Whether nobody is in it."""
        return not self._members

    def join(self) -> Member:
        """A new member, who will get its share."""
        member = Member()
        self._members.append(member)
        self._share_out()
        return member

    def leave(self, member: Member) -> None:
        """Take away all that a member has."""
        self._members.remove(member)
        member.end()
        for partition, (holder, claim) in list(self._held.items()):
            if holder is member:
                claim.revoke()
                claim.end()
                del self._held[partition]
        self._share_out()

    def _share_out(self) -> None:
        self._wanted = self._even()
        for partition, member in self._wanted.items():
            held = self._held.get(partition)
            if held is None:
                self._give(partition)
            elif held[0] is not member and not held[1].revoked.is_set():
                self._take_back(partition, held[1])

    def _even(self) -> dict[int, Member]:
        """Even shares, moving as little as possible."""
        if not self._members:
            return {}
        least, over = divmod(self._partitions, len(self._members))
        has: dict[Member, list[int]] = {member: [] for member in self._members}
        free = []
        for partition in range(self._partitions):
            held = self._held.get(partition)
            if held is None or held[1].revoked.is_set():
                free.append(partition)
            else:
                has[held[0]].append(partition)
        ranked = sorted(self._members, key=lambda member: -len(has[member]))
        share = {member: least + (place < over) for place, member in enumerate(ranked)}
        for member, partitions in has.items():
            free += partitions[share[member] :]
            del partitions[share[member] :]
        for member, partitions in has.items():
            while len(partitions) < share[member]:
                partitions.append(free.pop(0))
        return {partition: member for member, partitions in has.items() for partition in partitions}

    def _take_back(self, partition: int, claim: SqliteClaim) -> None:
        claim.revoke()
        loop = asyncio.get_running_loop()
        loop.call_later(self._patience_s, self._let_go, partition, claim)
        claim.when_idle(lambda: loop.call_soon(self._let_go, partition, claim))

    def _let_go(self, partition: int, claim: SqliteClaim) -> None:
        held = self._held.get(partition)
        if held is not None and held[1] is claim:
            claim.end()
            del self._held[partition]
            self._give(partition)

    def _give(self, partition: int) -> None:
        member = self._wanted.get(partition)
        if member is not None:
            claim = self._make(partition)
            self._held[partition] = (member, claim)
            member.give(claim)
