"""Who may do what: each endpoint with each kind of key, as authorisation.txt has it."""

import http.client
import json
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from embedded import Embedded, wait_for
from routes import routes
from stub_ports import put_layer
from test_where import IN_A, TOWN, stay

from catalog import open_catalog
from catalog.keys import SCOPES
from catalog.secret import key_id
from catalog.webhook import Filters

LINES = [line for line in (Path(__file__).parent / "authorisation.txt").read_text().splitlines() if line[:1] not in "#"]
CALLERS = LINES[0].split()[:-1]
ROWS = {endpoint: cells for line in LINES[1:] for *cells, endpoint in [line.split(maxsplit=len(CALLERS))]}
DEVICE, LEAVER, ELSE = "phone", "leaver", "someone-else"
READING = ("events:read", "devices:read", "positions:read")
LONG_AGO = 1_700_000_000_000
_number = count()


class Town(Embedded):
    """A gateway with a worker that knows two devices, and a key of each kind for either."""

    def __init__(self, folder: Path) -> None:
        (folder / "town.geojson").write_bytes(TOWN)
        super().__init__(folder, failures_a_minute=1e6, streams=1000)
        self.callers = {DEVICE: self._callers(DEVICE), LEAVER: self._callers(LEAVER)}
        writer, reader = self.key("pings:write"), self.key("devices:read")
        pings = [*stay(DEVICE, IN_A), *stay(ELSE, IN_A)]
        assert self.ask("/v1/pings", writer, method="POST", body=pings).body["accepted"] == len(pings)
        wait_for(lambda: self.ask(f"/v1/devices/{DEVICE}", reader).status == 200)
        wait_for(lambda: self.ask(f"/v1/devices/{ELSE}", reader).status == 200)

    def _callers(self, device: str) -> dict[str, str]:
        """The key of each column."""
        scopes = dict(zip(CALLERS[4 : 4 + len(SCOPES)], (self.key(scope) for scope in SCOPES), strict=True))
        wrong, revoked = self.key("admin"), self.key("admin")
        self.revoke(revoked)
        with open_catalog(self.catalog) as catalog:
            expired = catalog.keys.create(
                name="e", scopes=["admin"], by="test", now_ms=LONG_AGO, expires_ms=LONG_AGO + 1
            )[1]
        return {
            "none": "", "wron": wrong[:-1] + ("a" if wrong[-1] != "a" else "b"), "past": expired, "revo": revoked,
            **scopes, "own": self.key("pings:write", device=device), "othe": self.key("pings:write", device=ELSE),
            "ownr": self.key(*READING, device=device), "othr": self.key(*READING, device=ELSE),
        }  # fmt: skip

    def spare_key(self) -> str:
        """The id of a key that nobody needs."""
        return key_id(self.key("pings:write")) or ""

    def spare_webhook(self) -> str:
        """The id of a webhook that nobody needs, and that nothing is sent to."""
        its = {"by": "test", "now_ms": time.time_ns() // 1_000_000}
        with open_catalog(self.catalog) as catalog:
            made, _ = catalog.webhooks.create(url="https://127.0.0.1/", filters=Filters(), marks=(0, 0), **its)
            return catalog.webhooks.change(made.id, pause=True, **its)[0].id

    def spare_layer(self, template: str) -> dict[str, str]:
        """A layer that nobody needs, with what an endpoint looks for: a version that was checked, or a draft."""
        name, by = f"spare-{next(_number)}", {"by": "test", "now_ms": time.time_ns() // 1_000_000}
        number, job = 2 if template.endswith("/check") else 1, ""
        with open_catalog(self.catalog) as catalog:
            put_layer(catalog, name, now_ms=by["now_ms"], drafts=number - 1)
            if "{job}" in template:
                job = catalog.jobs.create("check", layer=name, version=1, asked={}, **by).id
            if "/dry-run" in template:
                catalog.jobs.create("dry_run", layer=name, version=1, asked={}, **by)
                take = partial(catalog.jobs.take, "test", now_ms=by["now_ms"], lease_s=9, kinds=["dry_run"])
                while (held := take()) is not None:
                    catalog.jobs.finish(held, {"moved": 0, "devices": 1}, now_ms=by["now_ms"])
            if "/publications/" in template:
                catalog.publications.plan(name, 1, replaces=None, **by)
        return {"layer": name, "number": str(number), "job": job, "z": "0", "x": "0", "y": "0"}

    def code(self) -> str:
        """A device's one-time code."""
        with open_catalog(self.catalog) as catalog:
            now_ms = time.time_ns() // 1_000_000
            return catalog.devices.add(f"new-{next(_number)}", user=None, grants_consent=False, by="t", now_ms=now_ms)

    def status(self, method: str, path: str, key: str, body: object) -> int:
        """How a request is answered; a stream is left at once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"If-Match": "*", "Content-Type": "application/json"}
            headers |= {"Authorization": f"Bearer {key}"} if key else {}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One for the whole table."""
    one = Town(tmp_path_factory.mktemp("authorisation"))
    yield one
    one.stop()


def test_the_table_has_every_endpoint_and_no_other() -> None:
    assert {(endpoint.split()[0], endpoint.split()[1].partition("?")[0]) for endpoint in ROWS} == routes()
    assert all(len(cells) == len(CALLERS) == 4 + len(SCOPES) + 4 for cells in ROWS.values())


@pytest.mark.parametrize("endpoint", ROWS)
def test_an_endpoint_answers_each_key_as_the_table_says(town: Town, endpoint: str) -> None:
    method, template = endpoint.split()
    device = LEAVER if (method, template) == ("DELETE", "/v1/devices/{device}") else DEVICE
    found = []
    for caller in reversed(CALLERS):  # the device's own key before an admin's, who may well end its rights
        key = town.callers[device][caller]
        there = dict(zip(CALLERS, ROWS[endpoint], strict=True))[caller] == "ok"  # who is refused learns nothing of it
        path, body = _filled(town, template, device, key, there=there), _body(town, method, template, device)
        shown = "" if "{key}" in template else key
        found.append("ok" if (status := town.status(method, path, shown, body)) < 400 else str(status))
    assert dict(zip(reversed(CALLERS), found, strict=True)) == dict(zip(CALLERS, ROWS[endpoint], strict=True))


def _filled(town: Town, template: str, device: str, key: str, *, there: bool) -> str:
    key_id = town.spare_key() if "{key_id}" in template else ""
    webhook = town.spare_webhook() if "{webhook}" in template else ""
    names = {
        "device": device, "key": key or "-", "key_id": key_id, "webhook": webhook, "layer": "town", "region": "a",
        "tracker": "any",
    }  # fmt: skip
    if template.startswith(("/v1/layers/", "/v1/jobs/")) and "{region}" not in template:
        nowhere = {"layer": "nowhere", "number": "1", "job": "nobody", "z": "0", "x": "0", "y": "0"}
        names |= town.spare_layer(template) if there else nowhere
    query = f"?id={device}&lat=0.5&lon=0.7&timestamp={time.time():.0f}" if "/clients/" in template else ""
    return template.format(**names) + query


def _body(town: Town, method: str, template: str, device: str) -> object:
    match method, template:
        case "POST", "/v1/pings":
            return stay(device, IN_A, pings=1)
        case "POST", "/v1/keys":
            return {"name": "made", "scopes": ["pings:write"]}
        case "POST", "/v1/devices":
            return {"device": "made"}
        case "POST", "/v1/enrol":
            return {"code": town.code()}
        case "POST", "/v1/webhooks":
            return {"url": "https://example.com/"}
        case "PATCH", "/v1/layers/{layer}":
            return {"tolerance_m": 2}
        case "PATCH", _:
            return {"layers": ["town"]}
        case "POST", "/v1/layers":
            return {"name": f"made-{next(_number)}"}
        case "POST", "/v1/layers/{layer}/versions":
            return {"from": 1}
        case "POST", "/v1/layers/{layer}/versions/{number}/publish":
            return {"replaces": None, "comment": "for the test"}
        case "POST", "/v1/webhooks/{webhook}/replay":
            return {"from_ms": LONG_AGO}
    return None
