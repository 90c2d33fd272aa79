"""The command of the role that sends webhooks: `webhooks`.

Added to `cli`. Like there, it imports what it needs when it runs.
"""

from __future__ import annotations

import click

from service.address import ADDRESS
from service.cli_catalog import catalog_option
from service.cli_gateway import private_option
from service.cli_log import log_option
from service.settings.option import SettingOption

_HEALTH_HELP = "Answer /health/live, /health/ready and /metrics here, without a key."
_EXAMPLES = """\b
Examples:
  geofence webhooks --log kafka://127.0.0.1:9092 --catalog postgresql://geofence@db/geofence
  geofence webhooks --log sqlite:var/log.db --catalog sqlite:var/catalog.db --allow-private-addresses
  geofence webhooks --log kafka://127.0.0.1:9092 --catalog sqlite:var/catalog.db --health 127.0.0.1:8082

Exit status: 0 stopped by SIGTERM or Ctrl-C; 2 it can't run, and a line says why.
"""


@click.command(epilog=_EXAMPLES, short_help="Region changes to receivers over HTTP.")
@log_option
@catalog_option
@private_option
@click.option("--health", cls=SettingOption, table="webhooks", key="health", type=ADDRESS, metavar="HOST:PORT",
              show_envvar=True, help=_HEALTH_HELP)  # fmt: skip
def webhooks(*, log_url: str, catalog_url: str, allow_private_addresses: bool, health: str | None) -> None:
    """Send region changes to the webhooks of the catalog, until SIGTERM.

    May run beside others like it: each webhook is delivered by one of them. More settings, such as
    GEOFENCE_WEBHOOKS_DEADLINE_S, come from the environment or a file: see docs/settings.md.
    """
    from ingest.webhooks.settings import WebhookSettings
    from service.catalogs import answering
    from service.logs import run_quickly
    from service.settings.reading import role_settings
    from service.webhooks import run_webhooks

    settings = role_settings("webhooks", WebhookSettings, private_addresses=allow_private_addresses)
    with answering():
        run_quickly(run_webhooks(log_url, catalog_url, settings, health))


WEBHOOK_COMMANDS = (webhooks,)
