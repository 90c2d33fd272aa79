"""Files from strangers: each gets its sentence, none gets at another file, and none breaks the one who reads it."""

import asyncio
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hostile_files import HOSTILE, KML, zipped
from region_files import FORMATS, collection, feature, frame, written
from shapely import box

from boundaries.errors import Unreadable
from boundaries.reading.apart import read_apart
from boundaries.reading.kept import from_bytes
from boundaries.reading.options import Bounds, ReadOptions
from boundaries.reading.read import read
from boundaries.sandbox import run_and_wait
from boundaries.task import Task

TORTURE = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
CANARY = "canary-of-the-test"


def outcomes_of(*paths: Path) -> list[list[str]]:
    """What becomes of the files in one child."""
    task = Task(function="reading_tasks.read_all", arguments={"paths": [str(path) for path in paths]}, reads=paths)
    got: list[list[str]] = run_and_wait(task, lambda outcome: outcome.value)
    return got


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with a canary in it."""
    (tmp_path / "canary.txt").write_text(CANARY)
    return tmp_path


def test_every_hostile_file_gets_its_sentence_and_the_canary_is_never_seen(folder: Path) -> None:
    paths = []
    for name, (make, _) in HOSTILE.items():
        path = folder / f"{name}.bin"
        path.write_bytes(make(folder))
        paths.append(path)
    before = sorted(folder.iterdir())
    outcomes = outcomes_of(*paths)
    for (name, (_, told)), (kind, said) in zip(HOSTILE.items(), outcomes, strict=True):
        assert kind == "unreadable", name
        assert told in said, name
        assert CANARY not in said
        assert str(folder) not in said, name
    assert sorted(folder.iterdir()) == before


def test_a_refusal_comes_out_of_the_sandbox_as_it_was(folder: Path) -> None:
    make, told = HOSTILE["KML with an entity of a file"]
    path = folder / "x"
    path.write_bytes(make(folder))
    with pytest.raises(Unreadable, match=told):
        asyncio.run(read_apart(path))


def test_a_file_is_read_in_the_sandbox_as_outside_of_it(folder: Path) -> None:
    regions = frame([box(9, 50, 9.1, 50.1), box(9.1, 50, 9.2, 50.1)])
    paths = [written(regions, suffix, folder) for suffix in FORMATS]
    readings = [from_bytes(said.encode("latin-1")) for _, said in outcomes_of(*paths)]
    for path, two in zip(paths, readings, strict=True):
        one = read(path)
        assert one.source == two.source
        assert repr(one.features) == repr(two.features)
        assert (one.findings, one.settings) == (two.findings, two.settings)
    assert asyncio.run(read_apart(paths[0])).source == readings[0].source


def test_a_network_link_is_not_followed_but_told(folder: Path) -> None:
    path = folder / "x.kml"
    link = f'<NetworkLink id="n"><Link><href>file://{folder}/canary.txt</href></Link></NetworkLink>'
    path.write_text(KML.format(link))
    reading = asyncio.run(read_apart(path))
    assert [(one.code, "not followed" in one.what) for one in reading.findings] == [("feature_malformed", True)]


def test_sizes_and_counts_are_bounded(folder: Path) -> None:
    path = folder / "x.geojson"
    path.write_bytes(collection(*(feature(n) for n in range(20))))
    for bounds, told in (
        (Bounds(sent_bytes=100), "allowed: up to 0.0001 MB"),
        (Bounds(features=19), "has 20 features; allowed: up to 19"),
        (Bounds(positions=99), "more than 99 positions"),
    ):
        with pytest.raises(Unreadable, match=told):
            read(path, ReadOptions(bounds=bounds))
    packed = folder / "x.zip"
    packed.write_bytes(zipped(("x.geojson", path.read_bytes())))
    with pytest.raises(Unreadable, match="has more than 0 MB"):
        read(packed, ReadOptions(bounds=Bounds(unpacked_bytes=1_000)))


def _broken(raw: bytes, chance: Random) -> bytes:
    """The file with bytes flipped, cut out, doubled, or spliced from elsewhere in it."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 6)):
        at, size = chance.randrange(len(data)), chance.randint(1, 64)
        how = chance.randrange(6)
        if how == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            data[at] = chance.randrange(256)
        elif how == 2 and len(data) > 2 * size:
            del data[at : at + size]
        elif how == 3:
            data[at:at] = data[at : at + size]
        elif how == 4:
            other = chance.randrange(len(data))
            data[at : at + size] = data[other : other + size]
        else:
            data[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80"))
    return bytes(data[: chance.randrange(1, len(data))] if chance.random() < 0.1 else data)


def test_broken_files_are_read_or_refused_and_nothing_else(folder: Path) -> None:
    regions = frame([box(9, 50, 9.1, 50.1), box(9.1, 50, 9.2, 50.1)], 25832)
    for suffix in FORMATS:
        chance, raw = Random(f"broken {suffix}"), written(regions, suffix, folder).read_bytes()
        for number in range(3_000 if TORTURE else 50):
            (folder / f"broken{number}.{suffix}").write_bytes(_broken(raw, chance))
    paths = sorted(folder.glob("broken*"))
    kinds: dict[str, int] = {}
    for begin in range(0, len(paths), 1_000):
        for path, (kind, said) in zip(paths[begin:], outcomes_of(*paths[begin : begin + 1_000]), strict=False):
            assert CANARY not in said
            assert str(folder) not in said or kind == "read", path
            kinds[kind] = kinds.get(kind, 0) + 1
    assert sum(kinds.values()) == len(paths)
    assert min(kinds["read"], kinds["unreadable"]) > len(paths) / 10


def test_a_mixture_of_two_formats_is_refused_or_read(folder: Path) -> None:
    raws = [written(frame([box(9, 50, 9.1, 50.1)]), suffix, folder).read_bytes() for suffix in FORMATS]
    paths: list[Path] = []
    for one, first in enumerate(raws):
        for two, second in enumerate(raws):
            path = folder / f"mixed{one}_{two}"
            path.write_bytes(first[: len(first) // 2] + second[len(second) // 2 :])
            paths.append(path)
    kinds: list[Any] = [kind for kind, _ in outcomes_of(*paths)]
    assert set(kinds) <= {"read", "unreadable", "undecided"}
    assert kinds.count("read") >= len(FORMATS)
