"""`/v1/layers`: made, listed, changed by whom has seen them; what is in force on which partition."""

from collections.abc import Iterator

import pytest
from admins import NOW_MS, Office, office

from catalog.fleet import FAILED, InForce, Loading, Worker


@pytest.fixture
def desk() -> Iterator[Office]:
    with office() as one:
        yield one


def test_a_layer_is_made_once_and_says_where_it_is(desk: Office) -> None:
    made = desk.ask("POST", "/layers", {"name": "town", "tolerance_m": 2.5})
    assert made.status_code == 201
    assert made.headers["location"] == "/v1/layers/town"
    wanted = {
        "name": "town", "kind": "partition", "tolerance_m": 2.5, "accuracy_m": 20.0, "created_ms": NOW_MS,
        "published": None,
    }  # fmt: skip
    assert made.json() == wanted
    assert desk.got("/layers") == {"layers": [wanted]}
    assert desk.got("/layers/town") == {**wanted, "next": None, "in_force": [], "workers": []}
    again = desk.ask("POST", "/layers", {"name": "town"})
    assert again.status_code == 409
    assert "already" in again.json()["detail"]


def test_a_layer_that_can_not_be_is_refused_with_what_is_allowed(desk: Office) -> None:
    for body, status, said in (
        ({"name": "Town"}, 422, "a-z"),
        ({"name": "town", "kind": "fence"}, 400, "fence"),
        ({"name": "town", "tolerance_m": 0}, 422, "tolerance_m is 0"),
        ({"name": "town", "colour": "red"}, 400, "colour"),
        ({}, 400, "name"),
    ):
        answer = desk.ask("POST", "/layers", body)
        assert answer.status_code == status
        assert said in answer.json()["detail"]
        assert "allowed" in answer.json()["detail"]
    assert desk.got("/layers") == {"layers": []}


def test_of_two_admins_who_change_a_layer_the_second_is_told(desk: Office) -> None:
    desk.layer()
    seen = desk.ask("GET", "/layers/town").headers["etag"]
    assert desk.ask("PATCH", "/layers/town", {"tolerance_m": 3}).status_code == 428
    first = desk.ask("PATCH", "/layers/town", {"tolerance_m": 3}, headers={"If-Match": seen})
    assert (first.status_code, first.json()["tolerance_m"]) == (200, 3)
    second = desk.ask("PATCH", "/layers/town", {"tolerance_m": 4, "accuracy_m": 9}, headers={"If-Match": seen})
    assert second.status_code == 412
    assert desk.got("/layers/town")["tolerance_m"] == 3
    third = desk.ask("PATCH", "/layers/town", {"accuracy_m": 9}, headers={"If-Match": first.headers["etag"]})
    assert (third.status_code, third.json()["accuracy_m"]) == (200, 9)
    assert desk.ask("PATCH", "/layers/town", {"accuracy_m": 8}, headers={"If-Match": "*"}).status_code == 200


def test_a_condition_that_can_not_be_understood_is_refused(desk: Office) -> None:
    desk.layer()
    for said in ("17", 'W/"17"', '"a"', '"1", "2"', ""):
        answer = desk.ask("PATCH", "/layers/town", {"tolerance_m": 3}, headers={"If-Match": said})
        assert answer.status_code == 400, said
    assert desk.got("/layers/town")["tolerance_m"] == 1


def test_a_change_of_nothing_and_of_no_layer_are_refused(desk: Office) -> None:
    desk.layer()
    assert desk.ask("PATCH", "/layers/town", {}, headers={"If-Match": "*"}).status_code == 422
    assert desk.ask("PATCH", "/layers/city", {"tolerance_m": 3}, headers={"If-Match": "*"}).status_code == 404
    assert desk.ask("GET", "/layers/city").status_code == 404


def test_a_layer_tells_what_is_in_force_where_and_which_worker_can_not_load_the_newest(desk: Office) -> None:
    layer = desk.layer()
    number = desk.checked(layer)
    desk.publish(layer, number, None)
    planned = desk.got("/layers/town")
    assert (planned["published"], planned["next"]["version"], planned["next"]["state"]) == (None, 1, "planned")
    its_hash = planned["next"]["hash"]
    desk.do_publish()
    desk.catalog.fleet.put_in_force(3, [InForce(3, "town", 1, its_hash, NOW_MS + 5, "w1")])
    broken = {its_hash: Loading(FAILED, "out of memory")}
    desk.catalog.fleet.seen(Worker("w1", "here", 42, NOW_MS, (3,), {}))
    desk.catalog.fleet.seen(Worker("w2", "there", 43, NOW_MS, (), broken))
    state = desk.got("/layers/town")
    assert (state["published"]["version"], state["published"]["state"], state["next"]) == (1, "in_force", None)
    assert state["in_force"] == [
        {"partition": 3, "publication": 1, "version": 1, "hash": its_hash, "since_ms": NOW_MS + 5, "worker": "w1"}
    ]
    assert [(one["id"], one["state"], one["reason"]) for one in state["workers"]] == [
        ("w1", None, None), ("w2", "failed", "out of memory")
    ]  # fmt: skip
    assert desk.got("/layers")["layers"][0]["published"]["version"] == 1


def test_each_act_is_in_the_audit_under_the_key_that_did_it(desk: Office) -> None:
    desk.layer()
    desk.ask("PATCH", "/layers/town", {"tolerance_m": 3}, headers={"If-Match": "*"})
    assert [act for act, target in desk.acts() if target == "town"] == ["layer.create", "layer.change"]
    key = desk.catalog.keys.list()[0].id
    assert {line.actor for line in desk.catalog.audit.lines() if line.target == "town"} == {key}
