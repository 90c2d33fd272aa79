"""Files of pings: CSV, GPX or NDJSON, told apart by how they begin, packed or not.

What `replay` and `compare` read. Invariant: the same pings give the same batches whatever the format, and a
file that holds none of the three is `Unusable`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from service.csv_pings import read_csv_pings
from service.read_csv import CsvFile
from service.read_gpx import read_gpx_pings
from service.read_ndjson import read_ndjson_pings
from service.rows import Part
from service.source import Source, Unusable

_BOM = b"\xef\xbb\xbf"
_GEOJSON = re.compile(rb'"type"\s*:\s*"(FeatureCollection|Feature)"')
_LOOK_BYTES = 1000


class Format(StrEnum):
    """How the pings are written."""

    CSV = "csv"
    GPX = "gpx"
    NDJSON = "ndjson"


class PingFile:
    """An open file of pings."""

    def __init__(self, source: Source) -> None:
        """Look at the beginning of the source. Raises Unusable."""
        self.source = source
        self._begun = source.read()
        self.format = _format(self._begun, source.name)

    def batches(self) -> Iterator[Part]:
        """Everything in the file, in its order. Raises Unusable as soon as it turns out to be so."""
        match self.format:
            case Format.CSV:
                return read_csv_pings(CsvFile(self.source, begun=self._begun))
            case Format.GPX:
                return read_gpx_pings(self.source, begun=self._begun)
            case Format.NDJSON:
                return read_ndjson_pings(self.source, begun=self._begun)


def _format(begun: bytes, name: str) -> Format:
    text = begun.removeprefix(_BOM).lstrip()
    if not text:
        raise Unusable(f"{name}: is empty. Give it pings: CSV with a header, GPX, or NDJSON.")
    if begun.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unusable(f"{name}: is UTF-16; allowed: UTF-8. Save it as UTF-8.")
    if text.startswith(b"["):
        raise Unusable(f"{name}: is a JSON array; allowed: NDJSON, one object per line. Convert it (jq -c '.[]').")
    if text.startswith(b"{"):
        if _GEOJSON.search(text[:_LOOK_BYTES]):
            raise Unusable(f"{name}: is GeoJSON; allowed: pings as CSV, GPX or NDJSON. Give regions with --regions.")
        return Format.NDJSON
    return Format.GPX if text.startswith(b"<") else Format.CSV
