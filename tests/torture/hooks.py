"""Points around every await of the engines' own (aiokafka's transactions, a grip's questions, SQLite's statements), and
around a version's loading.

Put in place in a worker's process only, over the library and not in the product. Invariant: without an armed point
everything is as it was.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from aiokafka import AIOKafkaProducer

from boundaries.loading import Loader
from geofence.atlas import Atlas
from geofence.library import UnknownVersion
from ingest import following
from stream.kafka.grip import KafkaGrip
from stream.kafka.inquiry import Inquirer
from stream.sqlite import opening
from tests.torture.points import Points, say
from tests.torture.town import SIGN_S

Method = Callable[..., Awaitable[Any]]


def hook_kafka(points: Points) -> None:
    """Around the steps of a transaction, of fencing, and of asking for the committed offset."""
    steps = {
        "start": "fence",
        "begin_transaction": "begin",
        "send_offsets_to_transaction": "offsets",
        "commit_transaction": "commit",
    }
    for name, step in steps.items():
        setattr(AIOKafkaProducer, name, _around(getattr(AIOKafkaProducer, name), step, points, _transactional))
    AIOKafkaProducer.send_batch = _sending(AIOKafkaProducer.send_batch, points)
    Inquirer.committed = _around(Inquirer.committed, "committed", points)  # type: ignore[method-assign]
    KafkaGrip._seen = _around(KafkaGrip._seen, "seen", points)  # type: ignore[method-assign]


def hook_sqlite(points: Points) -> None:
    """Around the statements of the thread that writes."""
    open_writer = opening.open_writer

    def open_hooked(*given: Any) -> Any:
        return HookedConnection(open_writer(*given), points)

    opening.open_writer = open_hooked


@dataclass(slots=True)
class Loading:
    """What a worker is told of loading."""

    unloadable: str | None = None  # the hash of a version that it can't load


def hook_loading(points: Points, loading: Loading) -> None:
    """Around the loading of a version, which may be made to fail; and signs of life come more often."""
    load = Loader.load

    async def hooked(self: Loader, key: str) -> Atlas:
        points.visit("before load")
        if key == loading.unloadable:
            say(say="unloadable", hash=key)
            raise UnknownVersion("made up: it can't be loaded here")
        found = await load(self, key)
        points.visit("after load")
        return found

    Loader.load = hooked  # type: ignore[method-assign]
    following._SIGN_S = SIGN_S


def _transactional(producer: Any) -> bool:
    return producer._txn_manager is not None and producer._txn_manager.transactional_id is not None


def _around(method: Method, step: str, points: Points, where: Callable[[Any], bool] = lambda _: True) -> Method:
    @wraps(method)
    async def hooked(self: Any, *given: Any, **more: Any) -> Any:
        if not where(self):
            return await method(self, *given, **more)
        points.visit(f"before {step}")
        found = await method(self, *given, **more)
        points.visit(f"after {step}")
        return found

    return hooked


def _sending(send_batch: Method, points: Points) -> Method:
    """The batch is handed over at once and answered later; the answer has points of its own."""

    async def answered(answer: Awaitable[Any]) -> Any:
        points.visit("before answer")
        found = await answer
        points.visit("after answer")
        return found

    @wraps(send_batch)
    async def hooked(self: Any, *given: Any, **more: Any) -> Any:
        if not _transactional(self):
            return await send_batch(self, *given, **more)
        points.visit("before send")
        answer = await send_batch(self, *given, **more)
        points.visit("after send")
        return asyncio.ensure_future(answered(answer))

    return hooked


class HookedConnection:
    """A connection whose statements are points; all else is handed on."""

    def __init__(self, connection: sqlite3.Connection, points: Points) -> None:
        self._connection, self._points = connection, points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *given: Any) -> sqlite3.Cursor:
        """One statement."""
        step = statement.split(maxsplit=1)[0]
        step = "write" if step in ("INSERT", "UPDATE", "DELETE", "REPLACE") else step
        self._points.visit(f"before {step}")
        found = self._connection.execute(statement, *given)
        self._points.visit(f"after {step}")
        return found
