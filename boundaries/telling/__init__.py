"""A report told to people and programs: JSON, text, GeoJSON of its places, and a page with maps."""

from boundaries.telling.document import report_json, report_of, report_schema
from boundaries.telling.page import report_page
from boundaries.telling.places import report_places
from boundaries.telling.text import report_text
from boundaries.telling.verdict import Verdict, verdict_of

__all__ = [
    "Verdict",
    "report_json",
    "report_of",
    "report_page",
    "report_places",
    "report_schema",
    "report_text",
    "verdict_of",
]
