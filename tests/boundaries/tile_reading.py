"""A reader of vector tiles for the tests: written from the format's specification, sharing nothing with the writer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Read:
    """One feature: its id, its properties, its rings as arrays of positions in units of the tile."""

    id: int
    properties: dict[str, Any]
    rings: list[np.ndarray]

    def covers(self, points: np.ndarray) -> np.ndarray:
        """Which points are inside an odd number of rings."""
        return even_odd(self.rings, points)


def read_tile(raw: bytes) -> list[Read]:
    """The features of a tile with one layer, which must be as version 2.1 wants it."""
    if not raw:
        return []
    layers = [value for key, value in fields(raw) if key == 3]
    assert len(layers) == 1
    parts = list(fields(layers[0]))
    assert [value for key, value in parts if key == 15] == [2]
    assert [value for key, value in parts if key == 5] == [4096]
    assert [bytes(value) for key, value in parts if key == 1] == [b"regions"]
    keys = [bytes(value).decode() for key, value in parts if key == 3]
    values = [_value(value) for key, value in parts if key == 4]
    return [_feature(value, keys, values) for key, value in parts if key == 2]


def fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protobuf message: numbers, and pieces of bytes."""
    at = 0
    while at < len(raw):
        tag, at = _number(raw, at)
        if tag & 7 == 0:
            value, at = _number(raw, at)
            yield tag >> 3, value
        else:
            assert tag & 7 == 2
            size, at = _number(raw, at)
            assert at + size <= len(raw)
            yield tag >> 3, raw[at : at + size]
            at += size


def area2(ring: np.ndarray) -> float:
    """Twice the area as the specification counts it: positive for outer rings."""
    x, y = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def even_odd(rings: list[np.ndarray], points: np.ndarray) -> np.ndarray:
    """Which points lie inside an odd number of rings; none lies on one."""
    inside = np.zeros(len(points), bool)
    px, py = points.T
    for ring in rings:
        for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            rows = (ay > py) != (by > py)
            inside[rows] ^= px[rows] < (bx - ax) * (py[rows] - ay) / (by - ay) + ax
    return inside


def _number(raw: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = raw[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _numbers(raw: bytes) -> list[int]:
    found, at = [], 0
    while at < len(raw):
        value, at = _number(raw, at)
        found.append(value)
    return found


def _value(raw: bytes) -> Any:
    ((key, value),) = fields(raw)
    return bytes(value).decode() if key == 1 else {5: value}[key]


def _feature(raw: bytes, keys: list[str], values: list[Any]) -> Read:
    parts = dict(fields(raw))
    assert parts[3] == 3, "a polygon"
    tags = _numbers(parts[2])
    properties = {keys[key]: values[value] for key, value in zip(tags[::2], tags[1::2], strict=True)}
    return Read(parts[1], properties, _rings(_numbers(parts[4])))


def _rings(commands: list[int]) -> list[np.ndarray]:
    rings, ring, x, y, at = [], [], 0, 0, 0
    while at < len(commands):
        command, count = commands[at] & 7, commands[at] >> 3
        at += 1
        if command == 7:
            assert count == 1
            assert len(ring) >= 3
            rings.append(np.array(ring, float))
            ring = []
            continue
        assert command == (2 if ring else 1)
        for _ in range(count):
            x += (commands[at] >> 1) ^ -(commands[at] & 1)
            y += (commands[at + 1] >> 1) ^ -(commands[at + 1] & 1)
            ring.append((x, y))
            at += 2
    assert not ring
    return rings
