"""`/v1/layers/{layer}/versions`: from files and from other versions, checked by jobs, deleted while nobody has them."""

import json
from collections.abc import Iterator

import pytest
from admins import Office, office

from boundaries.api.settings import BoundarySettings
from geofence.rule import Rule

REFUSED = [
    ("?file=a&colour=red", b"{}", 400, "colour"),
    ("?file=", b"{}", 422, "0 bytes"),
    ("?file=a", b"", 400, "empty"),
    ("?file=a", bytes(1_000_001), 413, "1000000"),
    ("?file=a&fix=perhaps", b"{}", 400, "true or false"),
    ("?file=a&rule=lax", b"{}", 422, "lax"),
    ("?file=a&rule={", b"{}", 400, "rule"),
    ('?file=a&rule={"evidence_to_cross":0}', b"{}", 422, "evidence_to_cross"),
    ("?file=a&dwell_s=60", b"{}", 422, "only overlay layers"),
    ("?file=a&nearest_within_m=far", b"{}", 400, "allowed: a number"),
    ("?file=a&nearest_within_m=nan", b"{}", 422, "nearest_within_m is nan"),
    ("?file=a&base=7", b"{}", 404, "version 7"),
    ("?file=a&base=x", b"{}", 404, "whole number"),
    ("?file=a&comment=" + "x" * 4097, b"{}", 422, "4096"),
]


@pytest.fixture
def desk() -> Iterator[Office]:
    with office(BoundarySettings(upload_bytes=1_000_000)) as one:
        one.layer()
        yield one


def test_a_file_becomes_a_draft_and_a_job_and_is_kept_as_it_was_sent(desk: Office) -> None:
    content = bytes(range(256)) * 1000
    made = desk.upload("town", "?file=town%20map.zip&crs=EPSG:25832&inner=a&id=GEOID&fix=true&comment=new", content)
    assert made.status_code == 202
    told = made.json()
    assert (told["number"], told["state"], told["base"], told["comment"]) == (1, "draft", None, "new")
    assert told["options"] == {
        "inner": "a", "crs": "EPSG:25832", "encoding": None, "id": "GEOID", "name": None, "fix": True, "said": []
    }  # fmt: skip
    assert (told["upload"]["file"], told["upload"]["size"]) == ("town map.zip", len(content))
    assert b"".join(desk.catalog.blobs.open(told["upload"]["sha256"])) == content
    assert told["settings"] == {"rule": Rule().to_table(), "dwell_s": None, "nearest_within_m": 0}
    job = desk.ask("GET", made.headers["location"].removeprefix("/v1")).json()
    assert job == told["job"]
    assert (job["kind"], job["layer"], job["version"], job["state"]) == ("check", "town", 1, "waiting")
    assert desk.drawn.woken == 1
    assert list(desk.incoming.iterdir()) == []


def test_a_file_is_a_file_whatever_its_content_type_says(desk: Office) -> None:
    headers = {"Content-Type": "application/json"}
    made = desk.upload("town", content=b'{"from": 1}', headers=headers)
    assert made.status_code == 202
    assert made.json()["upload"]["size"] == 11
    assert desk.ask("POST", "/layers/town/versions", content=b"{}").status_code == 400
    assert "?file=" in desk.ask("POST", "/layers/town/versions", content=b"{}").json()["detail"]


def test_what_can_not_be_is_refused_and_leaves_nothing(desk: Office) -> None:
    for query, content, status, said in REFUSED:
        answer = desk.upload("town", query, content)
        assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert desk.got("/layers/town/versions") == {"versions": []}
    assert list(desk.incoming.iterdir()) == []
    assert desk.drawn.woken == 0


def test_a_file_for_a_layer_that_is_not_there_is_not_taken(desk: Office) -> None:
    assert desk.upload("city").status_code == 404
    assert desk.catalog.blobs.sweep(now_ms=10**14) == 0


def test_settings_that_are_not_said_are_those_of_the_published_version(desk: Office) -> None:
    first = desk.upload("town", '?file=a&rule={"preset":"strict","min_pings":3}&nearest_within_m=50').json()
    strict = {**Rule.preset("strict").to_table(), "min_pings": 3}
    assert first["settings"] == {"rule": strict, "dwell_s": None, "nearest_within_m": 50}
    assert first["options"]["said"] == ["nearest_within_m", "rule"]
    desk.do_check()
    assert desk.upload("town").json()["settings"]["rule"] == Rule().to_table(), "nothing is published yet"
    desk.publish("town", 1, None)
    desk.do_publish()
    third = desk.upload("town", "?file=a&nearest_within_m=0").json()
    assert (third["base"], third["settings"]["rule"], third["settings"]["nearest_within_m"]) == (1, strict, 0)
    assert desk.upload("town", "?file=a&base=2").json()["settings"]["rule"] == Rule().to_table()


def test_a_version_can_be_made_from_another_one_without_a_file(desk: Office) -> None:
    desk.layer("fences", kind="overlay")
    assert desk.upload("fences", "?file=a&dwell_s=60").status_code == 202
    early = desk.ask("POST", "/layers/fences/versions", {"from": 1})
    assert early.status_code == 409, "it has no regions yet"
    desk.do_check()
    made = desk.ask("POST", "/layers/fences/versions", {"from": 1, "without": ["b", "a", "b"], "comment": "shut"})
    assert made.status_code == 202
    told = made.json()
    assert (told["number"], told["base"], told["upload"], told["comment"]) == (2, 1, None, "shut")
    assert told["options"] == {"without": ["a", "b"], "retire": False, "said": []}
    assert told["settings"]["dwell_s"] == 60
    assert told["job"]["kind"] == "check"
    other = desk.ask("POST", "/layers/fences/versions", {"from": 1, "dwell_s": None, "rule": {"preset": "strict"}})
    assert other.json()["settings"]["dwell_s"] is None
    assert other.json()["settings"]["rule"] == Rule.preset("strict").to_table()
    gone = desk.ask("POST", "/layers/fences/versions", {"from": 1, "retire": True})
    assert gone.json()["options"]["retire"]
    for wrong, status in (({"from": 9}, 404), ({"from": 0}, 400), ({}, 400), ({"from": 1, "nearest_within_m": 5}, 422)):
        assert desk.ask("POST", "/layers/fences/versions", wrong).status_code == status


def test_a_version_tells_how_its_check_went(desk: Office) -> None:
    desk.upload("town")
    before = desk.ask("GET", "/layers/town/versions/1")
    assert (before.json()["state"], before.json()["counts"], before.json()["job"]["state"]) == (
        "draft",
        None,
        "waiting",
    )
    desk.do_check()
    after = desk.ask("GET", "/layers/town/versions/1")
    assert after.headers["etag"] != before.headers["etag"]
    told = after.json()
    assert (told["state"], told["counts"]) == ("checked", {"regions": 3, "errors": 0, "warnings": 1, "notes": 0})
    assert told["job"]["state"] == "done"
    assert told["hash"]
    listed = desk.got("/layers/town/versions")["versions"]
    assert listed == [{name: value for name, value in told.items() if name != "job"}]


def test_a_file_with_errors_can_be_read_in_another_way_without_sending_it_again(desk: Office) -> None:
    desk.upload("town", "?file=a&id=GEOID")
    assert desk.ask("POST", "/layers/town/versions/1/check", {"crs": "EPSG:3857"}).status_code == 409, "under way"
    desk.do_check(errors=2)
    again = desk.ask("POST", "/layers/town/versions/1/check", {"crs": "EPSG:3857", "nearest_within_m": 5})
    assert again.status_code == 202
    told = again.json()
    assert (told["number"], told["state"], told["counts"]) == (1, "draft", None)
    assert (told["options"]["crs"], told["options"]["id"], told["options"]["said"]) == (
        "EPSG:3857", "GEOID", ["nearest_within_m"]
    )  # fmt: skip
    assert told["settings"]["nearest_within_m"] == 5
    desk.do_check()
    assert desk.ask("POST", "/layers/town/versions/1/check", {}).status_code == 409, "it never changes any more"
    desk.ask("POST", "/layers/town/versions", {"from": 1})
    assert desk.ask("POST", "/layers/town/versions/2/check", {"crs": "EPSG:3857"}).status_code == 422


def test_a_version_is_deleted_only_by_whom_has_seen_it_and_only_before_it_is_published(desk: Office) -> None:
    desk.upload("town")
    old = desk.ask("GET", "/layers/town/versions/1").headers["etag"]
    desk.do_check()
    here = "/layers/town/versions/1"
    assert desk.ask("DELETE", here).status_code == 428
    assert desk.ask("DELETE", here, headers={"If-Match": old}).status_code == 412
    now = desk.ask("GET", here).headers["etag"]
    assert desk.ask("DELETE", here, headers={"If-Match": now}).status_code == 204
    assert desk.ask("GET", here).status_code == 404
    assert desk.upload("town").json()["number"] == 2, "a number is never given again"
    desk.do_check()
    desk.publish("town", 2, None)
    planned = desk.ask("DELETE", "/layers/town/versions/2", headers={"If-Match": "*"})
    assert planned.status_code == 409
    desk.do_publish()
    assert desk.ask("DELETE", "/layers/town/versions/2", headers={"If-Match": "*"}).status_code == 409


def test_a_version_that_is_not_there_is_not_found(desk: Office) -> None:
    desk.upload("town")
    for number in ("0", "-1", "x", "1.0", "9" * 30, "%D9%A1", "2"):
        for path in ("", "/report", "/regions", "/diff?to=1", "/dry-run", "/tiles/0/0/0.mvt"):
            assert desk.ask("GET", f"/layers/town/versions/{number}{path}").status_code == 404, path


def test_a_job_is_followed_and_stopped(desk: Office) -> None:
    job = desk.upload("town").json()["job"]["id"]
    held = desk.take("check")
    assert desk.catalog.jobs.progress(held, stage="reading", done=5, total=9, now_ms=1, lease_s=60)
    told = desk.got(f"/jobs/{job}")
    assert (told["state"], told["stage"], told["done"], told["total"]) == ("running", "reading", 5, 9)
    stopped = desk.ask("DELETE", f"/jobs/{job}")
    assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    assert not desk.catalog.jobs.progress(held, stage="reading", done=6, total=9, now_ms=1, lease_s=60)
    assert desk.ask("DELETE", f"/jobs/{job}").status_code == 409
    assert desk.ask("GET", "/jobs/nobody").status_code == 404


def test_files_that_come_at_once_are_bounded() -> None:
    with office(BoundarySettings(uploads=1)) as desk:
        desk.layer()
        inside: list[int] = []

        async def slowly():  # type: ignore[no-untyped-def]
            yield b"{"
            headers = {"Authorization": f"Bearer {desk.keys['all']}"}
            other = await desk.client.post("/v1/layers/town/versions?file=b", content=b"{}", headers=headers)
            inside.append(other.status_code)
            assert other.headers["retry-after"]
            yield b"}"

        assert desk.upload("town", content=slowly()).status_code == 202  # type: ignore[arg-type]
        assert inside == [503]
        assert desk.upload("town").status_code == 202


def test_what_was_said_is_kept_as_json_that_any_reader_understands(desk: Office) -> None:
    made = desk.upload("town", "?file=%E5%8C%BA.geojson&name=%F0%9F%97%BA")
    assert json.loads(made.content)["options"]["name"] == "🗺"
    assert desk.got("/layers/town/versions/1")["upload"]["file"] == "区.geojson"
