"""What admins send, as types.

Between the endpoints, which read them, and `documents`, which tells of them. Invariant: a field that is not known is
refused, as it may have been meant to change something.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from boundaries.layer import ACCURACY_M, TOLERANCE_M

Number = Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
Comment = Annotated[str, msgspec.Meta(max_length=4096)]
_MOST_DEVICES = 2**31  # the largest number that every database takes


class NewLayer(msgspec.Struct, forbid_unknown_fields=True):
    """A layer to be made; its name and kind never change."""

    name: str
    kind: Literal["partition", "overlay"] = "partition"
    tolerance_m: float = TOLERANCE_M
    accuracy_m: float = ACCURACY_M


class LayerChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be another; what is left out stays."""

    tolerance_m: float | None = None
    accuracy_m: float | None = None


class NewVersion(msgspec.Struct, forbid_unknown_fields=True, rename={"base": "from"}):
    """A version made from another one: what is left out is as it was there."""

    base: Number
    rule: dict[str, Any] | UnsetType = UNSET
    dwell_s: float | UnsetType | None = UNSET
    nearest_within_m: float | UnsetType = UNSET
    without: Annotated[list[str], msgspec.Meta(max_length=100_000)] = []
    retire: bool = False
    comment: Comment = ""


class Recheck(msgspec.Struct, forbid_unknown_fields=True):
    """How a file is to be read after all; what is left out is as it was."""

    inner: str | UnsetType | None = UNSET
    crs: str | UnsetType | None = UNSET
    encoding: str | UnsetType | None = UNSET
    id: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    fix: bool | UnsetType = UNSET
    rule: dict[str, Any] | UnsetType = UNSET
    dwell_s: float | UnsetType | None = UNSET
    nearest_within_m: float | UnsetType = UNSET


class NewDryRun(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be tried out: how many hours of kept pings are replayed (0: none), and in place of which version."""

    hours: Annotated[float, msgspec.Meta(ge=0, le=24 * 366)] = 24.0
    against: Number | None = None


class Publish(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be put in force, and instead of what."""

    replaces: Number | None
    comment: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    expect: Annotated[int, msgspec.Meta(ge=0, lt=_MOST_DEVICES)] | None = None
    at: str | None = None
    overtake: bool = False
