"""What the types of the boundary admins' endpoints can't say of their fields: units, words, ranges."""

from __future__ import annotations

from boundaries.api.making import CHECK
from catalog.job import CANCELLED, DONE, RUNNING, WAITING
from catalog.job import FAILED as JOB_FAILED
from catalog.layer import MOST_ACCURACY_M, MOST_TOLERANCE_M
from catalog.publication import CANCELLED as CALLED_OFF
from catalog.publication import FAILED, IN_FORCE, PLANNED, PREPARING, SENDING, SENT
from catalog.version import CHECKED, DRAFT, PUBLISHED, SUPERSEDED
from web.documents.schemas import Fields

_TOLERANCE = {
    "exclusiveMinimum": 0,
    "maximum": MOST_TOLERANCE_M,
    "description": "Overlaps and gaps up to so many metres wide are slips of drawing.",
}
_ACCURACY = {
    "exclusiveMinimum": 0,
    "maximum": MOST_ACCURACY_M,
    "description": "The accuracy in metres of the pings that are expected.",
}
_RULE = {"description": "`preset` (responsive, balanced, strict) and knobs; see docs/detection.md."}
_DWELL = {"description": "Overlay layers: seconds after which a stay is told; null: never."}
_NEAREST = {"minimum": 0, "maximum": 50_000, "description": "Partitions: metres within which a place has a region."}

FIELDS: Fields = {
    "NewLayer": {
        "name": {"pattern": "^[a-z0-9][a-z0-9._-]{0,63}$(?!\n)", "description": "It stands in URLs and in events."},
        "kind": {"description": "partition: a device is in one region at most; overlay: regions may overlap."},
        "tolerance_m": _TOLERANCE,
        "accuracy_m": _ACCURACY,
    },
    "LayerChange": {"tolerance_m": _TOLERANCE, "accuracy_m": _ACCURACY},
    "LayerTold": {"published": {"description": "The newest publication that was sent to the workers."}},
    "LayerState": {
        "next": {"description": "The publication that is planned, or under way."},
        "workers": {"description": "All workers, with how far each is with the newest publication."},
    },
    "PartitionTold": {"since_ms": {"description": "Since when, by the clock of the worker."}},
    "NewVersion": {
        "from": {"description": "The version that it is made from."},
        "rule": _RULE,
        "dwell_s": _DWELL,
        "nearest_within_m": _NEAREST,
        "without": {"description": "Regions that are retired, by id."},
        "retire": {"description": "Whether all regions are retired, and so the layer."},
    },
    "Recheck": {
        "inner": {"description": "The layer in the file."},
        "crs": {"description": "The coordinate system of its numbers, such as EPSG:25832, or a WKT."},
        "encoding": {"description": "The encoding of its text."},
        "id": {"description": "The attribute that has the ids."},
        "name": {"description": "The attribute that has the names."},
        "fix": {"description": "Whether what can be mended is mended."},
        "rule": _RULE,
        "dwell_s": _DWELL,
        "nearest_within_m": _NEAREST,
    },
    "NewDryRun": {
        "hours": {"description": "How many hours of kept pings are replayed; 0: none."},
        "against": {"description": "In place of this version; null: of the published one."},
    },
    "Publish": {
        "replaces": {"description": "The version published now, as you know it; null: none was."},
        "comment": {"description": "Why; for the audit."},
        "expect": {"description": "How many devices get another region, as the dry run has told."},
        "at": {"description": "When, such as 2026-01-31T08:15:00Z; left out: now."},
        "overtake": {"description": "Whether it may follow one that is not in force everywhere yet."},
    },
    "PublicationTold": {
        "state": {"enum": [PLANNED, PREPARING, SENDING, SENT, IN_FORCE, FAILED, CALLED_OFF]},
        "sent_ms": {"description": "When the workers were told."},
        "in_force_ms": {"description": "When it was in force on every partition."},
    },
    "VersionTold": {"state": {"enum": [DRAFT, CHECKED, PUBLISHED, SUPERSEDED]}},
    "VersionState": {"state": {"enum": [DRAFT, CHECKED, PUBLISHED, SUPERSEDED]}},
    "JobTold": {
        "kind": {"description": f"{CHECK} or dry_run."},
        "state": {"enum": [WAITING, RUNNING, DONE, JOB_FAILED, CANCELLED]},
        "total": {"description": "Of what `done` counts; null: not known yet."},
    },
}
