"""The engines that the contract suite runs on."""

from pathlib import Path

import pytest
from engines import ENGINES, Engine
from kafka_engine import Kafka


@pytest.fixture(params=[*sorted(ENGINES), "kafka"])
def log_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """One engine after the other, each with an empty log."""
    if request.param == "kafka":
        return Kafka(request.getfixturevalue("cluster"))
    return ENGINES[request.param](tmp_path)


@pytest.fixture(params=sorted(ENGINES))
def tidy_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """Engines that keep house in this process, and so when they are told to."""
    return ENGINES[request.param](tmp_path)
