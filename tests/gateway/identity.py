"""Whoever signs tokens, for tests: keys of every kind, and a server of their public halves. Not a test itself."""

from __future__ import annotations

import json
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

NOW_S = 1_800_000_000
KINDS = ("RS256", "ES256", "EdDSA", "Ed25519")


def new_key(algorithm: str, kid: str) -> Key:
    """A key that can sign so."""
    its = {"kid": kid}
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, its)
    return ECKey.generate_key("P-256", its) if algorithm == "ES256" else OKPKey.generate_key("Ed25519", its)


def jwks(*keys: Key) -> bytes:
    """The public halves."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


def signed(key: Key, algorithm: str, *, now_s: int = NOW_S, kid: str | None = None, **claims: Any) -> str:
    """A token that is good for a minute; a claim that is None is left out."""
    its = {"sub": "anna", "exp": now_s + 60, "scope": "pings:write events:read", **claims}
    head = {"alg": algorithm, "kid": kid or key.kid}
    with warnings.catch_warnings(action="ignore", category=SecurityWarning):  # EdDSA has a newer name
        return jwt.encode(head, {name: value for name, value in its.items() if value is not None}, key, [algorithm])


class Identity:
    """A server on this machine that has a JWKS; `stop` and `start` it as often as you like."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.status, self.asked = raw, 200, 0
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where the JWKS is."""
        return f"http://127.0.0.1:{self._port}/keys"

    def start(self) -> None:
        """Answer, at the port that it had."""
        its = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                its.asked += 1
                self.send_response(its.status)
                self.send_header("Content-Length", str(len(its.raw)))
                self.send_header("Location", its.url)
                self.end_headers()
                self.wfile.write(its.raw)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be away."""
        self._server.shutdown()
        self._server.server_close()


def now_s() -> int:
    """The machine's clock."""
    return int(time.time())
