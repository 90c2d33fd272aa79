"""What receivers may do to a sender: say much, say nothing, or be at an address that is silent."""

import asyncio
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event

from receiver import Got, Reply, receiving

from ingest.webhooks.address import Addresses
from ingest.webhooks.clock import WallClock
from ingest.webhooks.delivery import Answer, Receiver
from ingest.webhooks.settings import WebhookSettings

SECRET = "whsec_" + "c2VjcmV0" * 5


async def send(url: str, times: int, *found: str) -> list[Answer]:
    """Deliveries, one after the other, to a host that is at these addresses."""

    def resolve(host: str, port: int) -> Sequence[str]:
        return found

    addresses = Addresses(private_addresses=True, resolve=resolve)
    settings = WebhookSettings(private_addresses=True, deadline_s=3.0)
    receiver = Receiver(url, addresses, ssl.create_default_context(), settings, WallClock().now_ms)
    try:
        return [await receiver.send("id-1", b"{}", [SECRET]) for _ in range(times)]
    finally:
        await receiver.close()
        addresses.close()


@contextmanager
def silent(host: str, port: int) -> Iterator[None]:
    """An address where connecting takes for ever: what listens there takes no connection any more."""
    sockets = [socket.socket()]
    sockets[0].bind((host, port))
    sockets[0].listen(0)
    for _ in range(3):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((host, port))
        sockets.append(one)
    try:
        yield
    finally:
        for one in sockets:
            one.close()


def test_no_cookie_of_a_receiver_is_kept() -> None:
    async def story() -> None:
        async with receiving() as server:

            def reply(got: Got) -> Reply:
                return Reply(headers={"Set-Cookie": f"c{got.number}={'x' * 100}; Path=/; Max-Age=9999"})

            server.reply = reply
            url = f"http://receiver.test:{server.port}/hook"
            assert all(answer.taken for answer in await send(url, 3, "127.0.0.1"))
            assert [got.headers.get("cookie") for got in server.got] == [None] * 3

    asyncio.run(story())


def test_the_next_address_is_tried_where_one_is_silent() -> None:
    async def story() -> None:
        async with receiving() as server:
            with silent("127.0.0.2", server.port):
                [answer] = await send(f"http://receiver.test:{server.port}/", 1, "127.0.0.2", "127.0.0.1")
            assert answer.taken
            assert 900 <= answer.took_ms < 2000

    asyncio.run(story())


def test_the_only_address_has_all_of_the_deadline() -> None:
    async def story() -> None:
        async with receiving() as server:
            with silent("127.0.0.2", server.port):
                [answer] = await send(f"http://receiver.test:{server.port}/", 1, "127.0.0.2")
            assert answer.text == "no answer within 3 s"

    asyncio.run(story())


def test_a_receiver_without_tls_is_not_called_where_private_addresses_are_not() -> None:
    async def story() -> None:
        addresses = Addresses(private_addresses=False, resolve=lambda host, port: ["93.184.216.34"])
        receiver = Receiver(
            "http://receiver.test/", addresses, ssl.create_default_context(), WebhookSettings(), WallClock().now_ms
        )
        answer = await receiver.send("id-1", b"{}", [SECRET])
        assert answer.status is None
        assert "allowed: https" in answer.text
        await receiver.close()
        addresses.close()

    asyncio.run(story())


def test_a_delivery_has_no_longer_than_the_sender_gives_it() -> None:
    async def story() -> None:
        async with receiving() as server:
            server.reply = lambda _: Reply(late_s=30.0)
            addresses = Addresses(private_addresses=True)
            settings = WebhookSettings(private_addresses=True)
            receiver = Receiver(server.url, addresses, ssl.create_default_context(), settings, WallClock().now_ms)
            answer = await receiver.send("id-1", b"{}", [SECRET], within_s=0.2)
            assert answer.text == "no answer within 0.2 s"
            await receiver.close()
            addresses.close()

    asyncio.run(story())


def test_names_that_hang_hold_no_other_name() -> None:
    async def story() -> None:
        def resolve(host: str, port: int) -> Sequence[str]:
            if host == "dead.test":
                asked.append(host)
                go_on.wait(20)
            return ["127.0.0.1"]

        go_on, asked = Event(), list[str]()
        addresses = Addresses(private_addresses=True, resolve=resolve)
        dead = [asyncio.create_task(addresses.of("dead.test", 443)) for _ in range(40)]
        await asyncio.sleep(0)
        dead[0].cancel()
        try:
            async with asyncio.timeout(5):
                assert await addresses.of("good.test", 443) == ["127.0.0.1"]
        finally:
            go_on.set()
        assert await asyncio.gather(*dead[1:]) == [["127.0.0.1"]] * 39
        assert asked == ["dead.test"]
        await addresses.of("dead.test", 443)
        assert len(asked) == 2
        addresses.close()

    asyncio.run(story())
