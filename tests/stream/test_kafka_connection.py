"""Closing clients of Kafka that don't stop as they should."""

import asyncio

import pytest

from stream.kafka.connection import close


class Client:
    """A client whose stopping ends with an error, or never."""

    def __init__(self, error: BaseException | None) -> None:
        self._error, self.closed = error, False
        self.client = self

    async def stop(self) -> None:
        if self._error is None:
            await asyncio.Event().wait()
        else:
            raise self._error

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("error", [asyncio.CancelledError(), OSError("gone"), ValueError("whatever")])
def test_what_a_client_stops_with_is_not_the_callers(error: BaseException) -> None:
    asyncio.run(close(Client(error), 1))


def test_a_client_that_does_not_stop_loses_its_connections() -> None:
    client = Client(None)
    asyncio.run(close(client, 0.01))
    assert client.closed


def test_who_closes_can_be_cancelled() -> None:
    async def story() -> None:
        closing = asyncio.create_task(close(Client(None), 60))
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(story())
