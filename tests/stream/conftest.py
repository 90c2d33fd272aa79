"""The engines that the contract suite runs on."""

from pathlib import Path

import pytest
from engines import ENGINES, Engine


@pytest.fixture(params=sorted(ENGINES))
def log_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """One engine after the other, each with an empty log."""
    return ENGINES[request.param](tmp_path)
