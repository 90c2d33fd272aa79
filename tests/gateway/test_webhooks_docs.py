"""docs/webhooks.md: its example tells ours from others', its commands work, its settings are those that there are."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from embedded import Embedded

from ingest.webhooks.settings import WebhookSettings
from ingest.webhooks.signature import signed_headers
from tests.webhooks.receiver import receiving

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
COMMANDS = re.findall(r"^    (curl .*)$", PAGE, re.MULTILINE)
SECRETS = ["whsec_" + "bmV3" * 8, "whsec_" + "b2xk" * 8]
BODY = b'{"id": "e1", "data": {"name": "Z\xc3\xbcrich"}}'


@pytest.fixture(scope="module")
def is_ours() -> Callable[..., bool]:
    """The page's example."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    return names["is_ours"]


def test_the_example_takes_what_is_ours_with_either_secret(is_ours: Callable[..., bool]) -> None:
    headers = signed_headers(SECRETS, "e1", int(time.time()), BODY)
    assert [is_ours(secret, headers, BODY) for secret in SECRETS] == [True, True]


def test_the_example_refuses_what_is_not(is_ours: Callable[..., bool]) -> None:
    now = int(time.time())
    headers = signed_headers(SECRETS[:1], "e1", now, BODY)
    assert not is_ours(SECRETS[1], headers, BODY)
    assert not is_ours(SECRETS[0], headers, BODY + b" ")
    assert not is_ours(SECRETS[0], {**headers, "webhook-id": "e2"}, BODY)
    assert not is_ours(SECRETS[0], {**headers, "webhook-timestamp": str(now + 1)}, BODY)
    assert not is_ours(SECRETS[0], signed_headers(SECRETS[:1], "e1", now - 301, BODY), BODY)
    assert not is_ours(SECRETS[0], {**headers, "webhook-signature": "v1,\u00e4"}, BODY)
    assert not is_ours(SECRETS[0], {**headers, "webhook-timestamp": "soon"}, BODY)
    for name in headers:
        assert not is_ours(SECRETS[0], {other: headers[other] for other in headers if other != name}, BODY)


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example that Standard Webhooks' libraries are tested with."""
    body = b'{"test": 2432232314}'
    headers = signed_headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_command_of_the_page_works_as_it_stands(tmp_path: Path) -> None:
    gateway = Embedded(tmp_path, private_addresses=True)
    key = gateway.key("admin")
    path = "/v1/webhooks"

    async def story() -> None:
        async with receiving() as receiver:
            made = await asyncio.to_thread(gateway.ask, path, key, method="POST", body={"url": receiver.url})
            words = {"GEOFENCE": f"http://127.0.0.1:{gateway.port}", "KEY": key, "WEBHOOK": made.body["id"]}
            for command in COMMANDS:
                line = command.replace("curl ", "curl --fail --max-time 10 ", 1)
                done = await asyncio.to_thread(
                    subprocess.run, ["sh", "-c", line], env={**os.environ, **words}, capture_output=True, text=True
                )
                assert done.returncode == 0, (command, done.stdout, done.stderr)
                assert done.stdout.startswith("{")
            assert len(receiver.got) == 1

    try:
        asyncio.run(story())
    finally:
        gateway.stop()
    for act in ("test", "resume", "replay", "secret"):
        assert any(f"/{act}" in command for command in COMMANDS)


def test_the_page_has_each_setting_with_its_default() -> None:
    told = {
        name: float(default) for name, default in re.findall(r"^\| `([A-Z_]+)` \| ([0-9.]+) \|", PAGE, re.MULTILINE)
    }
    there = {one.name.upper(): float(one.default) for one in fields(WebhookSettings) if one.name != "private_addresses"}
    assert told == there
