"""The command `gateway`.

Added to `cli`. Like there, it imports what it needs when it runs. Invariant: every option but the log and the catalog,
and every setting, has a variable `GEOFENCE_GATEWAY_...`; one that is unknown stops the start.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from service.address import ADDRESS
from service.cli_catalog import catalog_option
from service.cli_log import log_option, shelf_option
from service.settings.option import SettingOption
from service.settings.roles import BY_NAME

PREFIX = BY_NAME["gateway"].prefix
OPTIONS = tuple(key.upper() for key in BY_NAME["gateway"].options)

_PRIVATE_HELP = "Webhooks may go to private and loopback addresses, and without TLS."
private_option = click.option(
    "--allow-private-addresses", cls=SettingOption, table="", key="allow_private_addresses", is_flag=True,
    help=_PRIVATE_HELP,
)  # fmt: skip

_LISTEN_HELP = "Where to answer."
_LAN_HELP = "Answer in all networks of this machine, at the port of --listen; tell phones the address by a QR code."
_HEALTH_HELP = "Answer /health/live, /health/ready and /metrics here, without a key."
_CERT_HELP = "PEM file of the certificate with its chain. SIGHUP reads both files again."
_JWKS_HELP = "Whose tokens are let in too: the public keys (JWKS), in a file or at an https URL."
_CONSENT_HELP = "Whether pings count without a consent record before them."
_EPILOG = """Limits and times are set by variables, such as GEOFENCE_GATEWAY_KEY_RATE (pings a second that a key may
send), or in a file, geofence.toml: `geofence config` lists them all.

\b
Examples:
  geofence catalog upgrade --catalog sqlite:var/catalog.db
  geofence keys create "my phone" --scope pings:write --catalog sqlite:var/catalog.db
  geofence gateway --log kafka://127.0.0.1:9092 --catalog sqlite:var/catalog.db

Exit status: 0 stopped by SIGTERM or Ctrl-C; 2 it can't run, and a line says why.
"""


def _option(*names: str, **more: Any) -> Callable[[Any], Any]:
    """An option that can be set by a variable too."""
    key = names[0].removeprefix("--").replace("-", "_")
    return click.option(*names, cls=SettingOption, table="gateway", key=key, show_envvar=True, **more)


@click.command(epilog=_EPILOG, short_help="Pings in over HTTP, events and positions out.")
@log_option
@catalog_option
@_option("--listen", type=ADDRESS, metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True, help=_LISTEN_HELP)
@_option("--lan", is_flag=True, help=_LAN_HELP)
@_option("--health", type=ADDRESS, metavar="HOST:PORT", help=_HEALTH_HELP)
@_option("--tls-cert", metavar="FILE", help=_CERT_HELP)
@_option("--tls-key", metavar="FILE", help="PEM file of its key.")
@_option("--jwks", metavar="FILE|URL", help=_JWKS_HELP)
@_option("--issuer", help="Only tokens whose `iss` is this.")
@_option("--audience", help="Only tokens whose `aud` is or has this.")
@_option("--consent", type=click.Choice(["assumed", "required"]), default="assumed", show_default=True,
         help=_CONSENT_HELP)  # fmt: skip
@private_option
@shelf_option
def gateway(
    *,
    log_url: str,
    catalog_url: str,
    listen: str,
    lan: bool,
    health: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    jwks: str | None,
    issuer: str | None,
    audience: str | None,
    consent: str,
    allow_private_addresses: bool,
    shelf: str,
) -> None:
    """Take pings over HTTP and append them to a log, tell events and positions, until SIGTERM."""
    from boundaries.api.settings import BoundarySettings
    from boundaries.publishing import PublishingSettings
    from ingest.gateway.settings import GatewaySettings
    from ingest.settings import WorkerSettings
    from service.gateway import Reach, Trust, run_gateway
    from service.logs import run_quickly
    from service.settings.reading import role_settings

    settings = role_settings("gateway", GatewaySettings, consent=consent, private_addresses=allow_private_addresses)
    reach, trust = Reach(listen, lan, health, tls_cert, tls_key, Path(shelf)), Trust(jwks, issuer, audience)
    files = role_settings("boundaries", BoundarySettings)
    publishing = role_settings("publishing", PublishingSettings)
    worker = role_settings("worker", WorkerSettings, flags={"consent": "--consent"}, consent=consent)
    run_quickly(run_gateway(log_url, catalog_url, settings, files, reach, trust, publishing, worker))
