"""Dry runs and publications over HTTP: what an admin has to know before something comes into force, and who is told."""

from collections.abc import Iterator

import pytest
from admins import NOW_MS, Office, office

V = "/layers/town/versions"
RESULT = {"moved": 12, "devices": 1000, "examples": ["phone-07"]}
HOUR_MS = 3_600_000


@pytest.fixture
def desk() -> Iterator[Office]:
    with office() as one:
        one.layer()
        yield one


@pytest.fixture
def two(desk: Office) -> Office:
    """Version 1 is in force, version 2 is checked."""
    desk.checked("town")
    assert desk.publish("town", 1, None).status_code == 202
    desk.do_publish()
    desk.checked("town")
    return desk


def dry_run(desk: Office, number: int, **result: object) -> None:
    assert desk.ask("POST", f"{V}/{number}/dry-run", {"hours": 0}).status_code == 202
    desk.do_dry_run({**RESULT, **result})


def test_the_first_version_is_published_with_a_reason_and_nothing_else(desk: Office) -> None:
    desk.checked("town")
    answer = desk.publish("town", 1, None)
    assert answer.status_code == 202
    assert answer.headers["location"] == "/v1/layers/town/publications/1"
    told = answer.json()
    assert (told["version"], told["replaces"], told["state"], told["at_ms"]) == (1, None, "planned", NOW_MS)
    assert told["comment"] == "because"
    assert desk.got("/layers/town/publications") == {"publications": [told]}
    desk.do_publish()
    after = desk.got("/layers/town/publications/1")
    assert (after["state"], after["sent_ms"], after["in_force_ms"]) == ("in_force", NOW_MS, NOW_MS)
    assert desk.got(f"{V}/1")["state"] == "published"


def test_a_publication_that_says_too_little_or_what_is_not_known_is_refused(desk: Office) -> None:
    desk.checked("town")
    enough: dict[str, object] = {"replaces": None, "comment": "a"}
    for body in (
        {"replaces": None}, {"comment": "a"}, {**enough, "comment": ""}, {**enough, "replaces": 0},
        {**enough, "expect": -1}, {**enough, "force": True},
    ):  # fmt: skip
        assert desk.ask("POST", f"{V}/1/publish", body).status_code == 400, body
    assert desk.got("/layers/town/publications") == {"publications": []}


def test_a_version_with_errors_or_without_a_check_is_not_published(desk: Office) -> None:
    desk.upload("town")
    assert desk.publish("town", 1, None).status_code == 409
    desk.do_check(errors=1)
    assert "1 error" in desk.publish("town", 1, None).json()["detail"]
    assert desk.publish("town", 9, None).status_code == 404


def test_of_two_admins_who_publish_at_once_the_second_hears_of_the_first(two: Office) -> None:
    two.checked("town")
    assert two.publish("town", 2, 1, expect=3, comment="first").status_code == 202
    second = two.publish("town", 3, 1, expect=3)
    assert second.status_code == 409
    assert "version 2" in second.json()["detail"]
    assert len(two.got("/layers/town/publications")["publications"]) == 2


def test_who_has_seen_another_state_of_the_version_is_told(desk: Office) -> None:
    desk.upload("town")
    old = desk.ask("GET", f"{V}/1").headers["etag"]
    desk.do_check()
    body = {"replaces": None, "comment": "a"}
    assert desk.ask("POST", f"{V}/1/publish", body, headers={"If-Match": old}).status_code == 412
    now = desk.ask("GET", f"{V}/1").headers["etag"]
    assert desk.ask("POST", f"{V}/1/publish", body, headers={"If-Match": now}).status_code == 202


def test_what_follows_another_version_is_tried_out_first_or_says_what_it_moves(two: Office) -> None:
    blind = two.publish("town", 2, 1)
    assert blind.status_code == 409
    assert "/dry-run" in blind.json()["detail"]
    assert two.publish("town", 2, 1, expect=3).status_code == 202


def test_above_one_per_cent_the_number_of_the_dry_run_has_to_be_said(two: Office) -> None:
    dry_run(two, 2)
    for wrong in ({}, {"expect": 11}, {"expect": 13}):
        answer = two.publish("town", 2, 1, **wrong)
        assert answer.status_code == 409
        assert "12 of 1000 devices" in answer.json()["detail"]
        assert "expect 12" in answer.json()["detail"]
    told = two.publish("town", 2, 1, expect=12)
    assert (told.status_code, told.json()["expect"]) == (202, 12)


def test_up_to_one_per_cent_no_number_is_asked_for_but_a_wrong_one_is_refused(two: Office) -> None:
    dry_run(two, 2, moved=10)
    assert two.publish("town", 2, 1, expect=9).status_code == 409
    assert two.publish("town", 2, 1).status_code == 202


def test_a_dry_run_against_another_version_says_nothing_of_this_one(two: Office) -> None:
    dry_run(two, 2, moved=0)
    two.checked("town")
    assert two.publish("town", 3, 1, expect=0).status_code == 202
    two.do_publish()
    assert "No dry run against version 3" in two.publish("town", 2, 3).json()["detail"]
    dry_run(two, 2, moved=0)
    assert two.publish("town", 2, 3).status_code == 202


def test_an_old_version_is_published_again_to_take_a_new_one_back(two: Office) -> None:
    two.publish("town", 2, 1, expect=0)
    two.do_publish()
    assert two.got(f"{V}/1")["state"] == "superseded"
    assert two.publish("town", 1, 2, expect=0, comment="it was wrong").status_code == 202
    two.do_publish()
    assert [two.got(f"{V}/{number}")["state"] for number in (1, 2)] == ["published", "superseded"]
    comments = [one["comment"] for one in two.got("/layers/town/publications")["publications"]]
    assert comments == ["it was wrong", "because", "because"]


def test_a_publication_for_later_waits_and_can_be_cancelled_until_it_is_sent(desk: Office) -> None:
    desk.checked("town")
    planned = desk.publish("town", 1, None, at="2026-01-31T09:15:02Z")
    assert planned.json()["at_ms"] == NOW_MS + HOUR_MS
    assert desk.catalog.publishing.take("test", now_ms=NOW_MS, lease_s=9) is None
    gone = desk.ask("DELETE", "/layers/town/publications/1")
    assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
    desk.clock.now_ms += 2 * HOUR_MS
    assert desk.publish("town", 1, None).status_code == 202
    desk.do_publish()
    late = desk.ask("DELETE", "/layers/town/publications/2")
    assert late.status_code == 409
    assert desk.ask("DELETE", "/layers/town/publications/7").status_code == 404


def test_a_time_that_is_none_or_past_or_far_away_is_refused(desk: Office) -> None:
    desk.checked("town")
    for at in ("tomorrow", "", "2026-01-31"):
        assert desk.publish("town", 1, None, at=at).status_code == 400, at
    for at in ("2026-01-31T08:15:01Z", "2030-01-01T00:00:00Z"):
        assert desk.publish("town", 1, None, at=at).status_code == 422, at


def test_a_dry_run_tells_which_devices_only_to_who_may_read_devices(two: Office) -> None:
    assert two.ask("GET", f"{V}/2/dry-run").status_code == 404
    dry_run(two, 2)
    reader = two.key("boundaries:read")
    both = two.key("boundaries:read", "devices:read")
    bound = two.key("boundaries:read", "devices:read", device="phone-08")
    shown = {name: value for name, value in RESULT.items() if name != "examples"}
    assert two.got(f"{V}/2/dry-run", key=reader)["result"] == shown
    assert two.got(f"{V}/2/dry-run", key=bound)["result"] == shown
    assert two.got(f"{V}/2/dry-run", key=both)["result"] == RESULT
    job = two.got(f"{V}/2/dry-run")["job"]
    assert job["asked"] == {"hours": 0, "against": 1}
    assert "phone-07" not in two.ask("GET", f"/jobs/{job['id']}").text


def test_while_a_new_dry_run_is_under_way_the_last_result_stays(two: Office) -> None:
    dry_run(two, 2)
    begun = two.ask("POST", f"{V}/2/dry-run", {})
    assert begun.json()["asked"]["hours"] == 24
    assert two.ask("POST", f"{V}/2/dry-run", {}).status_code == 409
    told = two.got(f"{V}/2/dry-run")
    assert (told["job"]["state"], told["result"]["moved"]) == ("waiting", 12)
    assert two.ask("POST", f"{V}/2/dry-run", {"hours": -1}).status_code == 400


def test_what_has_no_regions_is_not_tried_out(desk: Office) -> None:
    desk.upload("town")
    assert desk.ask("POST", f"{V}/1/dry-run", {}).status_code == 409


def test_publishing_is_in_the_audit_with_who_what_and_why(two: Office) -> None:
    line = next(line for line in two.catalog.audit.lines() if line.action == "publication.plan")
    assert line.target == "town/publications/1"
    assert line.detail["comment"] == "because"
    assert line.actor == two.catalog.keys.list()[0].id


def test_a_dry_run_may_be_against_any_version_that_is_checked(two: Office) -> None:
    two.checked("town", errors=1)
    for against, status in ((9, 404), (3, 409), (0, 400)):
        assert two.ask("POST", f"{V}/1/dry-run", {"against": against}).status_code == status, against
    assert two.ask("POST", f"{V}/1/dry-run", {"against": 2}).json()["asked"] == {"hours": 24.0, "against": 2}
    two.do_dry_run(RESULT)
    assert two.publish("town", 1, 1).status_code == 409, "it tells nothing of what is replaced"
