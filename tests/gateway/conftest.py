"""Gateways on embedded logs, ended when a test is over."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import Embedded
from served import Served, serving


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway for the whole run, that takes pings of whoever has not withdrawn consent."""
    with serving(tmp_path_factory.mktemp("gateway")) as one:
        yield one


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Callable[..., Embedded]]:
    """Makes gateways on embedded logs."""
    made: list[Embedded] = []

    def make(**settings: Any) -> Embedded:
        folder = tmp_path / f"g{len(made)}"
        folder.mkdir()
        made.append(Embedded(folder, **settings))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture(scope="module")
def gateway_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """One for tests that leave nothing behind."""
    one = Embedded(tmp_path_factory.mktemp("gateway"))
    yield one
    one.stop()
