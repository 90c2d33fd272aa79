"""`geofence gateway`: pings in over HTTP, until it is told to stop.

Puts the gateway of `ingest` together with a log, a catalog and an address. Invariants: the first SIGTERM or SIGINT ends
it in order: what it has begun to answer is answered, or told to come again; who listens beyond this machine without TLS
is warned.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.registry import Collector

from boundaries.api.settings import BoundarySettings
from boundaries.loading import Loader
from boundaries.publishing import PublishingSettings
from catalog import Catalog, open_catalog
from ingest.gateway.app import Gateway, gateway_app, wall_ms
from ingest.gateway.settings import GatewaySettings
from ingest.settings import WorkerSettings
from service.address import split_address
from service.boundaries import boundary_side
from service.catalogs import answering
from service.certificate import Certificate
from service.complaints import note
from service.connections import Limits, make_room
from service.disks import disk_of
from service.explainer import Explainers
from service.http import serving
from service.interpreter import tune
from service.lan import addresses, owntracks_link, qr, url_of
from service.log_lines import logging_to_stderr
from service.logs import ensure_topics, open_log
from service.publications_due import publications_due
from service.source import Unusable
from stream.port import Log
from web.jwks import Jwks, is_here
from web.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Reach:
    """How it is reached: each is an option of the command."""

    listen: str = "127.0.0.1:8080"
    lan: bool = False
    health: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    shelf: Path = Path("var/atlases")

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"0.0.0.0:{split_address(self.listen)[1]}" if self.lan else self.listen


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose tokens are let in: each is an option of the command."""

    jwks: str | None = None
    issuer: str | None = None
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class Behind:
    """What a gateway stands before."""

    log: Log
    log_url: str
    catalog: Catalog
    worker: WorkerSettings  # of the log's workers


async def run_gateway(
    log_url: str,
    catalog_url: str,
    settings: GatewaySettings,
    files: BoundarySettings,
    reach: Reach,
    trust: Trust,
    publishing: PublishingSettings | None = None,
    worker: WorkerSettings | None = None,
) -> None:
    """Serve until a signal comes; `files`: what is set of the admins' endpoints. Raises Unusable.

    `worker`: what the log's workers have been told that decides which events there are.
    """
    tune()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: note("SIGHUP reads a certificate again; there is none"))
    certificate, tokens = _certificate(reach), await _tokens(trust, settings)
    with logging_to_stderr(), answering(), open_catalog(catalog_url) as catalog:
        async with open_log(log_url) as log:
            await ensure_topics(log, log_url)
            behind = Behind(log, log_url, catalog, worker or WorkerSettings())
            async with answering_at(reach, behind, settings, files, publishing, tokens=tokens, certificate=certificate):
                _tell(reach, certificate is not None)
                await stop.wait()


@asynccontextmanager
async def answering_at(
    reach: Reach,
    behind: Behind,
    settings: GatewaySettings,
    files: BoundarySettings,
    publishing: PublishingSettings | None = None,
    *,
    tokens: Tokens | None = None,
    certificate: Certificate | None = None,
    metrics: Sequence[Collector] = (),
) -> AsyncIterator[None]:
    """Answer meanwhile, the admins' endpoints among others; `metrics` of other roles are told too. Raises Unusable."""
    log, catalog, told = behind.log, behind.catalog, [*disk_of(behind.log_url), *metrics]
    explainer = Explainers(catalog, Loader(catalog, reach.shelf), behind.log_url, settings, behind.worker)
    async with (
        boundary_side(catalog, log, behind.log_url, reach.shelf, files, wall_ms, publishing) as further,
        publications_due(catalog, wall_ms) as due,
        gateway_app(
            log, catalog, settings, tokens=tokens, more=[further], metrics=[*told, due], explainer=explainer
        ) as gateway,
        _served(gateway, settings, reach, certificate),
    ):
        try:
            yield
        finally:
            gateway.end_streams()


@asynccontextmanager
async def _served(
    gateway: Gateway, settings: GatewaySettings, reach: Reach, certificate: Certificate | None
) -> AsyncIterator[None]:
    """Answer meanwhile, at both addresses."""
    async with AsyncExitStack() as opened:
        if reach.health:
            await opened.enter_async_context(serving(gateway.health, reach.health))
        tls = _renewed(certificate) if certificate else None
        await opened.enter_async_context(
            serving(gateway.app, reach.address, limits=_limits(settings), tls=tls, grace_s=settings.append_s + 1)
        )
        yield


async def _tokens(trust: Trust, settings: GatewaySettings) -> Tokens | None:
    if trust.jwks is None:
        if trust.issuer or trust.audience:
            raise Unusable("--issuer and --audience say which tokens are let in; say --jwks, by whose keys, too")
        return None
    try:
        jwks = Jwks(trust.jwks, look_s=settings.jwks_s)
        await jwks.look()
    except ValueError as error:
        raise Unusable(f"--jwks: {error}") from None
    return Tokens(jwks, issuer=trust.issuer, audience=trust.audience)


def _certificate(reach: Reach) -> Certificate | None:
    if reach.tls_cert and reach.tls_key:
        return Certificate(reach.tls_cert, reach.tls_key)
    if reach.tls_cert or reach.tls_key:
        raise Unusable("--tls-cert and --tls-key go together: the file of the certificate and that of its key")
    return None


def _renewed(certificate: Certificate) -> ssl.SSLContext:
    """What the server needs of a certificate, which SIGHUP has read again."""

    def renew() -> None:
        try:
            certificate.renew()
        except Unusable as error:
            note(f"the certificate stays as it was: {error}")
        else:
            note("the certificate was read again")

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
    return certificate.context


def _limits(settings: GatewaySettings) -> Limits:
    most = make_room(settings.connections)
    if most < settings.connections:
        note(f"the system allows {most} connections, of {settings.connections} that may be. See: ulimit -n")
    return Limits(settings.head_s, settings.head_bytes, settings.body_s, settings.idle_s, most)


def _tell(reach: Reach, tls: bool) -> None:
    """Where it listens, what is unsafe about it, and what a phone has to enter."""
    if reach.health:
        note(f"health at http://{reach.health}/health/ready, metrics at http://{reach.health}/metrics")
    host, port = split_address(reach.address)
    note(f"listening at {url_of(host, port, tls=tls)}")
    if not tls and not is_here(host):
        note(
            "warning: without TLS, whoever is on the way can read keys and positions. "
            "Say --tls-cert and --tls-key, or have a proxy before it"
        )
    if not reach.lan:
        return
    urls = [url_of(one, port, tls=tls) for one in addresses()]
    if not urls:
        note("this machine seems to be in no network: no address was found that a phone could reach")
        return
    note(f"phones in this network reach it at {' or '.join(urls)}; what to enter in which app: docs/clients.md")
    sys.stderr.write(f"{qr(urls[0])}\nOwnTracks, set up but for user name and key:\n{qr(owntracks_link(urls[0]))}\n")
