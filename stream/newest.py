"""The newest value of each key: what a view of either engine keeps, and whom it tells of a change.

Under the engines' views, which bring the records. Invariant: whoever is told of a record finds it here already.
"""

from __future__ import annotations

from collections.abc import Mapping

from stream.port import OnChange


class Newest:
    """Values by key; a tombstone takes its key away."""

    def __init__(self, on_change: OnChange | None) -> None:
        self._on_change = on_change
        self._values: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """The newest value that has arrived."""
        return self._values.get(key)

    def items(self) -> Mapping[bytes, bytes]:
        """All of them."""
        return self._values

    def _put(self, key: bytes | None, value: bytes | None) -> None:
        """A record has arrived; one without a key is nobody's value."""
        if key is None:
            return
        before = self._values.get(key)
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
        if self._on_change is not None:
            self._on_change(key, before, value)
