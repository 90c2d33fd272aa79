"""The clock of the database: a server has one, a file has none."""

import time

from catalog import Catalog


def test_a_server_tells_its_time_in_milliseconds_and_a_file_has_none(catalog: Catalog, url: str) -> None:
    found = catalog.clock.now_ms()
    if url.startswith("sqlite:"):
        assert found is None
    else:
        assert found is not None
        assert abs(found - time.time_ns() // 1_000_000) < 2_000  # it runs on this machine
