"""Versions of layers: drafts that change, manifests that don't, and what can be deleted."""

from typing import Any

import pytest
from towns import BROKEN, BY, CLEAN, NOW, SETTINGS, at_once, checked, draft, outcome, publish, town

from catalog import Catalog, Conflict, Missing, Refused
from catalog.blobs import UNUSED_MS
from catalog.version import Counts, Outcome, Settings, Upload, Version


def test_a_draft_is_found_as_it_was_made(catalog: Catalog) -> None:
    town(catalog)
    made = draft(catalog, comment="new quay")
    assert catalog.versions.get("town", 1) == made
    assert (made.number, made.state, made.base, made.settings) == (1, "draft", None, SETTINGS)
    assert (made.options, made.comment, made.by, made.created_ms) == ({"id": "GEOID"}, "new quay", "tests", NOW)
    assert (made.hash, made.counts, made.report, made.checked_ms) == (None, None, None, None)
    assert made.upload
    assert (made.upload.file, made.upload.size) == ("town.geojson", 6)
    assert b"".join(catalog.blobs.open(made.upload.blob)) == b"a file"
    assert catalog.layers.get("town").revision == made.revision


def test_a_version_can_be_made_from_another_without_a_file(catalog: Catalog) -> None:
    town(catalog)
    checked(catalog)
    made = draft(catalog, upload=None, base=1, options={"retire": ["a"]})
    assert (made.number, made.base, made.upload, made.options) == (2, 1, None, {"retire": ["a"]})
    with pytest.raises(Refused, match="neither a file nor a version"):
        draft(catalog, upload=None)
    with pytest.raises(Missing, match="no version 9"):
        draft(catalog, base=9)
    with pytest.raises(Missing, match="there is no blob"):
        draft(catalog, upload=Upload("f", 1, "0" * 64))
    assert [version.number for version in catalog.versions.list("town")] == [2, 1]


@pytest.mark.parametrize("number", [0, -1, 2, 2**31, 2**80])
def test_a_number_that_no_version_has_is_missing(catalog: Catalog, number: int) -> None:
    town(catalog)
    draft(catalog)
    with pytest.raises(Missing, match=r"has no version .*GET /v1/layers/town/versions"):
        catalog.versions.get("town", number)


def test_drafts_made_at_once_have_numbers_of_their_own(url: str, catalog: Catalog) -> None:
    town(catalog)
    came = at_once(url, lambda own, number: draft(own, content=b"%d" % number).number)
    assert sorted(came) == [1, 2, 3, 4, 5, 6]


def test_what_a_check_has_found_stands_with_the_version(catalog: Catalog) -> None:
    town(catalog)
    draft(catalog)
    its = outcome(catalog, "abc")
    made = catalog.versions.check("town", 1, its, by="ada", now_ms=NOW + 7)
    assert (made.state, made.counts, made.hash, made.checked_ms) == ("checked", CLEAN, "abc", NOW + 7)
    assert (made.report, made.geometry) == (its.report, its.geometry)
    assert catalog.versions.manifest("abc") == its.manifest
    assert catalog.versions.of_hash("abc") == [made]
    assert catalog.versions.of_hash("abd") == []
    with pytest.raises(Missing, match="no version has the hash 'abd'"):
        catalog.versions.manifest("abd")


def test_a_manifest_once_set_never_changes(catalog: Catalog) -> None:
    town(catalog)
    checked(catalog)
    before = catalog.versions.manifest("1")
    for act in (
        lambda: catalog.versions.check("town", 1, outcome(catalog, "other"), **BY),
        lambda: catalog.versions.change("town", 1, settings=Settings(), **BY),
        lambda: catalog.versions.change("town", 1, options={}, **BY),
    ):
        with pytest.raises(Conflict, match="Make a new version from it"):
            act()
    assert catalog.versions.manifest("1") == before
    assert catalog.versions.change("town", 1, comment="better", **BY).comment == "better"


def test_a_version_with_errors_can_be_changed_and_checked_again(catalog: Catalog) -> None:
    town(catalog)
    broken = checked(catalog, counts=BROKEN)
    assert (broken.state, broken.counts, broken.hash) == ("checked", BROKEN, None)
    again = catalog.versions.change("town", 1, options={"fix": True}, **BY)
    assert (again.state, again.counts, again.report, again.options) == ("draft", None, None, {"fix": True})
    assert catalog.versions.check("town", 1, outcome(catalog), **BY).counts == CLEAN


def test_two_versions_may_have_one_hash(catalog: Catalog) -> None:
    town(catalog)
    for number in (1, 2):
        draft(catalog)
        catalog.versions.check("town", number, outcome(catalog, "same"), **BY)
    assert [version.number for version in catalog.versions.of_hash("same")] == [1, 2]
    catalog.versions.remove("town", 1, **BY)
    assert catalog.versions.manifest("same")["of"] == "same"


def test_of_two_who_change_what_both_have_seen_one_is_told(url: str, catalog: Catalog) -> None:
    town(catalog)
    seen = draft(catalog).revision
    came = at_once(
        url, lambda own, number: own.versions.change("town", 1, comment=f"{number}", revision=seen, **BY), many=4
    )
    assert sum(isinstance(one, Version) for one in came) == 1
    refused = [one for one in came if isinstance(one, Conflict)]
    assert len(refused) == 3
    assert all("somebody has changed it meanwhile" in str(one) for one in refused)
    with pytest.raises(Conflict, match="not at"):
        catalog.versions.remove("town", 1, revision=seen, **BY)


def test_a_draft_that_is_deleted_takes_its_jobs_and_its_blobs_and_its_number_with_it(catalog: Catalog) -> None:
    town(catalog)
    made = draft(catalog)
    asked = catalog.jobs.create("check", layer="town", version=1, asked={}, **BY)
    held = catalog.jobs.take("one", now_ms=NOW, lease_s=10)
    assert held
    catalog.versions.remove("town", 1, **BY)
    with pytest.raises(Missing):
        catalog.versions.get("town", 1)
    with pytest.raises(Missing, match="there is no job"):
        catalog.jobs.get(asked.id)
    assert not catalog.jobs.progress(held, stage="", done=1, total=2, now_ms=NOW, lease_s=10)
    assert catalog.blobs.sweep(now_ms=NOW + UNUSED_MS) == 1
    assert made.upload
    with pytest.raises(Missing):
        catalog.blobs.size(made.upload.blob)
    assert draft(catalog).number == 2


def test_what_was_published_or_is_about_to_be_is_not_deleted(catalog: Catalog) -> None:
    town(catalog)
    for _ in range(3):
        checked(catalog)
    publish(catalog, 1, None)
    publish(catalog, 2, 1)
    catalog.publications.plan("town", 3, replaces=2, at_ms=NOW + 10**6, **BY)
    for number, why in ((1, "is superseded"), (2, "is published"), (3, r"to be published \(publication 3\)")):
        with pytest.raises(Conflict, match=why):
            catalog.versions.remove("town", number, **BY)
    with pytest.raises(Conflict, match="one that was published can't be changed"):
        catalog.versions.change("town", 1, comment="later", **BY)
    catalog.publications.cancel("town", 3, **BY)
    catalog.versions.remove("town", 3, **BY)
    assert [version.number for version in catalog.versions.list("town")] == [2, 1]


def test_a_check_and_its_job_end_together_or_not_at_all(catalog: Catalog) -> None:
    town(catalog)
    draft(catalog)
    job = catalog.jobs.create("check", layer="town", version=1, asked={}, **BY)
    first = catalog.jobs.take("first", now_ms=NOW, lease_s=1)
    second = catalog.jobs.take("second", now_ms=NOW + 1000, lease_s=1)
    assert first
    assert second
    before = catalog.layers.get("town")
    with pytest.raises(Conflict, match="another process does it now"):
        catalog.versions.check("town", 1, outcome(catalog, "stale"), job=first, **BY)
    assert catalog.versions.get("town", 1).state == "draft"
    assert catalog.layers.get("town") == before
    assert catalog.versions.check("town", 1, outcome(catalog, "good"), job=second, **BY).hash == "good"
    assert catalog.jobs.get(job.id).state == "done"


def test_a_draft_does_not_change_under_a_job(catalog: Catalog) -> None:
    town(catalog)
    draft(catalog)
    job = catalog.jobs.create("check", layer="town", version=1, asked={}, **BY)
    with pytest.raises(Conflict, match=f"has job {job.id} \\(check\\) under way"):
        catalog.versions.change("town", 1, options={}, **BY)
    assert catalog.versions.change("town", 1, comment="fine", **BY).comment == "fine"
    catalog.jobs.cancel(job.id, **BY)
    assert catalog.versions.change("town", 1, options={}, **BY).options == {}


@pytest.mark.parametrize("parts", [{"hash": "h"}, {"manifest": {}}, {"manifest": {}, "hash": "h"}])
def test_a_manifest_comes_with_all_that_belongs_to_it(catalog: Catalog, parts: dict[str, Any]) -> None:
    town(catalog)
    draft(catalog)
    report = catalog.blobs.put([b"report"], now_ms=NOW)
    with pytest.raises(Refused, match="given together"):
        catalog.versions.check("town", 1, Outcome(counts=Counts(0, 0, 0, 0), report=report, **parts), **BY)


@pytest.mark.parametrize("comment", ["x" * 4097, "a\x00b", "\ud800"])
def test_a_comment_that_can_not_be_kept_is_refused(catalog: Catalog, comment: str) -> None:
    town(catalog)
    checked(catalog)
    for act in (
        lambda: draft(catalog, comment=comment),
        lambda: catalog.versions.change("town", 1, comment=comment, **BY),
        lambda: catalog.publications.plan("town", 1, replaces=None, comment=comment, **BY),
    ):
        with pytest.raises(Refused, match="the comment"):
            act()
    with pytest.raises(Refused, match="the file's name"):
        draft(catalog, upload=Upload("a\x00", 1, "0" * 64))
