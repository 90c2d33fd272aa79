"""`geofence run` ended and started again under load: SDKs come again, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.soak.restarts import restarted

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
ROUNDS, RATE = (20, 2000.0) if LONG else (2, 500.0)
PACE = 1.0 if LONG else 0.1  # of the waits that docs/sdk.md asks for: a start takes a second, not minutes


def test_ended_and_started_under_load_each_event_is_told_once_and_all_that_was_acknowledged_is_there(
    tmp_path: Path,
) -> None:
    found = asyncio.run(restarted(tmp_path, RATE, ROUNDS, print, PACE))
    print(found.text())
    assert found.good, found.text()
    assert found.statuses["none"] > 0, "no end has met a request"
    assert found.verdict.events > 0
    assert found.events > 0
