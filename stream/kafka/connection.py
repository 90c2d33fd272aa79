"""Talking to the brokers: what an error means, deadlines around everything, and closing what may hang.

Invariant: nothing but Unavailable and Unusable leaves a block under `asking`, and not later than its deadline.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from aiokafka import errors
from aiokafka.conn import collect_hosts, create_conn

from stream.kafka.settings import KafkaSettings
from stream.port import LogError, Unavailable, Unusable

T = TypeVar("T")

GIVE_UP = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
    errors.AuthenticationFailedError,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    errors.UnsupportedVersionError,
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTopicError,
    errors.InvalidReplicationFactorError,
    errors.InvalidTimestampError,
    ssl.SSLCertVerificationError,
)
# Once fenced off, aiokafka's producer fails in its own assertions; its admin client fails so while no broker answers.
WAIT = (errors.KafkaError, OSError, TimeoutError, AssertionError, AttributeError, KeyError)


@asynccontextmanager
async def asking(what: str, within_s: float) -> AsyncIterator[None]:
    """A deadline around calls of the client, and their errors as the log's own. `what` names the task in messages."""
    try:
        async with asyncio.timeout(within_s):
            yield
    except LogError:
        raise
    except GIVE_UP as error:
        raise Unusable(f"{what}: {said(error)}") from error
    except WAIT as error:
        late = f"not within {within_s:g} s" if isinstance(error, TimeoutError) and not str(error) else said(error)
        raise Unavailable(f"{what}: {late}") from error


async def again(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the answer is not one to wait for, like a coordinator that is being loaded. Within `asking`."""
    while True:
        try:
            return await ask()
        except errors.KafkaError as error:
            if not error.retriable:
                raise
        await asyncio.sleep(0.1)


def said(error: BaseException) -> str:
    """An error in one line: its name and what it says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


async def close(client: Any, within_s: float) -> None:
    """Stop a producer or consumer. One that can't, because its broker is gone, loses its tasks and connections.

    Raises nothing: stopping may end with the cancellation of a task of the client's own, which is not the caller's.
    """
    stopping = asyncio.ensure_future(client.stop())
    await asyncio.wait({stopping}, timeout=within_s)
    _heed_failed(client)
    if stopping.done():
        stopping.cancelled() or stopping.exception()
        return
    sender = getattr(getattr(client, "_sender", None), "sender_task", None)
    for task in (stopping, sender):
        if task is not None:
            task.cancel()
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
    inner: Any = getattr(client, "client", None) or getattr(client, "_client", None)
    with suppress(*WAIT):
        async with asyncio.timeout(within_s):
            await inner.close()


def _heed_failed(client: Any) -> None:
    """A producer that was fenced off leaves errors that nobody is waiting for; asyncio would report each of them."""
    lanes = getattr(getattr(client, "_message_accumulator", None), "_batches", {}).values()
    waiters = [batch._drain_waiter for lane in lanes for batch in lane]
    waiters.append(getattr(getattr(client, "_txn_manager", None), "_transaction_waiter", None))
    for waiter in waiters:
        if waiter is not None and waiter.done() and not waiter.cancelled():
            waiter.exception()


async def probe(settings: KafkaSettings) -> None:
    """Connect to one broker and log in. Raises Unusable if that is refused, Unavailable if none can be reached.

    aiokafka itself calls both a failed connection; only the first connection of all tells them apart.
    """
    heard: list[str] = []
    try:
        given = settings.client()
    except (OSError, ssl.SSLError) as error:
        raise Unusable(f"TLS can't be set up from ca_file, cert_file and key_file: {said(error)}") from error
    given.pop("bootstrap_servers")
    for host, port, _ in collect_hosts(settings.bootstrap):
        try:
            async with asyncio.timeout(settings.request_s):
                connection = await create_conn(host, port, **given)
        except GIVE_UP as error:
            who = f"{settings.protocol} as {settings.username}"
            raise Unusable(f"{host}:{port} refuses {who}: {said(error)}") from error
        except ValueError as error:  # the broker's part of a SCRAM exchange is wrong
            raise Unusable(f"{host}:{port} is not to be trusted: {said(error)}") from error
        except WAIT as error:
            heard.append(f"{host}:{port} {said(error)}")
        else:
            connection.close()
            return
    raise Unavailable("no broker can be reached: " + "; ".join(heard))
