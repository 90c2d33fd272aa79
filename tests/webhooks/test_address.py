"""Which addresses are called: in whatever form a private one is given, nothing connects to it."""

import asyncio
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from certificates import certificate
from receiver import Receiver as Server
from receiver import Reply, receiving

from ingest.webhooks.address import Addresses, Resolve, why_refused
from ingest.webhooks.clock import WallClock
from ingest.webhooks.delivery import Answer, Receiver
from ingest.webhooks.settings import WebhookSettings
from ingest.webhooks.target import check_url, target_of

SECRET = "whsec_" + "c2VjcmV0" * 5
SETTINGS = WebhookSettings(deadline_s=2.0)

PRIVATE = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",  # noqa: S104
    "172.16.0.1",
    "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1",
    "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
)  # fmt: skip
PUBLIC = (
    "1.1.1.1", "8.8.8.8", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1",
    "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "2620:fe::fe", "2001:4860:4860::8888",
)  # fmt: skip


def at(*addresses: str) -> Resolve:
    """A name server that says this of every name."""

    def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


async def send(
    url: str, *, private: bool = False, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
) -> Answer:
    """One delivery."""
    addresses = Addresses(private_addresses=private, resolve=resolve)
    context = tls or ssl.create_default_context()
    receiver = Receiver(url, addresses, context, replace(SETTINGS, private_addresses=private), WallClock().now_ms)
    try:
        return await receiver.send("id-1", b"{}", [SECRET])
    finally:
        await receiver.close()
        addresses.close()


def test_an_address_is_of_the_public_internet_or_refused_with_the_reason() -> None:
    assert [one for one in PRIVATE if not why_refused(ipaddress.ip_address(one))] == []
    assert [one for one in PUBLIC if why_refused(ipaddress.ip_address(one))] == []


def test_what_python_says_is_not_global_is_refused_too() -> None:
    for number in range(0, 1 << 32, 65_521 * 13):
        address = ipaddress.IPv4Address(number)
        assert address.is_global or why_refused(address), address


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "0",
        "0.0.0.0",  # noqa: S104
        "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[0:0:0:0:0:0:0:1]",
    ],
)  # fmt: skip
def test_loopback_is_not_called_in_whatever_form_it_is_written(host: str) -> None:
    async def story() -> None:
        async with receiving() as server:
            answer = await send(f"http://{host}:{server.port}/hook")
            assert answer.status is None
            assert "allowed: addresses of the public internet" in answer.text
            assert server.connections == 0

    asyncio.run(story())


def test_a_name_that_stands_for_a_private_address_among_others_is_not_called() -> None:
    async def story() -> None:
        async with receiving() as server:
            for found in (("127.0.0.1",), ("1.1.1.1", "127.0.0.1"), ("::ffff:127.0.0.1",)):
                answer = await send(f"http://receiver.test:{server.port}/", resolve=at(*found))
                assert "receiver.test is at " in answer.text
            assert server.connections == 0

    asyncio.run(story())


def test_a_redirect_to_a_private_address_is_an_answer_and_is_not_followed() -> None:
    async def story() -> None:
        async with receiving() as inside, receiving() as server:
            for status in (301, 302, 303, 307, 308):
                server.reply = lambda _, status=status: Reply(status, headers={"Location": inside.url})
                answer = await send(server.url, private=True)
                assert (answer.status, answer.taken) == (status, False)
                assert "not followed" in answer.text
            assert (inside.connections, len(server.got)) == (0, 5)

    asyncio.run(story())


def test_the_address_that_was_checked_is_the_one_that_is_called() -> None:
    """A name server that says something else each time: what it says later is never asked for."""
    said: list[str] = []

    def changing(host: str, port: int) -> Sequence[str]:
        said.append(host)
        return ["127.0.0.1"] if len(said) == 1 else ["127.0.0.2"]

    async def story() -> None:
        async with receiving() as server:
            answer = await send(f"http://receiver.test:{server.port}/a?b=c", private=True, resolve=changing)
            assert answer.taken
            assert said == ["receiver.test"]
            [got] = server.got
            assert got.headers["host"] == f"receiver.test:{server.port}"
            assert got.path == "/a?b=c"

    asyncio.run(story())


def test_tls_is_checked_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    served, trusting = certificate(tmp_path, "receiver.test")

    async def called(server: Server, host: str) -> Answer:
        return await send(f"https://{host}:{server.port}/", private=True, resolve=at("127.0.0.1"), tls=trusting)

    async def story() -> None:
        async with receiving(served) as server:
            assert (await called(server, "receiver.test")).taken
            other = await called(server, "other.test")
            assert other.status is None
            assert "certificate" in other.text.lower()
            untrusted = await send(f"https://receiver.test:{server.port}/", private=True, resolve=at("127.0.0.1"))
            assert "certificate" in untrusted.text.lower()
            assert len(server.got) == 1

    asyncio.run(story())


def test_the_next_address_is_tried_where_one_does_not_listen() -> None:
    async def story() -> None:
        async with receiving() as server:
            found = at("127.0.0.3", "127.0.0.1")
            assert (await send(f"http://receiver.test:{server.port}/", private=True, resolve=found)).taken

    asyncio.run(story())


def test_an_address_of_ipv6_is_called_and_named_in_brackets() -> None:
    async def story() -> None:
        async with receiving(host="::1") as server:
            assert (await send(f"http://[::1]:{server.port}/hook", private=True)).taken
            assert server.got[0].headers["host"] == f"[::1]:{server.port}"

    asyncio.run(story())


def test_a_name_that_there_is_not_is_a_failure_in_words() -> None:
    answer = asyncio.run(send("https://there-is-no-such-name.invalid/"))
    assert answer.status is None
    assert "gaierror" in answer.text


@pytest.mark.parametrize(
    "url",
    [
        "", "receiver.test", "ftp://receiver.test/", "file:///etc/passwd", "https://", "https:///x", "https://a:b@c/",
        "https://receiver.test@127.0.0.1/", "https://a b/", "https://a/\n", "https://a/#b", "https://ä.test/",
        "https://a:99999/", "https://a:0/", "https://a:x/", "https://[::1", "https://[fe80::1%25eth0]/",
        "https://a\\@b/",
        "https://" + "a" * 2000,
    ],
)  # fmt: skip
def test_a_url_that_could_be_read_in_two_ways_or_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="allowed: https://HOST"):
        target_of(url)


@pytest.mark.parametrize(
    "url", ["http://receiver.test/", "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3:8/"]
)
def test_what_could_never_be_called_is_refused_when_it_is_made(url: str) -> None:
    with pytest.raises(ValueError, match="url is"):
        check_url(url, private_addresses=False)
    check_url(url, private_addresses=True)
    check_url("https://receiver.test:8443/path?query=1", private_addresses=False)
