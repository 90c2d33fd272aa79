"""One broker for the whole run."""

from collections.abc import Iterator

import pytest
from broker import Cluster, running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Kafka broker; started with the first test that asks for it."""
    with running() as one:
        yield one
