"""Every kind of finding: how bad it is, what it means, what to do about it.

The one table behind reports and docs. Invariant: a code, once given out, keeps its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from boundaries.checking.finding import Finding, Mend, Severity

E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding."""

    code: str
    severity: Severity
    title: str
    means: str
    remedy: str


# fmt: off
_ALL = (
    # the file
    Code("crs_unknown", E, "Coordinate system unknown",
         "The file does not say in which coordinate system its numbers are, so its regions could lie anywhere.",
         "Say it: --crs EPSG:25832 or a WKT; or add the .prj file to the zip."),
    Code("crs_doubtful", W, "Coordinate system doubtful",
         "The numbers do not look like ones of the coordinate system that the file says, or only a rough way leads "
         "from it to WGS 84: the regions may lie elsewhere.",
         "Check where they lie; say the true system: --crs EPSG:25832; or export in WGS 84."),
    Code("no_regions", E, "No regions",
         "The file has no feature that could be a region.",
         "Check that it is the right file, and the right layer in it."),
    Code("feature_malformed", E, "Feature can't be read",
         "A feature is not as its format wants it; it is left out of every other check.",
         "Correct the feature, or leave it out of the file."),
    Code("text_garbled", W, "Text looks wrongly encoded",
         "A name or an id has letters as they come out when text is read in the wrong encoding.",
         "Export as UTF-8, or say the encoding: --encoding ISO-8859-1."),
    # ids and names
    Code("id_missing", E, "No id",
         "Without an id a region can't be told from others, nor known again in the next version.",
         "Give every feature an id that stays the same, or name the attribute that has it: --id."),
    Code("id_repeated", E, "Id used twice",
         "Two features have the same id; a region is one feature.",
         "Join the two as one MultiPolygon, or rename one."),
    Code("id_unusable", E, "Id can't be used",
         "An id has 1 to 256 printable bytes, since it stands in every event.",
         "Give the feature a short id without control characters."),
    Code("name_too_long", E, "Name too long",
         "A name has up to 1024 bytes, since it stands in every event.",
         "Shorten it."),
    # the shape of one region
    Code("geometry_missing", E, "No geometry", "The feature has no shape.", "Draw it, or leave the feature out."),
    Code("geometry_empty", E, "Empty geometry", "The feature's shape has no positions.",
         "Draw it, or leave the feature out."),
    Code("geometry_not_polygon", E, "Not a polygon",
         "A region is a Polygon or a MultiPolygon; points and lines have no inside.",
         "Convert it to a polygon, or leave the feature out."),
    Code("position_not_finite", E, "Position is no number", "A coordinate is infinite or not a number.",
         "Correct the position."),
    Code("position_out_of_range", E, "Position off the world",
         "A longitude beyond -180 to 180, or a latitude beyond -90 to 90, lies nowhere.",
         "Check the coordinate system (--crs), and that lon comes before lat."),
    Code("ring_too_short", E, "Ring without area",
         "A ring needs at least three different positions, and the first again at the end.",
         "Leave the ring out (where others are left: --fix ring_too_short), or draw it."),
    Code("ring_open", E, "Ring not closed",
         "The ring's last position is not its first, so where its border runs is a guess.",
         "Repeat the first position at the end, or have it closed: --fix ring_open."),
    Code("ring_crosses", E, "Border crosses itself",
         "Where a border crosses or touches itself along a line, inside and outside can't be told.",
         "Redraw it there, or have it mended: --fix ring_crosses; compare the area before and after."),
    Code("too_many_vertices", E, "Too many vertices",
         "So detailed a border slows every program that reads it, and no ping can tell the difference.",
         "Simplify it, for example to 1 m."),
    Code("lon_lat_swapped", W, "Lon and lat look swapped",
         "The regions lie where they make no sense, and would make sense with the two numbers exchanged.",
         "Exchange them in the export (GeoJSON wants lon first), or have it done: --fix lon_lat_swapped."),
    Code("spike", W, "Spike",
         "The border runs out to a point and back on nearly the same line: mostly a slip of the hand.",
         "Delete the position, or have it done: --fix spike."),
    Code("vertices_close", W, "Vertices nearly the same",
         "Neighbouring positions are closer than a hand's breadth: they come from rounding or from digitising twice.",
         "Thin them out, or have it done: --fix vertices_close."),
    Code("part_tiny", W, "Tiny part",
         "A part or a hole is too small for any ping to be in: mostly dust of an intersection.",
         "Delete it, or have it done: --fix part_tiny."),
    Code("winding_turned", N, "Winding turned",
         "RFC 7946 wants outer rings counterclockwise and holes clockwise; they were turned.", "Nothing."),
    Code("cut_at_180", N, "Cut at the 180th meridian",
         "The shape crosses the 180th meridian and was cut there, as RFC 7946 wants it.", "Nothing."),
    Code("heights_dropped", N, "Heights dropped",
         "Third coordinates were left out: regions are flat.", "Nothing."),
    Code("over_pole", N, "Reaches over a pole",
         "The shape contains a pole; its edge along the pole's line is no border.", "Check that this is meant."),
    # regions together, and beside their last version
    Code("overlap", E, "Regions overlap",
         "In a partition a place is in one region; here it is in two, wider than the layer's tolerance.",
         "Redraw the border between the two."),
    Code("overlap_narrow", W, "Regions overlap by a hair",
         "Two regions overlap, by less than the layer's tolerance: mostly two exports of one border.",
         "Have it mended in one step: --fix overlap_narrow."),
    Code("gap", W, "Gap between neighbours",
         "Between regions lies a place that belongs to none; a device there is outside.",
         "Redraw the border, or leave it if it is meant."),
    Code("sliver", W, "Sliver between neighbours",
         "Between two regions lies a strip that belongs to neither, too narrow to be meant.",
         "Have it closed: --fix sliver."),
    Code("hole_unfilled", W, "Hole that no region fills",
         "A region has a hole in which no other region lies; a device there is outside.",
         "Fill it, or leave it if it is meant (a lake, an enclave of no interest)."),
    Code("too_narrow", W, "Too narrow to decide",
         "The region is so narrow that phones can hardly ever be sure to be in it.",
         "Widen it, or expect few crossings; a rule that trusts accuracies more helps a little."),
    Code("region_vanished", W, "Region vanished",
         "The version before had this region, and this file has not: devices in it will be elsewhere or outside.",
         "Check that this is meant; retire a region on purpose by leaving it out."),
    Code("region_jumped", W, "Region jumped",
         "The region shares next to nothing with what it was in the version before.",
         "Check ids and coordinates: mostly two ids were exchanged."),
)
# fmt: on
CODES = {one.code: one for one in _ALL}


def kind_of(finding: Finding) -> Code:
    """Its code; what was mended is no worse than a note, and there is nothing left to do but to look."""
    code = CODES[finding.code]
    if finding.mend is Mend.DONE and code.severity is not N:
        return replace(code, severity=N, remedy="Nothing; compare the areas before and after.")
    return code


def severity_of(finding: Finding) -> Severity:
    """How bad a finding is, as it stands: what was mended keeps nothing from being published."""
    return kind_of(finding).severity
