"""Webhooks: what administrators do, what senders may write, and that neither undoes the other."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from catalog import Catalog, Conflict, Missing, Refused, open_catalog
from catalog.deliveries import Lease, Progress
from catalog.webhook import Filters, Webhook
from catalog.webhooks import FORMER_MS

NOW = 1_760_000_000_000
BY: dict[str, Any] = {"by": "tests", "now_ms": NOW}
FILTERS = Filters(layers=("town",), types=("entered", "exited"))


def create(catalog: Catalog, **more: Any) -> Webhook:
    given = {"url": "https://receiver.test/", "filters": FILTERS, "marks": [3, 0, 7], **BY}
    return catalog.webhooks.create(**{**given, **more})[0]


def take(catalog: Catalog, made: Webhook, now_ms: int = NOW) -> Lease | None:
    return catalog.deliveries.take(made.id, for_ms=1000, now_ms=now_ms)


def taken(catalog: Catalog, made: Webhook, now_ms: int = NOW) -> Lease:
    lease = take(catalog, made, now_ms)
    assert lease
    return lease


def test_what_is_made_is_found_again_with_a_secret_that_signs(catalog: Catalog) -> None:
    made = create(catalog)
    found, progress = catalog.webhooks.get(made.id)
    assert found == made
    assert (found.filters, found.state, progress) == (FILTERS, "active", Progress((3, 0, 7)))
    assert len(base64.b64decode(found.secret.removeprefix("whsec_"), validate=True)) == 32
    assert found.signing(NOW) == (found.secret,)
    assert catalog.webhooks.list() == [(found, progress)]


def test_a_secret_that_was_replaced_signs_for_a_day(catalog: Catalog) -> None:
    made = create(catalog)
    second, _ = catalog.webhooks.rotate(made.id, **BY)
    assert second.signing(NOW + FORMER_MS - 1) == (second.secret, made.secret)
    assert second.signing(NOW + FORMER_MS) == (second.secret,)
    third, _ = catalog.webhooks.rotate(made.id, **BY)
    assert third.signing(NOW) == (third.secret, second.secret)


def test_every_act_is_in_the_audit_without_a_secret(catalog: Catalog) -> None:
    made = create(catalog)
    catalog.webhooks.change(made.id, url="https://other.test/", **BY)
    catalog.webhooks.rotate(made.id, **BY)
    catalog.webhooks.change(made.id, pause=True, **BY)
    catalog.webhooks.resume(made.id, **BY)
    catalog.webhooks.replay(made.id, marks=[0, 0, 0], from_ms=5, **BY)
    assert catalog.deliveries.die(taken(catalog, made), Progress((0, 0, 0)), "410", now_ms=NOW)
    catalog.webhooks.remove(made.id, **BY)
    lines = catalog.audit.lines()
    acts = ["create", "change", "secret", "pause", "resume", "replay", "dead", "delete"]
    assert [line.action for line in reversed(lines)] == [f"webhook.{act}" for act in acts]
    assert {line.target for line in lines} == {made.id}
    assert "whsec_" not in str(lines)


def test_a_change_leaves_the_place_and_what_was_not_named(catalog: Catalog) -> None:
    made = create(catalog)
    other = Filters(devices=("d",))
    catalog.webhooks.change(made.id, lists={"layers": (), "devices": ("d",), "types": ()}, **BY)
    found, progress = catalog.webhooks.change(made.id, url="https://other.test/", **BY)
    assert (found.url, found.filters, progress.marks) == ("https://other.test/", other, (3, 0, 7))


def test_one_at_a_time_has_the_lease_until_it_runs_out_or_is_given_back(catalog: Catalog) -> None:
    made = create(catalog)
    first = taken(catalog, made)
    assert take(catalog, made) is None
    assert take(catalog, made, NOW + 999) is None
    second = taken(catalog, made, NOW + 1000)
    assert not catalog.deliveries.keep(first, Progress((9, 9, 9)), until_ms=NOW + 9999)
    assert catalog.deliveries.keep(second, Progress((4, 0, 7), 1), until_ms=NOW + 3000)
    assert take(catalog, made, NOW + 2999) is None
    assert catalog.deliveries.release(second, Progress((5, 0, 7), 2))
    assert taken(catalog, made).progress == Progress((5, 0, 7), 2)


def test_of_many_who_want_a_lease_at_once_one_gets_it(url: str, catalog: Catalog) -> None:
    made = create(catalog)

    def attempt(_: int) -> bool:
        with open_catalog(url) as own:
            return take(own, made) is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 1


@pytest.mark.parametrize("act", ["resume", "replay", "remove"])
def test_an_act_that_moves_a_webhook_takes_the_lease_so_that_the_sender_undoes_nothing(
    catalog: Catalog, act: str
) -> None:
    made = create(catalog)
    lease = taken(catalog, made)
    failing = Progress((3, 0, 7), failures=4, failing_since_ms=NOW, next_try_ms=NOW + 10**6, last_ms=NOW)
    assert catalog.deliveries.keep(lease, failing, until_ms=NOW + 1000)
    acts: dict[str, Callable[[], object]] = {
        "resume": lambda: catalog.webhooks.resume(made.id, **BY),
        "replay": lambda: catalog.webhooks.replay(made.id, marks=[1, 1, 1], from_ms=0, **BY),
        "remove": lambda: catalog.webhooks.remove(made.id, **BY),
    }
    acts[act]()
    assert not catalog.deliveries.keep(lease, replace(failing, marks=(8, 8, 8)), until_ms=NOW + 2000)
    assert not catalog.deliveries.die(lease, failing, "late", now_ms=NOW)
    again = take(catalog, made)
    if act == "remove":
        assert again is None
        return
    assert again
    assert again.progress.marks == ((3, 0, 7) if act == "resume" else (1, 1, 1))
    assert (again.progress.failures, again.progress.next_try_ms) == (0, None)


def test_who_is_paused_or_dead_is_not_delivered_until_it_is_resumed(catalog: Catalog) -> None:
    made = create(catalog)
    catalog.webhooks.change(made.id, pause=True, **BY)
    assert take(catalog, made) is None
    with pytest.raises(Conflict, match="is paused; only an active one"):
        catalog.webhooks.change(made.id, pause=True, **BY)
    catalog.webhooks.resume(made.id, **BY)
    with pytest.raises(Conflict, match="nothing to resume"):
        catalog.webhooks.resume(made.id, **BY)
    lease = taken(catalog, made)
    assert catalog.deliveries.die(lease, Progress((5, 0, 7), failures=9), "it said 410", now_ms=NOW + 1)
    found, progress = catalog.webhooks.get(made.id)
    assert (found.state, found.reason, found.since_ms, progress.marks) == ("dead", "it said 410", NOW + 1, (5, 0, 7))
    assert take(catalog, made) is None
    found, progress = catalog.webhooks.resume(made.id, **BY)
    assert (found.state, found.reason, progress) == ("active", None, Progress((5, 0, 7)))


def test_whoever_polls_hears_of_changes_and_not_of_deliveries(catalog: Catalog) -> None:
    first = catalog.webhooks.since(-1)
    assert first
    assert first.webhooks == []
    made = create(catalog)
    news = catalog.webhooks.since(first.number)
    assert news
    assert news.webhooks == [made]
    lease = taken(catalog, made)
    catalog.deliveries.keep(lease, Progress((4, 0, 7), 1), until_ms=NOW + 5000)
    assert catalog.webhooks.since(news.number) is None
    catalog.webhooks.remove(made.id, **BY)
    gone = catalog.webhooks.since(news.number)
    assert gone
    assert gone.webhooks == []


def test_everything_that_progress_can_say_is_read_back(catalog: Catalog) -> None:
    made = create(catalog)
    said = Progress((2**62, 0, 7), 5, 2, NOW, NOW + 1, NOW + 2, 503, "closed", {"at_ms": NOW, "partitions": [1]})
    assert catalog.deliveries.release(taken(catalog, made), said)
    assert catalog.webhooks.get(made.id)[1] == said


@pytest.mark.parametrize("wrong", ["nobody", "", "a'b", "\x00", "ä"])
def test_a_webhook_that_there_is_not_is_missing(catalog: Catalog, wrong: str) -> None:
    with pytest.raises(Missing, match="lists those that there are"):
        catalog.webhooks.get(wrong)
    with pytest.raises(Missing):
        catalog.webhooks.remove(wrong, **BY)
    with pytest.raises(Missing):
        catalog.webhooks.rotate(wrong, **BY)


def test_there_are_never_too_many(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.webhooks.MOST", 2)
    create(catalog)
    create(catalog)
    with pytest.raises(Refused, match="at most 2"):
        create(catalog)
    assert len(catalog.webhooks.list()) == 2


def test_a_change_that_can_not_be_made_whole_is_not_made(catalog: Catalog) -> None:
    made = create(catalog)
    catalog.webhooks.change(made.id, pause=True, **BY)
    before = catalog.webhooks.get(made.id), len(catalog.audit.lines())
    with pytest.raises(Conflict):
        catalog.webhooks.change(made.id, url="https://other.test/", pause=True, **BY)
    assert (catalog.webhooks.get(made.id), len(catalog.audit.lines())) == before


def at_once(url: str, act: Callable[[Catalog, int], Any], many: int = 8) -> list[Any]:
    """What comes of acts that begin together, each on connections of its own."""
    ready = Barrier(many)

    def one(number: int) -> Any:
        with open_catalog(url) as own:
            own.webhooks.list()
            ready.wait()
            try:
                return act(own, number)
            except Missing as error:
                return error

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(one, range(many)))


def test_acts_at_once_do_not_undo_each_other(url: str, catalog: Catalog) -> None:
    made = create(catalog, filters=Filters())
    names = ("layers", "devices", "types", "regions")
    for _ in range(5):

        def act(own: Catalog, number: int) -> Any:
            its = {names[number % 4]: ("entered",)} if number < 4 else {}
            return own.webhooks.change(made.id, lists=its, url=None if its else f"https://r{number}.test/", **BY)

        at_once(url, act)
        found = catalog.webhooks.get(made.id)[0]
        assert found.filters == Filters(("entered",), ("entered",), ("entered",), ("entered",))
        assert found.url != made.url
        catalog.webhooks.change(made.id, url=made.url, lists=dict.fromkeys(names, ()), **BY)


def test_of_secrets_replaced_at_once_the_newest_two_sign(url: str, catalog: Catalog) -> None:
    made = create(catalog)
    for _ in range(5):
        before = catalog.webhooks.get(made.id)[0].secret
        both = at_once(url, lambda own, _: own.webhooks.rotate(made.id, **BY)[0].secret, 2)
        found = catalog.webhooks.get(made.id)[0]
        assert {found.secret, found.former_secret} == set(both)
        assert before not in found.signing(NOW)


def test_one_of_many_deletes_it_and_the_audit_has_one_line(url: str, catalog: Catalog) -> None:
    made = create(catalog)
    got = at_once(url, lambda own, _: own.webhooks.remove(made.id, **BY))
    assert sum(one is None for one in got) == 1
    assert sum(isinstance(one, Missing) for one in got) == len(got) - 1
    assert [line.action for line in catalog.audit.lines()] == ["webhook.delete", "webhook.create"]


def test_deleting_and_switching_off_at_once_wait_for_each_other(url: str, catalog: Catalog) -> None:
    for _ in range(8):
        made = create(catalog)
        lease = taken(catalog, made)

        def act(own: Catalog, number: int, made: Webhook = made, lease: Lease = lease) -> Any:
            if number:
                return own.webhooks.remove(made.id, **BY)
            return own.deliveries.die(lease, lease.progress, "gone", now_ms=NOW)

        died, removed = at_once(url, act, 2)
        assert died in (True, False)
        assert removed is None
        assert catalog.webhooks.list() == []


def test_the_audit_names_the_host_of_a_receiver_and_not_its_path(catalog: Catalog) -> None:
    made = create(catalog, url="https://receiver.test:8443/hook?token=hidden")
    catalog.webhooks.change(made.id, url="https://other.test/hidden", **BY)
    catalog.webhooks.remove(made.id, **BY)
    lines = catalog.audit.lines()
    assert "hidden" not in str(lines)
    urls = [line.detail["url"] for line in lines]
    assert urls == ["https://other.test", "https://other.test", "https://receiver.test:8443"]
