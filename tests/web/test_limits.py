"""Token buckets: what may be taken, how long to wait for more, and what comes back."""

import pytest

from web.limits import Buckets


def test_a_bucket_gives_what_is_in_it_and_says_how_long_to_wait_for_more() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 10.0, lambda: now[0])
    assert buckets.take("a", 8) == 0
    assert buckets.take("a", 4) == pytest.approx(1.0)
    assert buckets.take("b", 10) == 0
    now[0] = 1.0
    assert buckets.take("a", 4) == 0
    assert buckets.take("a", 1) == pytest.approx(0.5)


def test_who_asks_for_more_than_a_bucket_holds_gets_it_and_owes_the_rest() -> None:
    now = [0.0]
    buckets = Buckets(1.0, 10.0, lambda: now[0])
    assert buckets.take("a", 30) == 0
    assert buckets.take("a") == pytest.approx(21)


def test_what_is_given_back_can_be_taken_again_and_no_more_than_that() -> None:
    buckets = Buckets(1.0, 10.0, lambda: 0.0)
    assert buckets.take("a", 10) == 0
    buckets.give_back({"a": 10})
    assert buckets.take("a", 10) == 0
    buckets.give_back({"a": 99})
    assert buckets.take("a", 10) == 0
    assert buckets.take("a") > 0


def test_of_several_each_gets_what_it_wants_or_nobody_anything() -> None:
    now = [0.0]
    buckets = Buckets(1.0, 10.0, lambda: now[0])
    assert buckets.take_all({"a": 4, "b": 9}) == (0, "")
    assert buckets.take_all({"a": 5, "b": 3, "c": 1}) == (pytest.approx(2.0), "b")
    assert buckets.take_all({"a": 6, "c": 10}) == (0, "")
    now[0] = 2.0
    assert buckets.take_all({"b": 3}) == (0, "")
