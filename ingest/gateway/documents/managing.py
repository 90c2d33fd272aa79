"""Documents of keys, devices, consents, erasure and the audit."""

from __future__ import annotations

from catalog.keys import Key
from ingest.gateway.forms import (
    AuditLines,
    Code,
    CodeMade,
    ConsentNow,
    ConsentSaid,
    Enrolled,
    Erased,
    KeyList,
    KeyMade,
    NewDevice,
    NewKey,
    RefusalsOf,
)
from web.documents.operation import LIMIT, NO_KEY, Answer, Content, Operation, Parameter, in_path

DEVICE = in_path("device", "The device.", "phone-07")
_OWN = "Only with the device's own key, or an admin's."
_AT_MS = 1769847302000
_KEY = {
    "id": "abcdefghjk", "name": "phone 7", "scopes": ["pings:write"], "device": "phone-07", "user": None,
    "grants_consent": False, "created_ms": _AT_MS, "expires_ms": None, "revoked_ms": None,
}  # fmt: skip
_TEXT = "gf_abcdefghjk_" + "m" * 33
_CODE = "abcdefg-hjkmnpq-rstvwxy"
_SAID = {"device": "phone-07", "consent": "given", "at_ms": _AT_MS}
_REFUSAL = {"at_ms": _AT_MS, "reason": "lon_range", "field": "lon", "allowed": "-180 to 180 degrees"}
_BEFORE = Parameter("before_ms", "Only lines before this time.", _AT_MS, {"type": "integer", "minimum": 0})

DEVICES = (
    Operation(
        method="GET", path="/v1/devices/{device}/consent", name="getConsent", scope="pings:write", more=_OWN,
        what="Whether a device has given consent", parameters=(DEVICE,), refusals=(400, 404),
        answer=Answer("What it has said", (
            Content(ConsentNow, {"device": "phone-07", "consent": "given", "counts": True}),)),
    ),
    Operation(
        method="PUT", path="/v1/devices/{device}/consent", name="giveConsent", scope="pings:write", more=_OWN,
        what="Record a device's consent", parameters=(DEVICE,), refusals=(400, 404),
        answer=Answer("Recorded, in the order of its pings", (Content(ConsentSaid, _SAID),)),
    ),
    Operation(
        method="DELETE", path="/v1/devices/{device}/consent", name="withdrawConsent", scope="pings:write", more=_OWN,
        what="Withdraw a device's consent", parameters=(DEVICE,), refusals=(400, 404),
        answer=Answer("Recorded: its pings are refused from now on, its track is erased", (
            Content(ConsentSaid, {**_SAID, "consent": "withdrawn"}),)),
    ),
    Operation(
        method="GET", path="/v1/devices/{device}/refusals", name="getRefusals", scope="pings:write", more=_OWN,
        what="The last pings of a device that were refused", parameters=(DEVICE,), refusals=(400, 404),
        answer=Answer("The newest first", (Content(RefusalsOf, {"device": "phone-07", "refusals": [_REFUSAL]}),)),
    ),
    Operation(
        method="DELETE", path="/v1/devices/{device}", name="eraseDevice", scope="pings:write", more=_OWN,
        what="Erase a device", parameters=(DEVICE,), refusals=(400, 404),
        answer=Answer("Erased; what remains for how long", (Content(Erased, {
            "device": "phone-07", "erased_ms": _AT_MS, "keys_revoked": 1,
            "remains": [{"what": "pings as they were received", "topics": ["pings"], "until_ms": _AT_MS + 86_400_000}],
        }),)),
    ),
)  # fmt: skip

KEYS = (
    Operation(
        method="POST", path="/v1/keys", name="createKey", scope="admin", what="Make a key", refusals=(422,),
        takes=(Content(NewKey, {"name": "phone 7", "scopes": ["pings:write"], "device": "phone-07"}),),
        answer=Answer("Made; its text is shown this once", (Content(KeyMade, {**_KEY, "key": _TEXT}),), 201),
    ),
    Operation(
        method="GET", path="/v1/keys", name="listKeys", scope="admin", what="All keys, without their secrets",
        answer=Answer("The oldest first", (Content(KeyList, {"keys": [_KEY]}),)),
    ),
    Operation(
        method="DELETE", path="/v1/keys/{key_id}", name="revokeKey", scope="admin",
        what="Take all rights from a key, for good", refusals=(404,),
        parameters=(in_path("key_id", "The middle part of its text.", "abcdefghjk"),),
        answer=Answer("Every gateway refuses it within seconds", (Content(Key, {**_KEY, "revoked_ms": _AT_MS}),)),
    ),
    Operation(
        method="GET", path="/v1/audit", name="listAudit", scope="admin", what="Who did what",
        parameters=(_BEFORE, LIMIT), refusals=(400,),
        answer=Answer("The newest first", (Content(AuditLines, {"lines": [{
            "at_ms": _AT_MS, "actor": "abcdefghjk", "action": "key.create", "target": "mnpqrstvwx",
            "detail": {"name": "phone 7"},
        }]}),)),
    ),
    Operation(
        method="POST", path="/v1/devices", name="addDevice", scope="admin", what="Enrol a device", refusals=(422,),
        takes=(Content(NewDevice, {"device": "phone-07", "user": "jane"}),),
        answer=Answer("A code by which it gets its key, good once and for a day", (
            Content(CodeMade, {"device": "phone-07", "code": _CODE, "good_for_s": 86_400}),), 201),
    ),
    Operation(
        method="POST", path="/v1/enrol", name="enrol", scope=NO_KEY, what="Exchange a code for the device's key",
        refusals=(404, 429), takes=(Content(Code, {"code": _CODE}),),
        answer=Answer("The key; it is shown this once", (
            Content(Enrolled, {"device": "phone-07", "user": "jane", "key": _TEXT}),), 201),
    ),
)  # fmt: skip
