"""One server for all tests of this folder that ask one."""

from collections.abc import Iterator

import pytest
from town_hall import TownHall, town_hall


@pytest.fixture(scope="session")
def running_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownHall]:
    """Started for the first test that asks for it."""
    with town_hall(tmp_path_factory.mktemp("hall")) as one:
        yield one


@pytest.fixture
def hall(running_hall: TownHall, monkeypatch: pytest.MonkeyPatch) -> TownHall:
    """The same, named by the environment."""
    for name, value in running_hall.environment().items():
        monkeypatch.setenv(name, value)
    return running_hall
