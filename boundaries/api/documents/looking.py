"""Documents of what a version looks like: report, regions, tiles, differences."""

from __future__ import annotations

from boundaries.api.documents.examples import LAYER, NUMBER
from boundaries.api.pictures import GEOJSON, TILE
from boundaries.api.ports import Form
from boundaries.api.scopes import READ
from web.documents.operation import TEXT, Answer, Content, Header, Operation, Parameter

_FORM = Parameter("format", "How it is told.", "json", {"type": "string", "enum": [str(form) for form in Form]})
_OBJECT = {"type": "object"}
_FEATURES = {"type": "object", "required": ["type", "features"]}
_FORMS = (
    Content(_OBJECT), Content(TEXT, media="text/plain"), Content(_FEATURES, media=GEOJSON),
    Content(TEXT, media="text/html"),
)  # fmt: skip
_KEPT = (Header("ETag", "What it names never changes."),)
_WHOLE = {"type": "integer", "minimum": 0}
_TO = Parameter("to", "The version that it is compared with.", 5, {"type": "integer", "minimum": 1})

LOOKING = (
    Operation(
        method="GET", path="/v1/layers/{layer}/versions/{number}/report", name="getReport", scope=READ,
        parameters=(LAYER, NUMBER, _FORM), what="What the check has found", refusals=(400, 404),
        answer=Answer("The report; as GeoJSON, the places to look at", _FORMS),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/versions/{number}/regions", name="getRegions", scope=READ,
        parameters=(LAYER, NUMBER), what="The regions of a version", refusals=(404, 409),
        more="Who has them already is answered 304 (If-None-Match).",
        answer=Answer("All of them", (Content(_FEATURES, media=GEOJSON),), headers=_KEPT),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/versions/{number}/tiles/{z}/{x}/{y}.mvt", name="getTile", scope=READ,
        parameters=(LAYER, NUMBER, *(Parameter(name, what, 0, _WHOLE, where="path") for name, what in (
            ("z", "Zoom."), ("x", "Column, from the west."), ("y", "Row, from the north.")))),
        what="A vector tile of a version", refusals=(404, 409),
        more="Mapbox Vector Tile 2.1 in Web Mercator. Who has it already is answered 304 (If-None-Match).",
        answer=Answer("The tile", (Content({"type": "string", "format": "binary"}, media=TILE),), headers=_KEPT),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/versions/{number}/diff", name="getDifference", scope=READ,
        parameters=(LAYER, NUMBER, _TO, _FORM), what="What is different in another version", refusals=(400, 404, 409),
        answer=Answer("The differences; as GeoJSON, the places that changed region", _FORMS),
    ),
)  # fmt: skip
