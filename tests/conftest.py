"""Profiles of the property tests (short by default, long for `make torture`), a town with a walk in it, a broker."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from broker import Cluster, running
from commands import HEADER, MINUTE, layer, square
from hypothesis import HealthCheck, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile("default", deadline=None, max_examples=25, derandomize=True, suppress_health_check=_SLOW)
settings.register_profile("torture", deadline=None, max_examples=2000, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# Those that take longest, the longest first: side by side, the last one to end is waited for.
_LONG = (
    "test_cluster_story.py",
    "test_torture.py",
    "test_command_boundaries.py",
    "test_events.py",
    "test_worker.py",
    "test_atlas.py",
    "test_command_boundaries_folder.py",
    "test_worker_kafka.py",
    "test_faults.py",
    "test_data.py",
    "test_consumers.py",
    "test_consumers_http.py",
)

TOWN = layer(a=square(0, 0, 1), b=square(1, 0, 1), c=square(3, 0, 1))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    items.sort(key=lambda item: _LONG.index(item.path.name) if item.path.name in _LONG else len(_LONG))


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Three squares: a and b side by side, c apart."""
    path = tmp_path / "town.geojson"
    path.write_bytes(TOWN)
    return path


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """Two phones that cross from a to b, one ping a minute."""
    rows = [
        f"{device},{minute * MINUTE},{lon:.4f},{0.5 + 0.01 * place},10\n"
        for minute, lon in enumerate(np.linspace(0.7, 1.3, 30))
        for place, device in enumerate(("one", "two"))
    ]
    path = tmp_path / "walk.csv"
    path.write_text(HEADER + "".join(rows))
    return path


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One Kafka broker for the whole run of this process; started for the first test that asks for it."""
    with running() as one:
        yield one
