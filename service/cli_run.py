"""The command `run`.

Added to `cli`. Like there, it imports what it needs when it runs.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

from service.address import ADDRESS

_HOME_HELP = "Folder of its log, catalog, compiled layers, key and log file."
_LISTEN_HELP = "Where to answer."
_LAN_HELP = "Answer in all networks of this machine, and tell phones the address by a QR code."
_HEALTH_HELP = "Answer /health/live, /health/ready and /metrics of all roles here, without a key."
_SAMPLES_HELP = "Sample layers to publish, unless they were before: all, none, or such as countries,fences."
_DEMO_HELP = "Have 40 pretend phones move among the sample layers, and tell what comes of it."
_EPILOG = """\b
Examples:
  geofence run --demo
  geofence run --home /srv/geofence --listen 127.0.0.1:9000 --samples none
  geofence run --lan

Exit status: 0 stopped by Ctrl-C or SIGTERM; 2 it can't run, and a line says why.
"""


@click.command(epilog=_EPILOG, short_help="Everything in one process, on an embedded log and catalog.")
@click.option("--home", metavar="DIR", default="var", show_default=True, envvar="GEOFENCE_HOME", help=_HOME_HELP)
@click.option("--listen", type=ADDRESS, metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True,
              help=_LISTEN_HELP)  # fmt: skip
@click.option("--lan", is_flag=True, help=_LAN_HELP)
@click.option("--health", type=ADDRESS, metavar="HOST:PORT", help=_HEALTH_HELP)
@click.option("--samples", metavar="LAYERS", default="all", show_default=True, help=_SAMPLES_HELP)
@click.option("--demo/--no-demo", default=False, show_default=True, help=_DEMO_HELP)
def run(*, home: str, listen: str, lan: bool, health: str | None, samples: str, demo: bool) -> None:
    """Run gateway, worker, webhooks and the admins' side together, until Ctrl-C or SIGTERM."""
    begun_s = time.monotonic()
    from boundaries.api.settings import BoundarySettings
    from boundaries.publishing import PublishingSettings
    from ingest.gateway.settings import GatewaySettings
    from ingest.settings import WorkerSettings
    from ingest.webhooks.settings import WebhookSettings
    from service.gateway import Reach
    from service.home import Home
    from service.logs import run_quickly
    from service.samples import samples_named
    from service.settings.reading import role_settings
    from service.together import Roles, Stages, run_together

    place = Home(Path(home))
    roles = Roles(
        role_settings("gateway", GatewaySettings, consent="required", private_addresses=not lan,
                      consent_by_first_ping=True),
        role_settings("boundaries", BoundarySettings),
        role_settings("publishing", PublishingSettings),
        role_settings("worker", WorkerSettings, flags={"consent": "geofence run"}, consent="required"),
        role_settings("webhooks", WebhookSettings, private_addresses=not lan),
    )  # fmt: skip
    reach = Reach(listen, lan, health, shelf=place.shelf)
    run_quickly(run_together(place, reach, roles, Stages(samples_named(samples), demo, lan, begun_s)))
