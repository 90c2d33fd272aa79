"""`GET /enrol`: the page that an enrolment link opens, which exchanges the code behind the # for the device's key.

What `geofence devices add --url` prints. Invariants: looking at the page uses no code up (messengers look at links), a
tap does; the code and the key stay in the phone: no other place is asked, none is named.
"""

from __future__ import annotations

import base64
import hashlib

from fastapi import APIRouter, Response

_SCRIPT = """
const part = (name) => document.getElementById(name);
const code = location.hash.slice(1);  // letters, digits and dashes: nothing in it is escaped
if (!code) part("told").textContent = "This link has no code. Ask for a new one.";
else part("begin").hidden = false;

function show(its) {
  const at = location.origin + "/v1/clients/";
  const who = { auth: true, username: its.device, password: its.key };
  const setup = { _type: "configuration", mode: 3, url: at + "owntracks", ...who };
  const bytes = new TextEncoder().encode(JSON.stringify(setup));
  part("owntracks").href = "owntracks:///config?inline=" + encodeURIComponent(btoa(String.fromCharCode(...bytes)));
  part("device").textContent = its.device;
  part("key").textContent = its.key;
  for (const app of ["traccar", "overland"]) part(app).textContent = at + app + "/" + its.key;
  part("done").hidden = false;
}

part("begin").onclick = async () => {
  part("begin").disabled = true;
  const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code }) };
  try {
    const answer = await fetch("/v1/enrol", sent);
    const its = await answer.json();
    part("told").textContent = answer.ok ? "Done. The key is shown this once." : its.detail;
    if (answer.ok) show(its);
    part("begin").hidden = answer.ok;
  } catch (error) {
    part("told").textContent = "The gateway does not answer. Try again.";
  }
  part("begin").disabled = false;
};
"""
_PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Connect this phone</title>
<style>
body {{ font: 1.1rem system-ui; max-width: 32rem; margin: 2rem auto; padding: 0 1rem }}
code {{ overflow-wrap: anywhere }}
</style>
<h1>Connect this phone</h1>
<p id="told" role="status">The link is good once. Open it on the phone that is to send its positions.</p>
<noscript><p>This page needs JavaScript.</p></noscript>
<button id="begin" hidden>Get the key of this phone</button>
<div id="done" hidden>
<p>Device <code id="device"></code>, key <code id="key"></code></p>
<p><a id="owntracks">Set OwnTracks up</a></p>
<p>Traccar Client, server URL: <code id="traccar"></code></p>
<p>Overland, receiver endpoint: <code id="overland"></code></p>
</div>
<script>{_SCRIPT}</script>
</html>
"""
_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'sha256-{_HASH}'; style-src 'unsafe-inline'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def enrolling_router() -> APIRouter:
    """The page."""
    router = APIRouter()

    @router.get("/enrol", include_in_schema=False)
    async def enrol() -> Response:
        return Response(_PAGE, headers=_HEADERS, media_type="text/html")

    return router
