"""When it is tried again: the waits grow, have bounds, and a receiver may ask for more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.webhooks.delivery import Answer
from ingest.webhooks.schedule import given_up, wait_s
from ingest.webhooks.settings import WebhookSettings

SETTINGS = WebhookSettings()


@given(st.integers(1, 200), st.floats(0, 1))
def test_waits_double_are_longer_by_a_quarter_at_most_and_an_hour_at_most(failures: int, chance: float) -> None:
    waits = wait_s(failures, Answer(500, "", 1), SETTINGS, chance)
    least = min(2.0 ** (failures - 1), 3600.0)
    assert least <= waits <= min(1.25 * least, 3600.0)


@given(st.sampled_from([429, 503]), st.floats(0, 1e9), st.integers(1, 100))
def test_a_receiver_gets_the_time_it_asks_for_up_to_an_hour(status: int, asked_s: float, failures: int) -> None:
    assert wait_s(failures, Answer(status, "", 1, asked_s), SETTINGS, 1.0) <= 3600.0
    waits = wait_s(failures, Answer(status, "", 1, asked_s), SETTINGS, 0.0)
    assert waits == min(max(asked_s, 1.0), 3600.0)


def test_three_days_of_failures_are_enough() -> None:
    assert not given_up(0, 3 * 86_400_000 - 1, SETTINGS)
    assert given_up(0, 3 * 86_400_000, SETTINGS)


@pytest.mark.parametrize(("name", "value"), [("at_once", 0), ("deadline_s", -1.0), ("lease_s", 2.0)])
def test_a_setting_that_can_not_be_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        WebhookSettings(**{name: value})
