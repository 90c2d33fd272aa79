"""Documents of versions: making them, having them checked, deleting them."""

from __future__ import annotations

from boundaries.api.documents.examples import ETAG, IF_MATCH, JOB, LAYER, LOCATION, NUMBER, VERSION
from boundaries.api.forms_in import NewVersion, Recheck
from boundaries.api.forms_out import VersionList, VersionState
from boundaries.api.scopes import READ, WRITE
from web.documents.operation import Answer, Content, Operation, Parameter

_BEGUN = {**VERSION, "state": "draft", "hash": None, "counts": None, "checked_ms": None, "job": JOB}
_FILE = {"type": "string", "format": "binary", "description": "GeoJSON, zipped Shapefile, GeoPackage, FlatGeobuf, KML."}
_NUMBER, _WHOLE = {"type": "number"}, {"type": "integer", "minimum": 1}
_QUERY = (
    Parameter("file", "The file's name; with it the body is a file, of any content type.", "counties.zip"),
    Parameter("base", "The version that it follows; the published one unless said.", 3, _WHOLE),
    Parameter("inner", "The layer in the file.", "counties"),
    Parameter("crs", "The coordinate system of its numbers; goes before what the file says.", "EPSG:25832"),
    Parameter("encoding", "The encoding of its text.", "ISO-8859-1"),
    Parameter("id", "The attribute that has the ids.", "GEOID"),
    Parameter("name", "The attribute that has the names.", "NAME"),
    Parameter("fix", "Whether what can be mended is mended.", "true", {"type": "string", "enum": ["true", "false"]}),
    Parameter("rule", "A preset's name, or an object with knobs as JSON.", "balanced"),
    Parameter("dwell_s", "Overlay layers: seconds after which a stay is told; none: never.", "none"),
    Parameter("nearest_within_m", "Partitions: metres within which a place has a region.", 0, _NUMBER),
    Parameter("comment", "What is new.", "New border at the river", {"type": "string", "maxLength": 4096}),
)
_ANSWER = Answer("A draft, and the job that checks it: Location is the job's", (
    Content(VersionState, _BEGUN),), 202, (LOCATION, ETAG))  # fmt: skip

VERSIONS = (
    Operation(
        method="POST", path="/v1/layers/{layer}/versions", name="createVersion", scope=WRITE,
        what="Upload a region file, or make a version from another one", refusals=(404, 409, 422),
        more="With `file` in the query the body is the file, up to 200 MB; the rest of the query says how it is read. "
        "Without, it is an object.", parameters=(LAYER, *_QUERY),
        takes=(
            Content(NewVersion, {"from": 4, "without": ["48301"], "comment": "Loving County is no more"}),
            Content(_FILE, media="application/octet-stream"),
        ),
        answer=_ANSWER,
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/versions", name="listVersions", scope=READ, parameters=(LAYER,),
        what="The versions of a layer", refusals=(404,),
        answer=Answer("The newest first", (Content(VersionList, {"versions": [VERSION]}),)),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/versions/{number}", name="getVersion", scope=READ,
        parameters=(LAYER, NUMBER), what="One version", refusals=(404,),
        answer=Answer("As it is", (Content(VersionState, {**VERSION, "job": None}),), headers=(ETAG,)),
    ),
    Operation(
        method="DELETE", path="/v1/layers/{layer}/versions/{number}", name="removeVersion", scope=WRITE,
        parameters=(LAYER, NUMBER, IF_MATCH), what="Delete a version that was never published",
        refusals=(400, 404, 409, 412, 428), answer=Answer("Deleted", status=204),
    ),
    Operation(
        method="POST", path="/v1/layers/{layer}/versions/{number}/check", name="checkVersion", scope=WRITE,
        parameters=(LAYER, NUMBER), what="Check a draft again, if need be read in another way",
        more="For a file that could not be read, or that has errors: it needs not be sent again.",
        refusals=(404, 409, 412, 422), takes=(Content(Recheck, {"crs": "EPSG:25832"}),), answer=_ANSWER,
    ),
)  # fmt: skip
