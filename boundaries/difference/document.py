"""A difference as JSON and back: the form in which it is kept, served and handed to other programs.

Its schema is `difference_schema()`. Invariant: `difference_of(difference_json(one))` is the difference.
"""

from __future__ import annotations

from typing import Any

import msgspec

from boundaries.difference.change import (
    Described,
    Difference,
    Merged,
    Place,
    Reidentified,
    Renamed,
    Reshaped,
    Split,
    Value,
)
from boundaries.shapes_as_json import decode, encode, schema_of

FORMAT = 1


class DifferenceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What changed between two versions. `format` is raised when a reader would have to change."""

    format: int
    nothing: bool
    settings: tuple[Value, ...]
    added: tuple[Place, ...]
    removed: tuple[Place, ...]
    renamed: tuple[Renamed, ...]
    reshaped: tuple[Reshaped, ...]
    attributes: tuple[Described, ...]
    split: tuple[Split, ...]
    merged: tuple[Merged, ...]
    reidentified: tuple[Reidentified, ...]
    untouched: int


def difference_json(difference: Difference) -> bytes:
    """A difference as JSON."""
    parts = {name: getattr(difference, name) for name in Difference.__dataclass_fields__}
    return encode(DifferenceDocument(format=FORMAT, nothing=difference.nothing, **parts))


def difference_of(raw: bytes) -> Difference:
    """The difference that `difference_json` wrote. Raises msgspec.DecodeError, or ValueError for another format."""
    document = decode(raw, DifferenceDocument)
    if document.format != FORMAT:
        raise ValueError(f"the difference has format {document.format}; allowed: {FORMAT}. Compare again.")
    return Difference(**{name: getattr(document, name) for name in Difference.__dataclass_fields__})


def difference_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `difference_json` writes."""
    return schema_of(DifferenceDocument)
