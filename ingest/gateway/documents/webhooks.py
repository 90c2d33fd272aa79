"""Documents of the webhooks."""

from __future__ import annotations

from ingest.gateway.webhook_forms import (
    NewWebhook,
    Replay,
    Trial,
    WebhookChange,
    WebhookList,
    WebhookMade,
    WebhookTold,
)
from web.documents.operation import Answer, Content, Operation, in_path

_AT_MS = 1769847302000
_WEBHOOK = in_path("webhook", "Its id.", "abcdefghjk")
_URL = "https://example.com/geofence"
_TOLD = {
    "id": "abcdefghjk", "url": _URL, "layers": ["counties"], "devices": [], "types": [], "regions": [],
    "state": "active", "reason": None, "since_ms": _AT_MS, "created_ms": _AT_MS, "former_secret_until_ms": None,
    "delivered": 12, "failures": 0, "failing_since_ms": None, "next_try_ms": None,
    "last": {"at_ms": _AT_MS, "status": 204, "answer": ""}, "lost": None, "position": "AQwA",
}  # fmt: skip
_MADE = {**_TOLD, "secret": "whsec_" + "m" * 43 + "="}
_SHOWN = (Content(WebhookTold, _TOLD),)

WEBHOOKS = (
    Operation(
        method="POST", path="/v1/webhooks", name="createWebhook", scope="admin", refusals=(422, 503),
        what="Have region changes sent to an address, from now on",
        takes=(Content(NewWebhook, {"url": _URL, "layers": ["counties"]}),),
        answer=Answer("Made; its secret is shown this once", (Content(WebhookMade, _MADE),), 201),
    ),
    Operation(
        method="GET", path="/v1/webhooks", name="listWebhooks", scope="admin", what="All webhooks",
        answer=Answer("The oldest first", (Content(WebhookList, {"webhooks": [_TOLD]}),)),
    ),
    Operation(
        method="GET", path="/v1/webhooks/{webhook}", name="getWebhook", scope="admin", parameters=(_WEBHOOK,),
        what="One webhook, and how far it is", refusals=(404,), answer=Answer("As it is", _SHOWN),
    ),
    Operation(
        method="PATCH", path="/v1/webhooks/{webhook}", name="changeWebhook", scope="admin", parameters=(_WEBHOOK,),
        what="Another address, other filters, or a pause", refusals=(404, 409, 422),
        takes=(Content(WebhookChange, {"state": "paused"}),), answer=Answer("As it is now", _SHOWN),
    ),
    Operation(
        method="DELETE", path="/v1/webhooks/{webhook}", name="removeWebhook", scope="admin", parameters=(_WEBHOOK,),
        what="Send nothing more, for good", refusals=(404,), answer=Answer("Removed", status=204),
    ),
    Operation(
        method="POST", path="/v1/webhooks/{webhook}/test", name="testWebhook", scope="admin", parameters=(_WEBHOOK,),
        what="Send an event that tells of nothing, now", refusals=(404,),
        answer=Answer("What the receiver said", (
            Content(Trial, {"id": "test-1", "delivered": True, "status": 204, "answer": "", "took_ms": 41}),)),
    ),
    Operation(
        method="POST", path="/v1/webhooks/{webhook}/resume", name="resumeWebhook", scope="admin",
        parameters=(_WEBHOOK,), what="Go on where it stopped", refusals=(404, 409), answer=Answer("As it is", _SHOWN),
    ),
    Operation(
        method="POST", path="/v1/webhooks/{webhook}/replay", name="replayWebhook", scope="admin",
        parameters=(_WEBHOOK,), what="Send again all since a time", refusals=(404, 422, 503),
        takes=(Content(Replay, {"from_ms": _AT_MS}),), answer=Answer("As it is", _SHOWN),
    ),
    Operation(
        method="POST", path="/v1/webhooks/{webhook}/secret", name="rotateSecret", scope="admin",
        parameters=(_WEBHOOK,), what="Make a new secret; the old one signs too for a day", refusals=(404,),
        answer=Answer("The new secret; it is shown this once", (Content(WebhookMade, _MADE),)),
    ),
)  # fmt: skip
