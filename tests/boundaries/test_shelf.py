"""Compiled atlases on disk: the same answers, mapped, shared between versions of the same shapes."""

from __future__ import annotations

import asyncio
import fcntl

import msgspec
import numpy as np
import pytest
from numba import typeof
from shapely import box

from boundaries.blob import write_regions
from boundaries.loading import Loader
from boundaries.manifest import manifest_of
from boundaries.shelf import Shelf
from catalog import open_catalog, upgrade
from geofence.atlas import CODE_VERSION, Atlas
from geofence.library import UnknownVersion
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
    assert [place.name for place in folder.iterdir()] == ["lock"]


def test_a_version_that_is_not_there_is_none(tmp_path):
    assert Shelf(tmp_path).atlas("0" * 64) is None


def test_a_folder_that_holds_another_version_is_refused(tmp_path):
    version = Version.of("s", SQUARE)
    Shelf(tmp_path).put(version, manifest_of(version, ""))
    place = tmp_path / f"version-{version.hash}-{CODE_VERSION}" / "manifest.json"
    told = msgspec.json.decode(place.read_bytes())
    place.write_bytes(msgspec.json.encode({**told, "layer": "other"}))
    with pytest.raises(ValueError, match="remove the folder"):
        Shelf(tmp_path).atlas(version.hash)


def test_what_other_code_has_built_is_not_read(tmp_path, monkeypatch):
    version = Version.of("s", SQUARE)
    Shelf(tmp_path).put(version, manifest_of(version, ""))
    monkeypatch.setattr("boundaries.shelf.CODE_VERSION", CODE_VERSION + 1)
    assert not Shelf(tmp_path).has(version.hash)
    Shelf(tmp_path).put(version, manifest_of(version, ""))
    assert Shelf(tmp_path).atlas(version.hash) is not None


def test_nothing_is_removed_while_somebody_compiles(tmp_path):
    shelf, version = Shelf(tmp_path), Version.of("s", SQUARE)
    shelf.put(version, manifest_of(version, ""))
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shelf.keep(set())
        assert shelf.atlas(version.hash) is not None
    shelf.keep(set())
    assert shelf.atlas(version.hash) is None


def test_what_a_compiler_that_was_killed_left_is_removed(tmp_path):
    (tmp_path / "new-abc").mkdir()
    Shelf(tmp_path).keep(set())
    assert [place.name for place in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("broken", ["version-*/manifest.json", "version-*/shapes", "shapes-*/shapes.npy", "shapes-*/*"])
def test_a_version_that_is_broken_on_the_shelf_is_made_anew(tmp_path, broken):
    version = Version.of("s", SQUARE)
    upgrade(f"sqlite:{tmp_path}/catalog.db")
    with open_catalog(f"sqlite:{tmp_path}/catalog.db") as catalog:
        loader, shelf = Loader(catalog, tmp_path / "shelf"), Shelf(tmp_path / "shelf")
        write_regions(version.regions, tmp_path / "regions.fgb")
        blob = catalog.blobs.put(tmp_path / "regions.fgb", now_ms=0)
        shelf.put(version, manifest_of(version, blob))
        catalog.versions.manifest = lambda _: msgspec.json.decode(manifest_of(version, blob))
        for file in (tmp_path / "shelf").glob(broken):
            file.write_bytes(b"")
        assert asyncio.run(loader.load(version.hash)).version.hash == version.hash
        assert shelf.atlas(version.hash) is not None


def test_a_disk_that_takes_nothing_is_told_as_the_reason(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    upgrade(f"sqlite:{tmp_path}/catalog.db")
    with open_catalog(f"sqlite:{tmp_path}/catalog.db") as catalog:
        catalog.versions.manifest = lambda _: {}
        monkeypatch.setattr("tempfile.TemporaryDirectory", full)
        with pytest.raises(UnknownVersion, match="No space left"):
            asyncio.run(Loader(catalog, tmp_path / "shelf").load("0" * 64))
