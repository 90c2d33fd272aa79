"""The catalog on each database, empty but for its schema."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import DATABASES

from catalog import Catalog, open_catalog, upgrade


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that is empty."""
    return DATABASES[request.param](tmp_path)


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    """A catalog that is up to date and open."""
    upgrade(url)
    with open_catalog(url) as one:
        yield one
