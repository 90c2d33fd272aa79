"""Tokens of others: who signs with a key of the set is let in, for what the token says; nobody else is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from identity import KINDS, NOW_S, Identity, jwks, new_key, now_s, signed
from joserfc.jwk import ECKey
from served import now_ms, serving

from web.caller import Caller
from web.jwks import Jwks
from web.tokens import Tokens

KEYS = {kind: new_key(kind, f"key-{kind}") for kind in KINDS}
RSA = KEYS["RS256"]
NOT_OURS = "the token is not signed by a key of ours"


@pytest.fixture
def identity() -> Iterator[Identity]:
    one = Identity(jwks(*KEYS.values()))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_bytes(jwks(*KEYS.values()))
    return str(path)


def judged(file: str, token: str, **more: Any) -> Caller | str:
    """What is made of a token, at NOW_S."""

    async def ask() -> Caller | str:
        source = Jwks(file)
        await source.look()
        return await Tokens(source, **more).caller(token, NOW_S * 1000)

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_of_each_kind_lets_in_for_what_it_says(file: str, kind: str) -> None:
    found = judged(file, signed(KEYS[kind], kind, device="phone", user="u"))
    assert found == Caller("anna", frozenset({"pings:write", "events:read"}), "phone", "u")


def test_scopes_may_be_a_list_and_what_is_neither_gives_no_right(file: str) -> None:
    def scopes(**claims: Any) -> frozenset[str]:
        found = judged(file, signed(RSA, "RS256", **claims))
        assert isinstance(found, Caller)
        return found.scopes

    assert scopes(scope=None, scopes=["pings:write", 7]) == {"pings:write"}
    assert scopes(scope="a", scopes=["b"]) == {"a", "b"}
    assert scopes(scope=["admin"], scopes="admin") == scopes(scope=None) == frozenset()


SAID = {
    "expired": ({"exp": NOW_S - 31}, "the token has expired"),
    "no expiry": ({"exp": None}, "the token has no `sub` or no `exp`"),
    "an expiry that never comes": ({"exp": float("nan")}, "the token has no `sub` or no `exp`"),
    "an expiry beyond all numbers": ({"exp": 10**400}, "the token has no `sub` or no `exp`"),
    "a beginning beyond all numbers": ({"nbf": 10**400}, "the token is not valid yet"),
    "a beginning before all numbers": ({"nbf": -(10**400)}, "the token is not valid yet"),
    "a text as expiry": ({"exp": str(NOW_S + 60)}, "the token has no `sub` or no `exp`"),
    "nobody": ({"sub": None}, "the token has no `sub` or no `exp`"),
    "not yet": ({"nbf": NOW_S + 31}, "the token is not valid yet"),
    "another issuer": ({"iss": "https://other"}, "the token is of another issuer"),
    "no issuer": ({"iss": None}, "the token is of another issuer"),
    "another audience": ({"aud": ["x", "y"]}, "the token is for another audience"),
    "no audience": ({"aud": None}, "the token is for another audience"),
    "a device that is no text": ({"device": 7}, "the token's `device` or `user` is no text"),
}
OURS: dict[str, Any] = {"issuer": "https://us", "audience": "geofence"}


@pytest.mark.parametrize("name", SAID)
def test_a_token_that_is_not_for_us_or_not_for_now_says_why(file: str, name: str) -> None:
    claims, why = SAID[name]
    assert judged(file, signed(RSA, "RS256", **{"iss": "https://us", "aud": "geofence", **claims}), **OURS) == why


def test_a_clock_that_is_half_a_minute_off_is_forgiven_and_one_audience_of_several_is_enough(file: str) -> None:
    near = signed(RSA, "RS256", iss="https://us", aud=["x", "geofence"], exp=NOW_S - 29, nbf=NOW_S + 29)
    assert isinstance(judged(file, near, **OURS), Caller)


def part(value: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def by_hand(head: dict[str, Any], secret: bytes | None = None) -> str:
    """A token as whoever wants to be let in makes one."""
    body = part(head) + b"." + part({"sub": "eve", "exp": NOW_S + 60, "scope": "admin"})
    mac = b"" if secret is None else base64.urlsafe_b64encode(hmac.new(secret, body, hashlib.sha256).digest())
    return (body + b"." + mac.rstrip(b"=")).decode()


def test_a_token_without_a_signature_or_signed_with_what_everybody_knows_lets_nobody_in(file: str) -> None:
    pem = RSA.as_pem(private=False)
    for head, secret in (
        ({"alg": "none"}, None),
        ({"alg": "none", "kid": RSA.kid}, None),
        ({"alg": "NONE", "kid": RSA.kid}, None),
        ({"alg": "HS256", "kid": RSA.kid}, pem),
        ({"alg": "HS256", "kid": RSA.kid}, jwks(RSA)),
        ({"alg": "HS256"}, b""),
        ({"alg": "RS256", "kid": RSA.kid}, pem),
        ({"kid": RSA.kid}, pem),
        ({"alg": "RS256", "kid": RSA.kid, "jwk": new_key("RS256", "x").as_dict(private=False)}, pem),
    ):
        assert judged(file, by_hand(head, secret)) == NOT_OURS, head


def test_a_key_of_somebody_else_or_of_another_curve_lets_nobody_in_whatever_name_it_bears(file: str) -> None:
    for kind in KINDS:
        assert judged(file, signed(new_key(kind, KEYS[kind].kid or ""), kind)) == NOT_OURS
    assert judged(file, signed(KEYS["ES256"], "ES256", kid=RSA.kid)) == NOT_OURS
    assert judged(file, signed(ECKey.generate_key("P-384", {"kid": RSA.kid}), "ES384")) == NOT_OURS
    assert judged(file, signed(RSA, "RS512")) == NOT_OURS
    assert judged(file, signed(RSA, "PS256")) == NOT_OURS


@pytest.mark.parametrize(
    "token", ["..", "a.b.c", "e30.e30.", ".e30.x", "\u00fc.\u00fc.\u00fc", "W10.W10.W10", "[" * 999 + ".."]
)
def test_what_is_no_token_lets_nobody_in(file: str, token: str) -> None:
    assert judged(file, token) == NOT_OURS


def test_a_token_that_was_changed_lets_nobody_in(file: str) -> None:
    head, _, mac = signed(RSA, "RS256").split(".")
    changed = part({"sub": "anna", "exp": NOW_S + 60, "scope": "admin"}).decode()
    assert judged(file, f"{head}.{changed}.{mac}") == NOT_OURS


def test_a_new_key_is_known_once_it_is_used_and_an_old_one_is_not_once_it_is_gone(identity: Identity) -> None:
    new = new_key("ES256", "new")

    async def story() -> None:
        source = Jwks(identity.url)
        await source.look()
        tokens = Tokens(source)
        assert await tokens.caller(signed(new, "ES256"), NOW_S * 1000) == NOT_OURS
        identity.raw = jwks(new)
        assert isinstance(await tokens.caller(signed(new, "ES256"), NOW_S * 1000), Caller)
        assert await tokens.caller(signed(RSA, "RS256"), NOW_S * 1000) == NOT_OURS

    asyncio.run(story())


def test_unknown_keys_are_looked_for_three_times_and_then_not_more_often_than_each_ten_seconds(
    identity: Identity,
) -> None:
    now = [0.0]

    async def story() -> None:
        source = Jwks(identity.url, clock=lambda: now[0])
        await source.look()
        tokens = Tokens(source)
        bad = [signed(new_key("ES256", f"unknown-{number}"), "ES256") for number in range(20)]
        answers = await asyncio.gather(*(tokens.caller(token, NOW_S * 1000) for token in bad))
        assert set(answers) == {NOT_OURS}
        assert identity.asked == 1 + 3
        now[0] = 10.0
        await asyncio.gather(*(tokens.caller(token, NOW_S * 1000) for token in bad))
        assert identity.asked == 1 + 4
        assert isinstance(await tokens.caller(signed(RSA, "RS256"), NOW_S * 1000), Caller)
        assert identity.asked == 1 + 4

    asyncio.run(story())


def test_the_last_good_keys_hold_while_the_source_is_away_or_wrong(identity: Identity) -> None:
    async def story() -> None:
        source = Jwks(identity.url, look_s=0.01)
        await source.look()
        tokens, following = Tokens(source), asyncio.create_task(source.follow())
        good = signed(RSA, "RS256")
        for raw, status in ((b"", 200), (b"{}", 200), (b'{"keys": []}', 200), (identity.raw, 500), (identity.raw, 302)):
            identity.raw, identity.status = raw, status
            asked = identity.asked
            while identity.asked < asked + 2:
                await asyncio.sleep(0.01)
            assert isinstance(await tokens.caller(good, NOW_S * 1000), Caller), (raw, status)
        await asyncio.to_thread(identity.stop)
        await asyncio.sleep(0.1)
        assert isinstance(await tokens.caller(good, NOW_S * 1000), Caller)
        identity.raw, identity.status = jwks(KEYS["ES256"]), 200
        identity.start()
        async with asyncio.timeout(10):
            while await tokens.caller(good, NOW_S * 1000) != NOT_OURS:
                await asyncio.sleep(0.02)
        following.cancel()

    asyncio.run(story())


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:99999/", "http://127.0.0.1:x/", "https://[x/", "https://a b/", "/none"]
)
def test_a_place_that_can_not_be_is_told(place: str) -> None:
    with pytest.raises(ValueError, match=r"the JWKS .*(can't be used: |which is no URL; allowed: )"):
        asyncio.run(Jwks(place).look())


@pytest.mark.parametrize("place", ["http://example.com/keys", "http://10.0.0.1/keys", "http:///keys", "https://"])
def test_keys_are_not_taken_over_plain_http_but_from_this_machine(place: str) -> None:
    with pytest.raises(ValueError, match="allowed: a file, an https URL, or http on this machine"):
        Jwks(place)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"hello", "it is no JWKS"),
        (b"[]", "it is no JWKS"),
        (b'{"keys": 7}', "it is no JWKS"),
        (b'{"keys": [{"kty": "RSA"}]}', "it is no JWKS"),
        (
            b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
            r"it is no JWKS: it has a secret key \(oct\), and may have public ones only",
        ),
        (b" " * 1_048_577, "it has more than 1048576 bytes"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_jwks_is_refused_with_what_it_must_be(tmp_path: Path, raw: bytes | None, said: str) -> None:
    path = tmp_path / "jwks.json"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(ValueError, match=f"the JWKS {path} can't be used: {said}"):
        asyncio.run(Jwks(str(path)).look())


def test_a_key_of_an_unknown_kind_is_passed_over_and_the_others_are_good(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "jwks.json"
    for other in ({"kty": "AKP", "kid": "new kind", "alg": "ML-DSA-44", "pub": "x"}, {"kty": "RSA"}):
        path.write_bytes(json.dumps({"keys": [other, *json.loads(jwks(RSA))["keys"]]}).encode())
        caplog.clear()
        assert isinstance(judged(str(path), signed(RSA, "RS256")), Caller)
        assert "key 0 of the JWKS" in caplog.text


def test_what_may_be_a_secret_in_the_url_of_a_jwks_is_told_nobody() -> None:
    for place in ("https://u:secret@127.0.0.1:9/keys?token=secret", "http://u:secret@example.com/keys#secret",
                  "https://u:secret@h:99999/?secret", "https://u:secret@[x/?secret"):  # fmt: skip
        with pytest.raises(ValueError, match="the JWKS ") as told:
            asyncio.run(Jwks(place).look())
        assert "secret" not in str(told.value), told.value


def test_a_gateway_lets_tokens_in_as_it_lets_keys_in(tmp_path: Path, identity: Identity) -> None:
    words = ("--jwks", identity.url, "--audience", "geofence")
    with serving(tmp_path, *words, GEOFENCE_GATEWAY_ISSUER="https://us") as gateway:
        ours = {"iss": "https://us", "aud": "geofence", "now_s": now_s()}
        ping = {"lon": 8.5, "lat": 47.4, "time_ms": now_ms() - 1000, "accuracy_m": 12, "device": "phone"}
        assert gateway.post(ping, signed(RSA, "RS256", **ours)).json() == {"accepted": 1, "rejected": []}
        new = new_key("EdDSA", "new")
        identity.raw = jwks(new)
        bound = gateway.post([ping], signed(new, "EdDSA", device="other", **ours))
        assert [one["reason"] for one in bound.json()["rejected"]] == ["device_not_yours"]
        assert gateway.post(ping, signed(new, "EdDSA", scope="events:read", **ours)).status_code == 403
        refused = gateway.post(ping, signed(new, "EdDSA", **{**ours, "iss": "https://other"}))
        assert (refused.status_code, refused.json()["detail"]) == (401, "The token is of another issuer.")
        assert gateway.post(ping, gateway.key()).status_code == 202
