"""`/v1/webhooks`: making, changing, testing and replaying them, by administrators alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from embedded import Embedded
from http_client import Answer

from tests.webhooks.receiver import Receiver, Reply, receiving

PUBLIC = "https://receiver.test/hook"


class Desk:
    """An administrator at a gateway."""

    def __init__(self, gateway: Embedded) -> None:
        self.gateway, self.key = gateway, gateway.key("admin")

    def ask(self, method: str, path: str = "", body: Any = None, *, key: str | None = None) -> Answer:
        """One request below /v1/webhooks."""
        return self.gateway.ask(f"/v1/webhooks{path}", key or self.key, method=method, body=body)

    def make(self, **more: Any) -> dict[str, Any]:
        """A new webhook."""
        answer = self.ask("POST", body={"url": PUBLIC, **more})
        assert answer.status == 201, answer.body
        return answer.body


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """At a gateway that allows no private addresses."""
    gateway = Embedded(tmp_path_factory.mktemp("webhooks"))
    yield Desk(gateway)
    gateway.stop()


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """At a gateway that allows them."""
    gateway = Embedded(tmp_path_factory.mktemp("webhooks"), private_addresses=True)
    yield Desk(gateway)
    gateway.stop()


def test_a_webhook_is_shown_without_its_secret_but_when_it_is_made_or_rotated(desk: Desk) -> None:
    made = desk.make(layers=["town"], types=["geofence.region.entered", "exited"])
    assert made["secret"].startswith("whsec_")
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert desk.ask("GET", f"/{made['id']}").body == shown
    assert shown in desk.ask("GET").body["webhooks"]
    assert (shown["state"], shown["types"], shown["layers"]) == ("active", ["entered", "exited"], ["town"])
    rotated = desk.ask("POST", f"/{made['id']}/secret").body
    assert rotated["secret"] not in ("", made["secret"])
    assert rotated["former_secret_until_ms"] - time.time() * 1000 == pytest.approx(86_400_000, abs=60_000)
    assert "secret" not in desk.ask("GET", f"/{made['id']}").body


def test_it_begins_where_the_events_are_and_a_replay_moves_it(desk: Desk) -> None:
    desk.gateway.tell(*((f"d{n}", "a", n) for n in range(20)), days=2.0)
    desk.gateway.tell(*((f"d{n}", "b", n + 20) for n in range(20)))
    made, reading = desk.make(), desk.gateway.key("events:read")
    assert desk.gateway.pages("/v1/events", reading, after=made["position"]) == []
    day_ago = round(time.time() * 1000) - 86_400_000
    moved = desk.ask("POST", f"/{made['id']}/replay", {"from_ms": day_ago}).body
    assert len(desk.gateway.pages("/v1/events", reading, after=moved["position"])) == 20
    moved = desk.ask("POST", f"/{made['id']}/replay", {"from_ms": 0}).body
    assert len(desk.gateway.pages("/v1/events", reading, after=moved["position"])) == 40


def test_pausing_and_resuming(desk: Desk) -> None:
    made = desk.make()
    assert desk.ask("POST", f"/{made['id']}/resume").status == 409
    assert desk.ask("PATCH", f"/{made['id']}", {"state": "paused"}).body["state"] == "paused"
    assert desk.ask("PATCH", f"/{made['id']}", {"state": "paused"}).status == 409
    assert desk.ask("POST", f"/{made['id']}/resume").body["state"] == "active"


def test_a_change_names_what_is_to_be_another(desk: Desk) -> None:
    made = desk.make(layers=["town"], devices=["d"])
    changed = desk.ask("PATCH", f"/{made['id']}", {"devices": [], "url": "https://other.test/"}).body
    assert (changed["url"], changed["layers"], changed["devices"]) == ("https://other.test/", ["town"], [])
    assert desk.ask("DELETE", f"/{made['id']}").status == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/resume"), ("POST", "/secret")):
        answer = desk.ask(method, f"/{made['id']}{path}")
        assert answer.status == 404
        assert "GET /v1/webhooks" in answer.body["detail"]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"url": "http://receiver.test/"}, 422, "http: only where private addresses are allowed"),
        ({"url": "https://127.0.0.1/"}, 422, "127.0.0.1 is loopback"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, 422, "stands for an IPv4 address"),
        ({"url": "https://a:b@receiver.test/"}, 422, "without a user name"),
        ({"url": PUBLIC, "types": ["left"]}, 422, "types has 'left'; allowed: changed, entered"),
        ({"url": PUBLIC, "devices": [""]}, 422, "devices has ''"),
        ({"url": PUBLIC, "regions": ["r"] * 1001}, 422, "1001 values"),
        ({"url": PUBLIC, "layer": "town"}, 400, "allowed: an object with url, layers"),
        ({"url": 7}, 400, "Expected `str`"),
        ({}, 400, "url"),
        ([], 400, "Expected `object`"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_is_allowed(desk: Desk, body: object, status: int, told: str) -> None:
    answer = desk.ask("POST", body=body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told in answer.body["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("PATCH", "", {}, 422, "names nothing"),
        ("PATCH", "", {"state": "dead"}, 400, "Invalid enum value"),
        ("PATCH", "", {"url": "https://10.0.0.1/"}, 422, "is private"),
        ("POST", "/replay", {"from_ms": -1}, 422, "from_ms is -1"),
        ("POST", "/replay", {"from_ms": 10**15}, 422, "allowed: 0 to now"),
        ("POST", "/replay", {}, 400, "from_ms"),
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(
    desk: Desk, method: str, path: str, body: object, status: int, told: str
) -> None:
    made = desk.make()
    answer = desk.ask(method, f"/{made['id']}{path}", body)
    assert answer.status == status
    assert told in answer.body["detail"]
    assert desk.ask("GET", f"/{made['id']}").body == {name: made[name] for name in made if name != "secret"}


def test_only_administrators_may(desk: Desk) -> None:
    made = desk.make()
    every = [
        ("POST", ""), ("GET", ""), ("GET", f"/{made['id']}"), ("PATCH", f"/{made['id']}"), ("DELETE", f"/{made['id']}"),
        *(("POST", f"/{made['id']}/{act}") for act in ("test", "resume", "replay", "secret")),
    ]  # fmt: skip
    other = desk.gateway.key(
        "events:read", "devices:read", "positions:read", "pings:write", "boundaries:write", "boundaries:read"
    )
    for method, path in every:
        assert desk.ask(method, path, {}, key=other).status == 403
        assert desk.ask(method, path, {}, key="gf_nobody").status == 401
    assert desk.ask("GET", f"/{made['id']}").status == 200


def with_receiver(story: Callable[[Receiver], Awaitable[None]]) -> None:
    """Run a story beside a receiver."""

    async def told() -> None:
        async with receiving() as receiver:
            await story(receiver)

    asyncio.run(told())


def test_the_test_button_tells_what_the_receiver_said(lenient: Desk) -> None:
    async def story(receiver: Receiver) -> None:
        made = await asyncio.to_thread(lenient.make, url=receiver.url)
        for reply in (Reply(), Reply(500, b"out of order"), Reply(302, headers={"Location": "http://a.test/"})):
            receiver.reply = lambda _, reply=reply: reply
            told = (await asyncio.to_thread(lenient.ask, "POST", f"/{made['id']}/test")).body
            assert (told["delivered"], told["status"]) == (reply.status == 200, reply.status)
            got = receiver.got[-1]
            assert got.headers["webhook-id"] == told["id"] == got.event["id"]
            assert got.event["type"] == "geofence.webhook.test"
            assert got.headers["webhook-signature"].startswith("v1,")
        assert "out of order" in (await answered(receiver, made, Reply(500, b"out of order")))["answer"]
        receiver.hang_up()
        audit = await asyncio.to_thread(lenient.gateway.ask, "/v1/audit", lenient.key)
        lines = [line for line in audit.body["lines"] if line["target"] == made["id"]]
        assert [line["action"] for line in lines] == ["webhook.test"] * 4 + ["webhook.create"]
        assert "out of order" not in str(lines)

    async def answered(receiver: Receiver, made: dict[str, Any], reply: Reply) -> Any:
        receiver.reply = lambda _: reply
        return (await asyncio.to_thread(lenient.ask, "POST", f"/{made['id']}/test")).body

    with_receiver(story)


def test_the_test_button_calls_no_private_address(desk: Desk) -> None:
    async def story(receiver: Receiver) -> None:
        made = await asyncio.to_thread(desk.make, url=f"https://localhost:{receiver.port}/")
        told = (await asyncio.to_thread(desk.ask, "POST", f"/{made['id']}/test")).body
        assert (told["delivered"], told["status"]) == (False, None)
        assert "allowed: addresses of the public internet" in told["answer"]
        assert receiver.connections == 0

    with_receiver(story)
