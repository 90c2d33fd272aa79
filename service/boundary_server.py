"""The boundary admins' endpoints of a server, asked over HTTP.

Under every `geofence boundaries` command that names a server. Invariants: what the server says against it ends the
command with the server's own words; a server that asks to come again is asked again, when it says; the key goes to that
server alone and stands in no message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import msgspec

from service.source import Unusable

PATIENCE_S = 3.0  # for which what changes nothing is asked again where no answer comes
_AGAIN_S = 0.3
_TIMES = httpx.Timeout(300.0, connect=5.0)  # a large report or difference takes a while to be made
_LONGEST_WAIT_S = 60.0
_COME_AGAIN = (429, 503)
_TRIES = 6
_PIECE = 1 << 18

Sent = Callable[[int], None]  # how many bytes have gone


class Refused(Unusable):
    """The server has said no: its problem's title and detail."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status, self.title, self.detail = status, title, detail


class Away(Unusable):
    """The server does not answer."""


class BoundaryServer:
    """One server, and who asks it."""

    def __init__(self, url: str, key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        """Raises Unusable where the URL is none."""
        if httpx.URL(url).scheme not in ("http", "https") or not httpx.URL(url).host:
            raise Unusable(f"--server is {url!r}; allowed: http://HOST:PORT or https://HOST. Correct it.")
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}", "User-Agent": "geofence"}
        self._client = httpx.Client(base_url=self.url, headers=headers, timeout=_TIMES, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, *path: object, patience_s: float = PATIENCE_S, **query: object) -> Any:
        """What is there, as JSON. Raises Refused and Away."""
        return self.look(*path, patience_s=patience_s, **query)[0]

    def look(self, *path: object, patience_s: float = PATIENCE_S, **query: object) -> tuple[Any, str]:
        """The same with its ETag."""
        answer = self._ask("GET", path, query, patience_s=patience_s)
        return _json(answer), answer.headers.get("etag", "")

    def content(self, *path: object, **query: object) -> bytes:
        """What is there, as it comes."""
        return self._ask("GET", path, query, patience_s=PATIENCE_S).content

    def post(self, *path: object, body: Mapping[str, Any]) -> Any:
        """Have something made; what was answered."""
        return _json(self._ask("POST", path, {}, json=dict(body)))

    def put(self, *path: object) -> Any:
        """Have something so; what was answered."""
        return _json(self._ask("PUT", path, {}))

    def patch(self, *path: object, body: Mapping[str, Any], etag: str) -> Any:
        """Change what was seen with this ETag."""
        return _json(self._ask("PATCH", path, {}, json=dict(body), headers={"If-Match": etag}))

    def delete(self, *path: object, etag: str | None = None) -> Any:
        """Remove or cancel; what was answered, if anything."""
        headers = {} if etag is None else {"If-Match": etag}
        answer = self._ask("DELETE", path, {}, headers=headers)
        return _json(answer) if answer.content else None

    def upload(self, file: Path, *path: object, query: Mapping[str, str], sent: Sent) -> Any:
        """Send a file; what was answered. Raises Unusable where the file can't be read."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
        return _json(self._ask("POST", path, query, headers=headers, pieces=lambda: _pieces(file, sent)))

    def _ask(
        self,
        method: str,
        path: Iterable[object],
        query: Mapping[str, object],
        *,
        patience_s: float = 0.0,
        pieces: Callable[[], Iterator[bytes]] | None = None,
        **more: Any,
    ) -> httpx.Response:
        where = "/v1/" + "/".join(quote(str(one), safe="") for one in path)
        given, until = {name: str(value) for name, value in query.items()}, time.monotonic() + patience_s
        for left in range(_TRIES - 1, -1, -1):
            content = None if pieces is None else pieces()
            answer = self._answer(method, where, until, params=given, content=content, **more)
            if answer.status_code not in _COME_AGAIN or not left:
                return accepted(answer)
            time.sleep(_wait_s(answer))
        raise AssertionError  # the last try has returned

    def _answer(self, method: str, where: str, until: float, **more: Any) -> httpx.Response:
        """An answer, whatever it says; waited for until then. Raises Away."""
        while True:
            try:
                return self._client.request(method, where, **more)
            except httpx.TransportError as error:
                if time.monotonic() >= until:
                    why = str(error) or type(error).__name__
                    raise Away(f"{self.url} does not answer: {why}. Check --server, and that it runs.") from None
                time.sleep(_AGAIN_S)


def accepted(answer: httpx.Response) -> httpx.Response:
    """An answer that is what was asked for. Raises Refused."""
    if answer.is_success:
        return answer
    title, detail = f"{answer.status_code} {answer.reason_phrase}", ""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        told = _json(answer)
        title, detail = str(told.get("title", title)), str(told.get("detail", ""))
    elif answer.is_redirect:
        detail = f"The server sends on to {answer.headers.get('location', '')[:200]}; say that address with --server."
    else:
        detail = "This is no answer of geofence. Check --server."
    raise Refused(answer.status_code, title, detail)


def _json(answer: httpx.Response) -> Any:
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        detail = "The answer is no JSON, so this is no answer of geofence. Check --server."
        raise Refused(answer.status_code, f"{answer.status_code} {answer.reason_phrase}", detail) from None


def _wait_s(answer: httpx.Response) -> float:
    said = answer.headers.get("retry-after", "")
    return min(float(said), _LONGEST_WAIT_S) if said.isascii() and said.isdecimal() else 1.0


def _pieces(file: Path, sent: Sent) -> Iterator[bytes]:
    done = 0
    with file.open("rb") as source:
        sent(0)
        while piece := source.read(_PIECE):
            yield piece
            done += len(piece)
            sent(done)
