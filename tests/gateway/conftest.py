"""One gateway for the whole run."""

from collections.abc import Iterator

import pytest
from served import Served, serving


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that takes pings of whoever has not withdrawn consent."""
    with serving(tmp_path_factory.mktemp("gateway")) as one:
        yield one
