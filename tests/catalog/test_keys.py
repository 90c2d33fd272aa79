"""Keys: shown once, stored hashed, revoked for good, and every change found by whoever polls."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from catalog import Catalog, Missing, Refused, open_catalog
from catalog.audit import Line
from catalog.database import Database
from catalog.keys import SCOPES
from catalog.secret import key_id, same

NOW = 1_760_000_000_000


def create(catalog: Catalog, **more):
    given = {"name": "a phone", "scopes": ["pings:write"], "by": "tests", "now_ms": NOW}
    return catalog.keys.create(**{**given, **more})


def test_a_key_is_found_by_what_was_shown_and_nothing_else(catalog: Catalog) -> None:
    made, shown = create(catalog, device="phone-1", user="u", grants_consent=True, expires_ms=NOW + 1)
    [kept] = catalog.keys.since(0).keys
    assert kept.key == made
    assert key_id(shown) == made.id
    assert same(shown, kept.hash)
    assert not same(shown[:-1] + ("a" if shown[-1] != "a" else "b"), kept.hash)
    assert made.refused(NOW) is None
    assert made.refused(NOW + 1) == "the key has expired"


def test_the_secret_is_nowhere_in_the_database(url: str, catalog: Catalog) -> None:
    _, shown = create(catalog)
    database = Database(url)
    with database.reading() as connection:
        for table in ("key", "audit"):
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()  # noqa: S608
            assert rows
            assert shown.rpartition("_")[2] not in str(rows)
    database.close()


@pytest.mark.parametrize("scopes", [[], ["pings:writes"], ["admin", ""]])
def test_a_scope_that_does_not_exist_is_refused_with_those_that_do(catalog: Catalog, scopes: list[str]) -> None:
    with pytest.raises(Refused, match="allowed: one or more of pings:write, events:read"):
        create(catalog, scopes=scopes)
    assert create(catalog, scopes=SCOPES)[0].scopes == set(SCOPES)


def test_a_revoked_key_stays_revoked(catalog: Catalog) -> None:
    made, _ = create(catalog)
    assert catalog.keys.revoke(made.id, by="tests", now_ms=NOW + 5).revoked_ms == NOW + 5
    assert catalog.keys.revoke(made.id, by="tests", now_ms=NOW + 9).revoked_ms == NOW + 5
    [key] = catalog.keys.list()
    assert key.refused(NOW) == "the key has been revoked"
    assert [line.action for line in catalog.audit.lines()] == ["key.revoke", "key.create"]
    with pytest.raises(Missing, match="geofence keys list"):
        catalog.keys.revoke("nobody", by="tests", now_ms=NOW)


@pytest.mark.parametrize("wrong", ["a\x00b", "\ud800", "", "ä"])
def test_an_id_that_no_key_can_have_is_missing(catalog: Catalog, wrong: str) -> None:
    with pytest.raises(Missing, match="there is no key"):
        catalog.keys.revoke(wrong, by="tests", now_ms=NOW)


def test_whoever_polls_hears_of_each_change_once(catalog: Catalog) -> None:
    first, _ = create(catalog)
    news = catalog.keys.since(0)
    assert [kept.key.id for kept in news.keys] == [first.id]
    assert catalog.keys.since(news.number).keys == []
    second, _ = create(catalog)
    catalog.keys.revoke(first.id, by="tests", now_ms=NOW)
    more = catalog.keys.since(news.number)
    assert [kept.key.id for kept in more.keys] == [second.id, first.id]
    assert more.keys[1].key.revoked_ms == NOW


def test_no_change_is_missed_however_many_make_them_at_once(url: str, catalog: Catalog) -> None:
    """A number that is given early and committed late would be passed over by a poll in between."""

    def many(worker: int) -> set[str]:
        with open_catalog(url) as own:
            return {create(own, name=f"{worker}/{number}")[0].id for number in range(10)}

    heard, number = set[str](), 0
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(many, worker) for worker in range(4)]
        while not all(one.done() for one in made):
            news = catalog.keys.since(number)
            heard |= {kept.key.id for kept in news.keys}
            number = news.number
    heard |= {kept.key.id for kept in catalog.keys.since(number).keys}
    assert heard == set().union(*(one.result() for one in made))
    assert len(heard) == 40


def test_pages_of_the_audit_have_every_line_though_many_are_of_one_millisecond(catalog: Catalog) -> None:
    for number, at_ms in enumerate((5, 5, 6, 6, 6, 7)):
        catalog.audit.note(Line(at_ms, "tests", "look", str(number), {}))
    seen, before = list[str](), None
    while page := catalog.audit.lines(most=2, before=before):
        seen += [line.target for line in page]
        before = page[-1].at_ms
    assert seen == ["5", "4", "3", "2", "1", "0"]
