"""Requests made at random from the OpenAPI document, against the real gateway: no 5xx, answers as documented."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from embedded import Embedded, wait_for
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from stub_ports import put_layer
from test_where import IN_A, TOWN, stay

from catalog import open_catalog
from catalog.secret import key_id
from service.endpoints import api
from web.documents.openapi import openapi

EXAMPLES = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "torture" else 8
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
FREE = dict.fromkeys(("failures_a_minute", "key_rate", "key_burst", "device_rate", "device_burst"), 1e9)
DEVICES = ("two/2", "\x00partition")
LAYERS = ("north", "south", "west")
STAYS = "one"  # a device that is not erased
A = {"layer": "town", "region": "a"}
_SEEN = 4096  # bytes of a stream that are looked at

SCHEMA = schemathesis.openapi.from_dict(openapi(api()))


@schemathesis.serializer("application/x-ndjson")
def lines(_: Any, value: Any) -> bytes:
    """Lines as they are."""
    return str(value).encode("utf-8", "replace")


@dataclass
class Target:
    """A gateway with a worker, and a key that may do everything."""

    gateway: Embedded
    key: str
    spare: str  # the id of a key that nobody needs
    asked: int = 0

    def ask(self, case: Any, *, steered: bool = True) -> requests.Response:
        """The answer; of a stream its beginning."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {self.key}"}
        if steered:
            self._steer(case.path_parameters or {}, case.method)
        sent = case.as_transport_kwargs(base_url=f"http://127.0.0.1:{self.gateway.port}")
        with requests.Session() as session:
            answer = session.request(**sent, timeout=20, stream=True)
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer._content = next(answer.iter_content(_SEEN))
                answer.close()
            else:
                _ = answer.content
        self.asked += 1
        return answer

    def _steer(self, path: dict[str, Any], method: str) -> None:
        """Every other time to what is there."""
        if self.asked % 2 and "key" in path:
            path["key"] = self.key
        if self.asked % 2 and "key_id" in path:
            path["key_id"] = self.spare
        if self.asked % 2 and "device" in path:
            devices = DEVICES if method == "DELETE" else (*DEVICES, STAYS)
            path["device"] = devices[self.asked // 2 % len(devices)]
        if self.asked % 2 and "number" in path:
            path |= {"layer": LAYERS[self.asked // 2 % len(LAYERS)], "number": 1}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Ended in order after the last request, so that it did not fall over before."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "town.geojson").write_bytes(TOWN)
    gateway = Embedded(folder, **FREE)
    gateway.ask("/v1/pings", gateway.key("pings:write"), method="POST", body=[*stay(STAYS, IN_A), *stay(STAYS, 200.0)])
    wait_for(lambda: gateway.ask(f"/v1/devices/{STAYS}", gateway.key("devices:read")).status == 200)
    with open_catalog(gateway.catalog) as catalog:
        for layer in (*LAYERS, "kept"):
            put_layer(catalog, layer, now_ms=1)
    one = Target(gateway, gateway.key("admin"), key_id(gateway.key("events:read")) or "")
    yield one
    assert gateway.process.poll() is None
    gateway.stop()
    assert one.asked >= EXAMPLES


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 100,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
def test_no_request_is_answered_other_than_documented(case: schemathesis.Case, target: Target) -> None:
    case.validate_response(target.ask(case), checks=CHECKS)


def test_a_code_is_exchanged_as_documented(target: Target) -> None:
    made = SCHEMA["/v1/devices"]["POST"].Case(body={"device": "enrolled"}, media_type="application/json")
    answer = target.ask(made)
    made.validate_response(answer, checks=CHECKS)
    exchanged = SCHEMA["/v1/enrol"]["POST"].Case(body={"code": answer.json()["code"]}, media_type="application/json")
    answer = target.ask(exchanged)
    assert answer.status_code == 201
    exchanged.validate_response(answer, checks=CHECKS)


@pytest.mark.parametrize(
    ("path", "given", "member"),
    [
        ("/v1/devices/{device}", {"path_parameters": {"device": STAYS}}, "layers"),
        ("/v1/devices/{device}/refusals", {"path_parameters": {"device": STAYS}}, "refusals"),
        ("/v1/devices", {"query": {"bbox": "0,0,2,1"}}, "devices"),
        ("/v1/devices", {"query": A}, "devices"),
        ("/v1/layers/{layer}/regions/{region}/devices", {"path_parameters": A}, "devices"),
        ("/v1/events", {"query": {"from": "beginning", "limit": 5}}, "events"),
        ("/v1/keys", {}, "keys"),
        ("/v1/audit", {}, "lines"),
        ("/v1/layers", {}, "layers"),
        ("/v1/layers/{layer}/versions", {"path_parameters": {"layer": "kept"}}, "versions"),
    ],
)
def test_an_answer_that_has_something_in_it_is_as_documented(
    target: Target, path: str, given: dict[str, Any], member: str
) -> None:
    case = SCHEMA[path]["GET"].Case(**given)
    answer = target.ask(case, steered=False)
    assert answer.json()[member]
    case.validate_response(answer, checks=CHECKS)
