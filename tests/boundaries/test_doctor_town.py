"""`geofence doctor` on a service that runs, with a version in force, and once parts of it are gone."""

import json
import os
import time
from pathlib import Path
from unittest.mock import patch

from commands import layer, run, square
from town_hall import town_hall

from catalog import open_catalog
from catalog.fleet import FAILED, Loading, Worker

REGIONS = layer(a=square(0, 0, 1), b=square(1, 0, 1))


def examined(folder: Path, *words: str) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """The exit status, and of each check its levels and what it tells."""
    where = (
        "--log",
        f"sqlite:{folder}/log.db",
        "--catalog",
        f"sqlite:{folder}/catalog.db",
        "--shelf",
        f"{folder}/atlases",
    )
    done = run("doctor", "--json", *where, *words)
    found: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads(done.out)["findings"]:
        found.setdefault(one["check"], []).append((one["level"], one["told"]))
    return done.status, found


def test_all_is_well_until_the_worker_ends_and_a_partition_forgets_its_version(tmp_path: Path) -> None:
    (tmp_path / "town.geojson").write_bytes(REGIONS)
    with town_hall(tmp_path) as hall, patch.dict(os.environ, hall.environment()):
        hall.do("upload", "town", tmp_path / "town.geojson", "--create", "partition", "--comment", "first")
        hall.do("publish", "town", "1", "--comment", "first", "--yes")
        hall.ping("phone", lon=0.5, lat=0.5)
        hall.events("town", 1)
        status, found = examined(tmp_path)
        assert status == 0, found
        assert {level for lines in found.values() for level, _ in lines} == {"ok"}, found
        assert found["versions"] == [("ok", "1 in force on all 4 partitions: town 1")]
        assert found["workers"][0][1].startswith("1 report: ")
    with open_catalog(hall.catalog) as catalog:
        [first, *_] = [one for one in catalog.fleet.in_force("town") if one.partition == 2]
        catalog.fleet.put_in_force(2, [])
        status, found = examined(tmp_path)
        assert status == 2
        assert found["workers"][0] == ("error", "no worker reports to the catalog")
        [(level, told)] = found["versions"]
        assert level == "warning"  # it was sent seconds ago: it may be on its way
        assert told.endswith("ago and is not in force on partitions 2")
        with patch("time.time_ns", lambda now=time.time_ns: now() + 100_000_000_000):
            assert examined(tmp_path)[1]["versions"][0][0] == "error"
        catalog.fleet.put_in_force(2, [first])
        loadings = {first.hash: Loading(FAILED, "its geometry is not there")}
        catalog.fleet.seen(Worker("w", "far", 1, time.time_ns() // 1_000_000, (0, 1, 3), loadings))
        found = examined(tmp_path)[1]
        assert ("error", "partitions 2 are nobody's among the workers that report") in found["workers"]
        [(level, told), _] = found["versions"]
        assert (level, told) == (
            "error",
            f"version {first.hash[:12]} can't be loaded by the worker on far: its geometry is not there",
        )
