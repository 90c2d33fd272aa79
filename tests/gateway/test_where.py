"""Where devices are, over an embedded log with a worker: one device, who is in a region, who is in a box, positions."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from commands import layer, square
from embedded import Embedded, wait_for
from http_client import Stream

from catalog import open_catalog

TOWN = layer(a=square(0, 0, 1), b=square(1, 0, 1), c=square(3, 0, 1))
NOW = time.time_ns() // 1_000_000
IN_A, IN_B, NEAR_B = 0.7, 1.3, 1.00008


def stay(device: str, lon: float, *, minute: int = 0, pings: int = 6) -> list[dict[str, Any]]:
    """Pings at one place, one a minute, beginning an hour ago."""
    begin = NOW - 3_600_000 + minute * 60_000
    return [
        {"device": device, "lon": lon, "lat": 0.5, "accuracy_m": 10, "time_ms": begin + 60_000 * number}
        for number in range(pings)
    ]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A gateway with a worker: `one` went from a to b, `two` and ten others are in a, `three` is outside."""
    folder = tmp_path_factory.mktemp("town")
    (folder / "town.geojson").write_bytes(TOWN)
    gateway = Embedded(folder)
    key = gateway.key("pings:write")
    pings = [*stay("one", IN_A), *stay("one", IN_B, minute=30), *stay("two", IN_A), *stay("three", 2.5)]
    for number in range(10):
        pings += stay(f"x{number}", IN_A + 0.01 * number)
    assert gateway.ask("/v1/pings", key, method="POST", body=pings).body["accepted"] == len(pings)
    reader = gateway.key("devices:read")
    wait_for(lambda: gateway.ask("/v1/devices/x9", reader).status == 200)
    yield gateway
    gateway.stop()


def test_a_device_is_told_with_region_since_consent_and_age(town: Embedded) -> None:
    answer = town.ask("/v1/devices/one", town.key("devices:read"))
    its = answer.body["layers"]["town"]
    assert [region["id"] for region in its["regions"]] == ["b"]
    assert its["regions"][0]["name"] == "B"
    assert its["regions"][0]["confidence"] > 0.9
    assert its["sequence"] == 2
    assert its["pending"] == []
    assert answer.body["consent"] == "nothing"
    assert answer.body["last_ping"] == its["last_ping"]
    assert int(answer.headers["geofence-age-ms"]) < 5000
    assert "lon" not in str(answer.body)


def test_a_device_outside_every_region_is_told_so(town: Embedded) -> None:
    regions = town.ask("/v1/devices/three", town.key("devices:read")).body["layers"]["town"]["regions"]
    assert [region["id"] for region in regions] in ([None], [])


def test_pending_evidence_is_told(town: Embedded) -> None:
    key, writer = town.key("devices:read"), town.key("pings:write")
    pings = [*stay("waverer", 0.99), *stay("waverer", NEAR_B, minute=10, pings=1)]
    town.ask("/v1/pings", writer, method="POST", body=pings)

    def pending() -> Any:
        found = town.ask("/v1/devices/waverer", key)
        return found.status == 200 and found.body["layers"]["town"]["pending"]

    (one,) = wait_for(pending)
    assert one["pings"] == 1
    assert one["evidence"] > 0
    assert one["code"] is not None


def test_what_nobody_has_heard_of_is_not_known(town: Embedded) -> None:
    answer = town.ask("/v1/devices/nobody", town.key("devices:read"))
    assert answer.status == 404
    assert "nobody" in answer.body["detail"]


@pytest.mark.parametrize("name", ["%00partition", "a%09b", "%C2%80"])
def test_a_name_that_no_ping_may_have_is_not_known_and_can_not_be_recorded(town: Embedded, name: str) -> None:
    path, admin = f"/v1/devices/{name}", town.key("admin")
    assert town.ask(path, admin).status == 404
    for method, at in (
        ("GET", f"{path}/consent"), ("PUT", f"{path}/consent"), ("DELETE", f"{path}/consent"), ("DELETE", path)
    ):  # fmt: skip
        answer = town.ask(at, admin, method=method)
        assert answer.status == 400
        assert "control characters" in answer.body["detail"]
    assert town.ask(f"/v1/devices/{'x' * 257}/consent", admin, method="PUT").status == 400


def test_a_device_may_ask_for_itself_with_any_key_of_its_own_and_for_nobody_else(town: Embedded) -> None:
    own = town.key("pings:write", device="one")
    assert town.ask("/v1/devices/one", own).status == 200
    assert town.ask("/v1/devices/two", own).status == 403
    reader = town.key("devices:read", "positions:read", device="one")
    assert town.ask("/v1/devices/two", reader).status == 404
    assert town.ask("/v1/layers/town/regions/a/devices", reader).status == 403
    assert town.ask("/v1/devices?bbox=0,0,1,1", reader).status == 403


def test_consent_that_was_given_is_told(town: Embedded) -> None:
    own = town.key("pings:write", device="two")
    assert town.ask("/v1/devices/two/consent", own, method="PUT").status == 200
    assert town.ask("/v1/devices/two", own).body["consent"] == "given"


@pytest.mark.parametrize("path", ["/v1/layers/town/regions/a/devices?", "/v1/devices?layer=town&region=a&"])
def test_who_is_in_a_region_comes_in_pages_in_the_order_of_names(town: Embedded, path: str) -> None:
    key = town.key("devices:read")
    everyone = sorted(["two", *(f"x{number}" for number in range(10))])
    for limit in (1, 3, 100):
        found, after = [], ""
        while True:
            page = town.ask(f"{path}limit={limit}{after}", key).body
            found += [one["device"] for one in page["devices"]]
            if "next" not in page:
                break
            after = f"&after={page['next']}"
        assert [device for device in found if device != "waverer"] == everyone
    assert town.ask("/v1/layers/town/regions/nowhere/devices", key).body == {"devices": []}


def test_who_moves_is_in_the_new_region_and_no_longer_in_the_old(town: Embedded) -> None:
    key, writer = town.key("devices:read"), town.key("pings:write")

    def inside(region: str) -> set[str]:
        devices = town.ask(f"/v1/layers/town/regions/{region}/devices", key).body["devices"]
        return {one["device"] for one in devices}

    town.ask("/v1/pings", writer, method="POST", body=stay("mover", IN_B))
    wait_for(lambda: "mover" in inside("b"))
    town.ask("/v1/pings", writer, method="POST", body=stay("mover", 3.5, minute=30))
    wait_for(lambda: "mover" in inside("c"))
    assert "mover" not in inside("b")


def test_a_box_gives_positions_in_pages_only_to_who_may_see_them_and_is_noted(town: Embedded) -> None:
    reader, looker = town.key("devices:read"), town.key("positions:read")
    assert town.ask("/v1/devices?bbox=0,0,1,1", reader).status == 403
    found, after = [], ""
    for _ in range(20):
        page = town.ask(f"/v1/devices?bbox=0.6,0.4,0.9,0.6&limit=2{after}", looker).body
        found += page["devices"]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
    assert {one["device"] for one in found} == {"two", *(f"x{number}" for number in range(10))}
    assert len(found) == 11
    one = next(one for one in found if one["device"] == "x3")
    assert (one["lon"], one["lat"], one["accuracy_m"]) == (0.73, 0.5, 10.0)
    assert one["regions"] == {"town": ["a"]}
    with open_catalog(town.catalog) as catalog:
        lines = [line for line in catalog.audit.lines() if line.action == "positions.list"]
    assert len([line for line in lines if line.actor in looker]) == 1


def test_a_box_may_be_narrowed_by_layer_and_region(town: Embedded) -> None:
    key = town.key("positions:read")

    def inside(query: str) -> set[str]:
        return {one["device"] for one in town.ask(f"/v1/devices?bbox=-180,-90,180,90&{query}", key).body["devices"]}

    assert {"one", "two", "three"} <= inside("")
    assert {"one"} <= inside("layer=town&region=b")
    assert "two" not in inside("layer=town&region=b")
    assert "three" not in inside("layer=town")
    assert inside("layer=other") == set()


@pytest.mark.parametrize(
    "query",
    ["bbox=1,2,3", "bbox=0,5,1,4", "bbox=a,b,c,d", "bbox=-181,0,0,1", "bbox=nan,0,1,1", "layer=town", "region=a"],
)
def test_a_box_that_is_none_is_refused_with_what_is_allowed(town: Embedded, query: str) -> None:
    assert town.ask(f"/v1/devices?{query}", town.key("positions:read", "devices:read")).status == 400


def test_positions_stream_as_pings_come_within_the_box(town: Embedded) -> None:
    key, writer = town.key("positions:read"), town.key("pings:write")
    assert town.ask("/v1/positions", town.key("devices:read")).status == 403

    async def story() -> None:
        stream = await Stream.open(town.port, "/v1/positions?bbox=0,0,2,1", key)
        await asyncio.to_thread(town.ask, "/v1/pings", writer, method="POST", body=stay("afar", 3.5))
        await asyncio.to_thread(town.ask, "/v1/pings", writer, method="POST", body=stay("walker", IN_A))
        await asyncio.to_thread(
            town.ask, "/v1/pings", writer, method="POST", body=stay("walker", IN_B, minute=20, pings=1)
        )
        seen = []
        while not seen or seen[-1]["lon"] != IN_B:
            seen += [one.data for one in await stream.take(1)]
        assert {one["device"] for one in seen} == {"walker"}
        stream.close()

    asyncio.run(story())


def test_an_erased_device_is_gone_from_every_answer(town: Embedded) -> None:
    admin, key = town.key("admin"), town.key("positions:read", "devices:read")
    town.ask("/v1/pings", town.key("pings:write"), method="POST", body=stay("leaver", 3.6))
    wait_for(lambda: town.ask("/v1/devices/leaver", key).status == 200)
    assert town.ask("/v1/devices/leaver", admin, method="DELETE").status == 200
    wait_for(lambda: town.ask("/v1/devices/leaver", key).status == 404)
    devices = town.ask("/v1/devices?bbox=3.55,0,3.65,1", key).body["devices"]
    assert devices == []
    inside = town.ask("/v1/layers/town/regions/c/devices", key).body["devices"]
    assert "leaver" not in {one["device"] for one in inside}


def test_a_device_that_is_erased_is_gone_for_a_key_of_its_user_and_for_no_other(town: Embedded) -> None:
    admin, writer = town.key("admin"), town.key("pings:write")
    its = [{**ping, "user": "u-9"} for ping in stay("owned", 3.6)]
    town.ask("/v1/pings", writer, method="POST", body=its)
    wait_for(lambda: town.ask("/v1/devices/owned", town.key("devices:read")).status == 200)

    async def story() -> None:
        users = [town.key("positions:read", user=user) for user in ("u-9", "u-8")]
        own, other = [await Stream.open(town.port, "/v1/positions", key) for key in users]
        assert (await asyncio.to_thread(town.ask, "/v1/devices/owned", admin, method="DELETE")).status == 200
        (gone,) = await own.take(1)
        assert (gone.event, gone.data) == ("gone", {"device": "owned"})
        its = [{**ping, "user": "u-8"} for ping in stay("others", 3.6)]
        await asyncio.to_thread(town.ask, "/v1/pings", writer, method="POST", body=its)
        (moved,) = await other.take(1)
        assert (moved.event, moved.data["device"]) == ("message", "others")
        own.close()
        other.close()

    asyncio.run(story())


def test_what_is_stored_of_a_device_and_can_not_be_read_is_said_so(town: Embedded) -> None:
    town.spoil("spoilt")
    key = town.key("devices:read")
    wait_for(lambda: town.ask("/v1/devices/spoilt", key).status == 503)
    answer = town.ask("/v1/devices/spoilt", key)
    assert "device 'spoilt' can't be read by this gateway" in answer.body["detail"]
    assert answer.headers["retry-after"] == "60"
