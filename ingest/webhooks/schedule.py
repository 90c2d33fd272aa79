"""When a delivery that failed is tried again, and when no more.

Asked by `sender`. Pure. Invariants: the n-th wait is at least `first_wait_s * 2^(n-1)`, or `most_wait_s`, and at most
so much and the jitter, and never more than `most_wait_s`; a receiver that asks for a time gets it within those bounds.
"""

from __future__ import annotations

from ingest.webhooks.delivery import Answer
from ingest.webhooks.settings import WebhookSettings

_ASKING = (429, 503)  # answers that may say when to come again
_MOST_DOUBLINGS = 40


def wait_s(failures: int, answer: Answer, settings: WebhookSettings, chance: float) -> float:
    """Seconds from the failure that makes it so many in a row to the next try. `chance` is from 0 to 1."""
    doubled = settings.first_wait_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
    if answer.status in _ASKING and answer.retry_after_s is not None:
        doubled = max(settings.first_wait_s, answer.retry_after_s)
    return min(doubled * (1.0 + settings.jitter * chance), settings.most_wait_s)


def given_up(failing_since_ms: int, now_ms: int, settings: WebhookSettings) -> bool:
    """Whether it has failed for so long that it is switched off."""
    return now_ms - failing_since_ms >= settings.give_up_s * 1000
