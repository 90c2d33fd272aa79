"""What changed between two versions of a layer: found by `compare`, told as JSON, GeoJSON, text and a page."""

from boundaries.difference.change import Difference
from boundaries.difference.compare import compare
from boundaries.difference.document import difference_json, difference_of, difference_schema
from boundaries.difference.page import difference_page
from boundaries.difference.places import difference_places
from boundaries.difference.side import Side
from boundaries.difference.text import text_of

__all__ = [
    "Difference",
    "Side",
    "compare",
    "difference_json",
    "difference_of",
    "difference_page",
    "difference_places",
    "difference_schema",
    "text_of",
]
