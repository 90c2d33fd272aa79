"""Reports, regions, differences and tiles over HTTP: each in its form, safe to open, and kept where nothing changes."""

from collections.abc import Iterator

import pytest
from admins import Office, office
from stub_ports import HOSTILE

from boundaries.errors import Stopped, Unreadable
from catalog import Missing

V = "/layers/town/versions"


@pytest.fixture
def desk() -> Iterator[Office]:
    with office() as one:
        one.layer()
        yield one


def test_a_report_is_the_checks_own_as_json_and_told_in_other_forms(desk: Office) -> None:
    report = b'{"findings": [' + b"1," * 1_500_000 + b"2]}"
    desk.upload("town")
    assert desk.ask("GET", f"{V}/1/report").status_code == 404
    desk.do_check(errors=1, report=report)
    plain = desk.ask("GET", f"{V}/1/report")
    assert plain.content == report
    assert int(plain.headers["content-length"]) == len(report)
    assert plain.headers["content-type"] == "application/json"
    for form, media in (("text", "text/plain"), ("geojson", "application/geo+json"), ("html", "text/html")):
        told = desk.ask("GET", f"{V}/1/report?format={form}")
        assert told.status_code == 200
        assert told.headers["content-type"].startswith(media)
    wrong = desk.ask("GET", f"{V}/1/report?format=pdf")
    assert wrong.status_code == 400
    assert "json, text, geojson, html" in wrong.json()["detail"]


def test_a_page_made_of_a_strangers_file_can_run_nothing_and_load_nothing(desk: Office) -> None:
    desk.checked("town")
    desk.checked("town")
    for path in ("1/report?format=html", "1/diff?to=2&format=html"):
        page = desk.ask("GET", f"{V}/{path}")
        assert HOSTILE in page.text, "the headers have to do, whatever the page is"
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "sandbox"} <= set(policy)
        assert not any(part.startswith("script-src") for part in policy)
        assert page.headers["x-content-type-options"] == "nosniff"


def test_regions_are_told_in_pieces_and_not_again_to_who_has_them(desk: Office) -> None:
    number = desk.checked("town")
    told = desk.ask("GET", f"{V}/{number}/regions")
    assert told.json() == {"type": "FeatureCollection", "features": [], "version": 1}
    assert told.headers["content-type"] == "application/geo+json"
    etag = told.headers["etag"]
    assert desk.got(f"{V}/1")["hash"] in etag
    for said in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        same = desk.ask("GET", f"{V}/{number}/regions", headers={"If-None-Match": said})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert desk.ask("GET", f"{V}/{number}/regions", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_tile_is_drawn_where_there_is_one(desk: Office) -> None:
    desk.checked("town")
    tile = desk.ask("GET", f"{V}/1/tiles/3/7/0.mvt")
    assert (tile.status_code, tile.content) == (200, b"1 3 7 0")
    assert tile.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert "immutable" in tile.headers["cache-control"]
    for place in ("3/8/0", "3/0/8", "25/0/0", "21/0/0", "-1/0/0", "a/0/0", "0/0/0.5", f"2/{'1' * 50}/0"):
        assert desk.ask("GET", f"{V}/1/tiles/{place}.mvt").status_code == 404, place
    held = {"If-None-Match": tile.headers["etag"]}
    assert desk.ask("GET", f"{V}/1/tiles/3/7/0.mvt", headers=held).status_code == 304


def test_a_difference_says_which_two_versions_and_needs_both(desk: Office) -> None:
    desk.checked("town")
    desk.checked("town")
    assert desk.got(f"{V}/1/diff?to=2") == {"versions": [1, 2]}
    assert desk.got(f"{V}/2/diff?to=1") == {"versions": [2, 1]}
    assert desk.ask("GET", f"{V}/1/diff").status_code == 400
    assert desk.ask("GET", f"{V}/1/diff?to=3").status_code == 404


def test_what_has_no_regions_yet_has_no_pictures(desk: Office) -> None:
    desk.checked("town")
    desk.upload("town")
    for path in ("2/regions", "2/tiles/0/0/0.mvt", "2/diff?to=1", "1/diff?to=2"):
        assert "not checked yet" in desk.ask("GET", f"{V}/{path}").json()["detail"], path
    desk.do_check(errors=1)
    for path in ("2/regions", "2/tiles/0/0/0.mvt", "2/diff?to=1", "1/diff?to=2"):
        answer = desk.ask("GET", f"{V}/{path}")
        assert (answer.status_code, "see its report" in answer.json()["detail"]) == (409, True), path


def test_what_has_errors_can_be_looked_at_but_not_kept_compared_or_tried_out(desk: Office) -> None:
    desk.checked("town")
    desk.upload("town")
    desk.do_check(errors=1, drawn=True)
    for path in ("2/regions", "2/tiles/0/0/0.mvt"):
        told = desk.ask("GET", f"{V}/{path}")
        assert (told.status_code, told.headers["cache-control"]) == (200, "no-cache"), path
    for path in ("2/diff?to=1", "1/diff?to=2"):
        assert desk.ask("GET", f"{V}/{path}").status_code == 409, path
    assert desk.ask("POST", f"{V}/2/dry-run", {}).status_code == 409


def test_what_the_drawing_parts_say_against_it_is_an_answer(desk: Office) -> None:
    desk.checked("town")
    desk.checked("town")
    for error, status in ((Stopped("slow"), 503), (Unreadable("broken"), 409), (Missing("gone"), 404)):
        desk.drawn.error = error
        for path in ("1/report?format=html", "1/diff?to=2", "1/regions", "1/tiles/0/0/0.mvt"):
            answer = desk.ask("GET", f"{V}/{path}")
            assert (answer.status_code, answer.json()["detail"]) == (status, str(error)), path
            assert ("retry-after" in answer.headers) == (status == 503)
