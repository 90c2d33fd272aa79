"""Compiles what a first run would have to wait for: `make` calls it at set-up, and after a change of the core.

Runs the commands' own paths over tiny worlds, so that every compiled function is cached for the types it is
really called with. Invariant: after it, no command compiles anything (a test counts the cached files).
"""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from click.testing import CliRunner

WORLD = """{"type": "FeatureCollection", "features": [
{"type": "Feature", "id": "west", "properties": {}, "geometry": {"type": "Polygon", "coordinates":
 [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}},
{"type": "Feature", "id": "east", "properties": {}, "geometry": {"type": "Polygon", "coordinates":
 [[[1, 0], [2, 0], [2, 1], [1, 1], [1, 0]]]}}]}"""


def main() -> None:
    """Compile, quietly."""
    from service.cli import cli as command

    with tempfile.TemporaryDirectory() as folder:
        regions, pings, points = (str(Path(folder) / name) for name in ("world.geojson", "pings.csv", "points.csv"))
        Path(regions).write_text(WORLD)
        rows = [f"a,{60_000 * k},{0.7 + 0.02 * k:.3f},0.5,{20 + k},gps,u" for k in range(40)]
        Path(pings).write_text("\n".join(["device,time_ms,lon,lat,accuracy_m,source,user", *rows]) + "\n")
        Path(points).write_text("lon,lat\n0.5,0.5\n1.0,0.5\n7,7\n")
        dwelling = ["--kind", "b=overlay", "--dwell", "b=60", "--tracks", str(Path(folder) / "tracks")]
        for options in (
            ["locate", "--regions", regions, points],
            ["locate", "--regions", regions, "--kind", "overlay", points],
            ["locate", "--regions", regions, "--engine", "rtree", points],
            ["replay", "--regions", regions, "--nearest-within", "1000", "--stats", pings],
            ["replay", "--regions", f"a={regions}", "--regions", f"b={regions}", *dwelling, pings],
            ["append", "--log", f"sqlite:{folder}/log.db", pings],
            ["worker", "--log", f"sqlite:{folder}/log.db", "--regions", regions, "--until-idle"],
            ["compare", "--regions", regions, "--picture", str(Path(folder) / "picture.svg"), pings],
        ):
            _run(command, options)
    _rest()


def _rest() -> None:
    """Take tracks out of a fence of both kinds, put them back, and pack them for Kafka; draw a tile."""
    from boundaries.tiles.tiler import Tiler
    from geofence.control import Erase
    from geofence.fence import Fence
    from geofence.geojson import read_regions
    from geofence.ping import Ping, Pings
    from geofence.region import Kind, Version
    from ingest.outgoing import state_records
    from stream.kafka.packing import packed_batches

    regions = read_regions(WORLD.encode(), layer="a").regions
    versions = [Version.of("a", regions), Version.of("b", regions, kind=Kind.OVERLAY)]
    fence, other = Fence(versions), Fence(versions)
    fence.observe(Pings.of(Ping(device="d", lon=0.9 + k / 7, lat=0.5, time_ms=k, user="u") for k in range(2)))
    other.restore(fence.changed())
    other.resume(fence.partition_row())
    other.apply(Erase(device="d", at_ms=9))
    list(packed_batches(state_records(other)[0], 1 << 20, transactional=True))
    Tiler(regions).tile(9, 256, 255)  # cut at its end


def _run(command, options: list[str]) -> None:  # type: ignore[no-untyped-def]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        result = CliRunner().invoke(command, options)
    if result.exit_code != 0:
        raise SystemExit(
            f"warming up: {' '.join(options)} ended with {result.exit_code}\n{result.output}"
        ) from result.exception


if __name__ == "__main__":
    main()
