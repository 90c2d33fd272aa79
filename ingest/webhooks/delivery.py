"""One POST to a receiver: signed, to an address that was checked, within a deadline; of the answer a little is read.

Between `sender` and the network. Redirects are not followed: they are an answer like any other that is no success, so
that nobody can lead a delivery to an address that was not checked. Invariant: whatever a receiver does, `send` returns
within the deadline with an answer in words, and holds no more than `answer_bytes` of what it said.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from ingest.webhooks.address import Addresses, Refused
from ingest.webhooks.settings import WebhookSettings
from ingest.webhooks.signature import signed_headers
from ingest.webhooks.target import target_of

MEDIA_TYPE = "application/cloudevents+json"
_ADDRESSES = 3  # of one host that are tried
_FRESH_S = 10.0  # for so long an address that was found and checked is used
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a delivery."""

    status: int | None  # None: there was no answer
    text: str  # the beginning of what it said, or why there was none
    took_ms: int
    retry_after_s: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether it wants no more, for good."""
        return self.status == 410


class Receiver:
    """Where one webhook's deliveries go; keeps its connections."""

    def __init__(
        self,
        url: str,
        addresses: Addresses,
        tls: ssl.SSLContext,
        settings: WebhookSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._target, self._addresses, self._settings, self._now_ms = target_of(url), addresses, settings, now_ms
        self._found: tuple[float, Sequence[str]] = (0.0, ())
        self._finding = asyncio.Lock()
        limits = httpx.Limits(max_connections=settings.at_once, max_keepalive_connections=settings.at_once)
        transport = httpx.AsyncHTTPTransport(verify=tls, limits=limits, trust_env=False)
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # nothing that a receiver says is kept
        self._client = httpx.AsyncClient(
            transport=transport, cookies=no_cookies, follow_redirects=False, trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(
        self, message_id: str, body: bytes, secrets: Sequence[str], *, within_s: float | None = None
    ) -> Answer:
        """Deliver, within this time or the deadline's; what came of it."""
        begun, within_s = time.monotonic(), min(self._settings.deadline_s, within_s or self._settings.deadline_s)
        status, wait_s = None, None
        try:
            async with asyncio.timeout(within_s):
                status, text, wait_s = await self._post(message_id, body, secrets)
        except TimeoutError:
            text = f"no answer within {within_s:g} s"
        except Refused as refused:
            text = str(refused)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            text = f"{type(error).__name__}: {error}"
        return Answer(status, _shown(text), round((time.monotonic() - begun) * 1000), wait_s)

    async def _post(self, message_id: str, body: bytes, secrets: Sequence[str]) -> tuple[int, str, float | None]:
        seconds = self._now_ms() // 1000
        headers = {
            "Host": self._target.authority,
            "Content-Type": MEDIA_TYPE,
            "User-Agent": "geofence",
            "Accept-Encoding": "identity",
            **signed_headers(secrets, message_id, seconds, body),
        }
        addresses = (await self._where())[:_ADDRESSES]
        if self._target.scheme != "https" and not self._settings.private_addresses:
            raise Refused("http is not allowed where private addresses are not; allowed: https. Change the url.")
        for number, address in enumerate(addresses, start=1):
            last = number == len(addresses)
            connect_s = None if last else self._settings.deadline_s / (len(addresses) + 1)
            try:
                return await self._post_to(address, headers, body, connect_s)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if last:
                    raise
        raise OSError(f"{self._target.host} has no address")

    async def _post_to(
        self, address: str, headers: dict[str, str], body: bytes, connect_s: float | None
    ) -> tuple[int, str, float | None]:
        """The request, to this very address; certificates are checked against the host's name.

        Only connecting has a time of its own, after which there may be another address: all else is the deadline's.
        """
        url = httpx.URL(
            scheme=self._target.scheme, host=address, port=self._target.port, raw_path=self._target.path.encode()
        )
        request = self._client.build_request(
            "POST",
            url,
            content=body,
            headers=headers,
            timeout=httpx.Timeout(None, connect=connect_s),
            extensions={"sni_hostname": self._target.host},
        )
        answer = await self._client.send(request, stream=True)
        try:
            text = await self._beginning(answer)
        finally:
            await answer.aclose()
        if answer.has_redirect_location:
            text = f"a redirect to {answer.headers['location'][:100]!r}, which is not followed: change the url"
        return answer.status_code, text, self._wait_s(answer.headers.get("retry-after"))

    async def _where(self) -> Sequence[str]:
        async with self._finding:
            found_at, found = self._found
            if not found or time.monotonic() - found_at > _FRESH_S:
                found = await self._addresses.of(self._target.host, self._target.port)
                self._found = (time.monotonic(), found)
            return found

    async def _beginning(self, answer: httpx.Response) -> str:
        """What can be shown of the answer. A short one is read whole, so that the connection can be used again."""
        read = bytearray()
        async for piece in answer.aiter_raw(self._settings.answer_bytes):
            read += piece
            if len(read) >= self._settings.answer_bytes:
                break
        return bytes(read).decode(errors="replace")

    def _wait_s(self, text: str | None) -> float | None:
        """What `Retry-After` asks for: seconds, or a date."""
        if text is None:
            return None
        if text.isascii() and text.isdecimal():
            return float(text[:9])
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - self._now_ms() / 1000)
        except (ValueError, OverflowError):
            return None


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:_SHOWN])
