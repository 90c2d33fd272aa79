"""Documents of jobs, dry runs and publications."""

from __future__ import annotations

from boundaries.api.documents.examples import IF_MATCH, JOB, LAYER, LOCATION, NUMBER, PUBLICATION
from boundaries.api.forms_in import NewDryRun, Publish
from boundaries.api.forms_out import DryRunTold, JobTold, PublicationList, PublicationTold
from boundaries.api.scopes import PUBLISH, READ, WRITE
from web.documents.operation import Answer, Content, Operation, Parameter, in_path

_JOB = in_path("job", "Its id.", "mnpqrstvwx")
_DRY = {**JOB, "kind": "dry_run", "asked": {"hours": 24.0, "against": 3}}
_WHICH = Parameter("number", "The number of the publication.", 2, {"type": "integer", "minimum": 1}, where="path")
_PLANNED = {**PUBLICATION, "state": "planned", "sent_ms": None, "in_force_ms": None}

JOBS = (
    Operation(
        method="GET", path="/v1/jobs/{job}", name="getJob", scope=READ, parameters=(_JOB,), refusals=(404,),
        what="How far a job is", answer=Answer("As it is", (Content(JobTold, JOB),)),
    ),
    Operation(
        method="DELETE", path="/v1/jobs/{job}", name="cancelJob", scope=WRITE, parameters=(_JOB,), refusals=(404, 409),
        what="Stop a job", answer=Answer("Cancelled", (Content(JobTold, {**JOB, "state": "cancelled"}),)),
    ),
    Operation(
        method="POST", path="/v1/layers/{layer}/versions/{number}/dry-run", name="beginDryRun", scope=WRITE,
        parameters=(LAYER, NUMBER), what="Find out what publishing a version would do", refusals=(404, 409),
        takes=(Content(NewDryRun, {"hours": 24.0}),),
        answer=Answer("The job that finds out", (Content(JobTold, _DRY),), 202, (LOCATION,)),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/versions/{number}/dry-run", name="getDryRun", scope=READ,
        parameters=(LAYER, NUMBER), what="What the newest dry run of a version has found", refusals=(404,),
        more="Which devices it has moved is shown with the scope devices:read alone.",
        answer=Answer("The newest dry run, and the result of the newest that is done", (
            Content(DryRunTold, {"job": _DRY, "result": None}),)),
    ),
)  # fmt: skip

PUBLISHING = (
    Operation(
        method="POST", path="/v1/layers/{layer}/versions/{number}/publish", name="publishVersion", scope=PUBLISH,
        parameters=(LAYER, NUMBER, IF_MATCH), what="Put a version in force, now or later",
        more="Publishing an older one again takes newer ones back. Who moves more than 1 % of devices says how many.",
        refusals=(404, 409, 412, 422),
        takes=(Content(Publish, {"replaces": 3, "comment": "New border at the river", "expect": 12}),),
        answer=Answer("Planned", (Content(PublicationTold, _PLANNED),), 202, (LOCATION,)),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/publications", name="listPublications", scope=READ, parameters=(LAYER,),
        what="What was published of a layer, by whom and why", refusals=(404,),
        answer=Answer("The newest first", (Content(PublicationList, {"publications": [PUBLICATION]}),)),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/publications/{number}", name="getPublication", scope=READ,
        parameters=(LAYER, _WHICH), what="One publication", refusals=(404,),
        answer=Answer("As it is", (Content(PublicationTold, PUBLICATION),)),
    ),
    Operation(
        method="DELETE", path="/v1/layers/{layer}/publications/{number}", name="cancelPublication", scope=PUBLISH,
        parameters=(LAYER, _WHICH), what="Don't publish what is planned", refusals=(404, 409),
        answer=Answer("Cancelled", (Content(PublicationTold, {**_PLANNED, "state": "cancelled"}),)),
    ),
)  # fmt: skip
