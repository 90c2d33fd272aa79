"""Compiled atlases on disk: the same answers, mapped, shared between versions of the same shapes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from numba import typeof
from shapely import box

from boundaries.manifest import manifest_of
from boundaries.shelf import Shelf
from geofence.atlas import Atlas
from geofence.region import Kind, Region, Version
from geofence.rule import Rule
from service.layers import versions_of

COUNTIES = versions_of(["data/us-counties.geojson.gz"])[0]
FENCES = Version.of(
    "zones", [Region("a", box(0, 0, 2, 2), "A"), Region("b", box(1, 1, 3, 3))], kind=Kind.OVERLAY, dwell_s=60
)
SQUARE = [Region("a", box(0, 0, 2, 2), "A")]


@pytest.mark.parametrize("version", [COUNTIES, FENCES, Version.of("gone", [])], ids=lambda version: version.layer)
def test_an_atlas_from_the_shelf_gives_the_same_answers_from_mapped_files(tmp_path, version):
    shelf, built = Shelf(tmp_path / "shelf"), Atlas(version)
    shelf.put(version, manifest_of(version, "0" * 64))
    kept = shelf.atlas(version.hash)
    assert kept is not None
    assert (kept.version.hash, kept.version.codes) == (version.hash, version.codes)
    random = np.random.default_rng(7)
    lon, lat = random.uniform(-125, -65, 20_000), random.uniform(25, 50, 20_000)
    for one, other in zip(built.locate(lon, lat), kept.locate(lon, lat), strict=True):
        assert np.array_equal(one, other)
    for name, column in built.arrays().items():  # or else the kernels would be compiled again
        assert typeof(column) == typeof(kept.arrays()[name]), name


def test_versions_of_the_same_shapes_share_the_files(tmp_path):
    shelf, folder = Shelf(tmp_path), tmp_path
    one, two = Version.of("s", SQUARE), Version.of("s", SQUARE, rule=Rule.preset("strict"))
    for version in (one, two):
        shelf.put(version, manifest_of(version, ""))
    assert len(list(folder.glob("shapes-*"))) == 1
    shelf.keep({two.hash})
    assert shelf.atlas(one.hash) is None
    assert shelf.atlas(two.hash) is not None
    shelf.keep(set())
    assert list(folder.iterdir()) == []


def test_a_version_that_is_not_there_is_none(tmp_path):
    assert Shelf(tmp_path).atlas("0" * 64) is None


def test_a_folder_that_holds_another_version_is_refused(tmp_path):
    version = Version.of("s", SQUARE)
    Shelf(tmp_path).put(version, manifest_of(version, ""))
    place = tmp_path / f"version-{version.hash}" / "manifest.json"
    told = msgspec.json.decode(place.read_bytes())
    place.write_bytes(msgspec.json.encode({**told, "layer": "other"}))
    with pytest.raises(ValueError, match="remove the folder"):
        Shelf(tmp_path).atlas(version.hash)
