"""docs/sdk.md: its commands work in the order of the page, and its table has every status that there is."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from embedded import Embedded, wait_for
from pages import DOCS, commands, run
from test_where import TOWN

from catalog import open_catalog
from ingest.gateway.settings import GatewaySettings
from service.endpoints import api
from web.documents.openapi import openapi

PAGE = (DOCS / "sdk.md").read_text()


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A gateway and a worker, a code for the page's device, and its key."""
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "town.geojson").write_bytes(TOWN)
    gateway = Embedded(folder)
    with open_catalog(gateway.catalog) as catalog:
        now_ms = time.time_ns() // 1_000_000
        code = catalog.devices.add("phone-07", user=None, grants_consent=False, by="t", now_ms=now_ms)
    key = gateway.key("pings:write", device="phone-07")
    yield {"GEOFENCE": f"http://127.0.0.1:{gateway.port}", "CODE": code, "KEY": key}
    gateway.stop()


def test_the_commands_work_one_after_the_other_and_say_what_the_page_says(words: dict[str, str]) -> None:
    said = [(command, _said(command, words)) for command in commands("sdk.md")]
    answers = [answer for command, answer in said if "/v1/pings" in command]
    assert [one["accepted"] for one in answers] == [1, 2, 0, 2]
    assert answers[2] == _after(PAGE, '{"accepted": 0')
    of = {re.sub(r".*GEOFENCE", "", command): answer for command, answer in said}
    assert of['/v1/enrol"'].keys() == _after(PAGE, '{"device": "phone-07", "user"').keys()
    consents = [answer for command, answer in said if "/consent" in command]
    assert [one["consent"] for one in consents] == ["given", "given", "withdrawn"]
    assert consents[1] == _after(PAGE, '{"device": "phone-07", "consent"')
    assert [one["reason"] for one in of['/v1/devices/phone-07/refusals"']["refusals"]] == ["lon_range"]
    assert of['/v1/devices/phone-07"']["device"] == "phone-07"


def _said(command: str, words: dict[str, str]) -> Any:
    if command.endswith('phone-07"'):  # a ping that no worker has taken yet is not known
        status = command.replace("curl -s", "curl -s -o /dev/null -w '%{http_code}'")
        wait_for(lambda: run(status, well=False, **words) == "200")
    return json.loads(run(command, **words))


def test_a_batch_that_is_sent_twice_changes_nothing(words: dict[str, str]) -> None:
    batch = next(command for command in commands("sdk.md") if "gzip" in command)
    first = run(batch, **words)
    assert run(batch, **words) == first


def test_the_table_has_every_status_that_there_is() -> None:
    told = re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE)
    assert told == sorted(openapi(api())["paths"]["/v1/pings"]["post"]["responses"])


def test_the_limits_of_the_page_are_those_of_the_gateway() -> None:
    its = GatewaySettings()
    assert f"more than {its.request_pings:,} pings, {its.body_bytes // 10**6} MB as sent" in PAGE
    assert f"{its.plain_bytes // 10**6} MB unpacked" in PAGE
    assert f"within {its.body_s:g} s" in PAGE
    assert f"{its.device_rate:g} pings a second on average and {its.device_burst:,.0f} at once" in PAGE
    assert f"Older than {its.max_age_s / 86_400:g} days" in PAGE


def _after(page: str, begin: str) -> Any:
    """The answer in the page that begins like this."""
    return json.loads(next(line.strip() for line in page.splitlines() if line.strip().startswith(begin)))
