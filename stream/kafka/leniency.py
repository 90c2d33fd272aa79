"""Header names that are no UTF-8: brokers let them in, aiokafka fails on them, and so would a partition for ever.

Beside `reading`. Invariant: until such a name is met the client's own fast decoder does all the work; from then on each
fetch is tried by it first, and read by a slower one only where it fails. Bytes that are none are shown as U+FFFD.
"""

from __future__ import annotations

import logging
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

_log = logging.getLogger(__name__)
_fast = fetcher.MemoryRecords


class _Bytes(bytearray):
    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Bytes(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]
    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: Any = _Bytes(self._buffer)


class _Records(_MemoryRecordsPy):  # type: ignore[misc]
    def next_batch(self) -> Any:
        found = self._next_slice
        if found is None or len(found) <= self.MAGIC_OFFSET or found[self.MAGIC_OFFSET] < 2:
            return super().next_batch()
        self._cache_next()
        return _Batch(found)


def be_lenient(error: UnicodeDecodeError) -> None:
    """Read all that is fetched from now on, whatever the names of headers are."""
    if fetcher.MemoryRecords is _fast:
        _log.warning("a record has a header whose name is no UTF-8: %s", error, extra={"action": "lenient"})
        fetcher.MemoryRecords = _tried


def _tried(fetched: bytes) -> Any:
    records = _fast(fetched)
    try:
        while records.has_next():
            for _ in records.next_batch():
                pass
    except UnicodeDecodeError:
        return _Records(fetched)
    except Exception:  # noqa: S110  told when it is read
        pass
    return _fast(fetched)
