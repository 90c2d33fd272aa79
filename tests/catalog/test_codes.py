"""Codes: an id's own for ever, however many ask at once."""

import os
import random
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from towns import at_once, town

from catalog import Catalog, Missing, Refused

MANY = 100_000 if os.environ.get("HYPOTHESIS_PROFILE") == "torture" else 20_000
_number = count()
IDS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=6)


def test_an_id_keeps_its_code_and_new_ones_get_the_next(catalog: Catalog) -> None:
    town(catalog)
    assert catalog.codes.give("town", ["b", "a", "b"]) == {"b": 1, "a": 2}
    assert catalog.codes.give("town", ["c", "a"]) == {"c": 3, "a": 2}
    assert catalog.codes.give("town", []) == {}
    assert catalog.codes.known("town") == {"b": 1, "a": 2, "c": 3}
    town(catalog, "other")
    assert catalog.codes.give("other", ["c"]) == {"c": 1}


@settings(suppress_health_check=list(HealthCheck))
@given(asked=IDS)
def test_codes_are_those_of_one_list_that_only_grows(catalog: Catalog, asked: list[list[str]]) -> None:
    name = town(catalog, f"town-{next(_number)}").name
    seen = list[str]()
    for ids in asked:
        seen += [one for one in dict.fromkeys(ids) if one not in seen]
        assert catalog.codes.give(name, ids) == {one: seen.index(one) + 1 for one in ids}


def test_many_who_ask_at_once_agree(url: str, catalog: Catalog) -> None:
    town(catalog)
    ids = [f"region-{number}" for number in range(200)]

    def act(own: Catalog, number: int) -> dict[str, int]:
        order = random.Random(number)
        found = dict[str, int]()
        for _ in range(4):
            found |= own.codes.give("town", order.sample(ids, 120))
        return found

    came = at_once(url, act)
    everybody = catalog.codes.known("town")
    assert all(found.items() <= everybody.items() for found in came)
    assert sorted(everybody.values()) == list(range(1, len(everybody) + 1))


def test_a_country_of_ids_gets_theirs(catalog: Catalog) -> None:
    town(catalog)
    found = catalog.codes.give("town", (f"region-{number}" for number in range(MANY)))
    assert (found["region-0"], found[f"region-{MANY - 1}"], len(set(found.values()))) == (1, MANY, MANY)
    assert catalog.codes.give("town", ["new", "region-9999"]) == {"new": MANY + 1, "region-9999": 10_000}


@pytest.mark.parametrize("wrong", ["", "a\x00", "\ud800", "x" * 257, "a\n"])
def test_an_id_that_no_region_can_have_gets_no_code(catalog: Catalog, wrong: str) -> None:
    town(catalog)
    with pytest.raises(Refused, match="1 to 256 printable bytes"):
        catalog.codes.give("town", ["a", wrong])
    assert catalog.codes.known("town") == {}


def test_there_are_no_codes_without_a_layer(catalog: Catalog) -> None:
    with pytest.raises(Missing):
        catalog.codes.give("town", ["a"])
