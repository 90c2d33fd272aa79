"""The commands of the catalog: `catalog`, `keys`, `devices`.

Added to `cli`. Like there, each imports what it needs when it runs.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import click

from service.settings.option import SettingOption

_CATALOG_HELP = "Where the catalog is: sqlite:PATH or postgresql://USER:PASSWORD@HOST/DATABASE."
catalog_option = click.option(
    "--catalog", "catalog_url", cls=SettingOption, table="", key="catalog", secret=True, metavar="URL", required=True,
    help=_CATALOG_HELP,
)  # fmt: skip
_UPGRADE_EXAMPLES = """\b
Examples:
  geofence catalog upgrade --catalog sqlite:var/catalog.db
  geofence catalog upgrade --catalog postgresql://geofence@db/geofence

Exit status: 0 it is up to date; 2 the catalog can't be reached, or is newer than this program.
"""
_STATUS = "Exit status: 0 done; 2 the catalog can't be reached, or it says no, and a line says why.\n"
_CREATE_EXAMPLES = f"""\b
Examples:
  geofence keys create "my phone" --scope pings:write --device phone-1 --catalog sqlite:var/catalog.db
  KEY=$(geofence keys create reader --scope events:read --scope devices:read --catalog sqlite:var/catalog.db)
  geofence keys create admin --scope admin --days 30 --catalog sqlite:var/catalog.db --json | jq -r .key

{_STATUS}"""
_KEYS_EXAMPLES = f"""\b
Examples:
  geofence keys list --catalog sqlite:var/catalog.db
  geofence keys list --catalog sqlite:var/catalog.db --json | jq -r 'select(.revoked_ms == null) | .id'

{_STATUS}"""
_REVOKE_EXAMPLES = f"""\b
Examples:
  geofence keys revoke abcdefghjk --catalog sqlite:var/catalog.db

{_STATUS}"""
_ADD_EXAMPLES = f"""\b
Examples:
  geofence devices add phone-07 --user jane --catalog sqlite:var/catalog.db
  geofence devices add phone-07 --url https://geofence.example --qr --catalog sqlite:var/catalog.db
  geofence devices add phone-07 --catalog sqlite:var/catalog.db --json | jq -r .code

{_STATUS}"""
_DEVICES_EXAMPLES = f"""\b
Examples:
  geofence devices list --catalog sqlite:var/catalog.db
  geofence devices list --catalog sqlite:var/catalog.db --json | jq -r .device

{_STATUS}"""
_json_option = click.option("--json", "as_json", is_flag=True, help="JSON, one object per line.")


class _Days(click.FloatRange):
    """A number of days; what is no number is in no range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        days: float = super().convert(value, param, ctx)
        if math.isnan(days):
            self.fail(f"{value} is no number of days; allowed: more than 0, up to {self.max}.", param, ctx)
        return days


@click.group(name="catalog", short_help="The database of keys, devices and webhooks.")
def catalog_group() -> None:
    """What is remembered outside the log."""


@catalog_group.command(name="upgrade", epilog=_UPGRADE_EXAMPLES, short_help="Bring the schema up to date.")
@catalog_option
def upgrade_catalog(*, catalog_url: str) -> None:
    """Make the catalog, or bring its schema up to date."""
    from catalog import upgrade
    from service.catalogs import answering
    from service.complaints import note

    with answering():
        note(upgrade(catalog_url))


@click.group(name="keys", short_help="API keys.")
def keys_group() -> None:
    """Who may do what."""


@keys_group.command(name="create", epilog=_CREATE_EXAMPLES, short_help="Make a key; it is shown once.")
@catalog_option
@click.option("--scope", multiple=True, required=True, help="What it may do, such as pings:write. Repeatable.")
@click.option("--device", help="It speaks for this device alone.")
@click.option("--user", help="Its pings are this user's.")
@click.option("--days", type=_Days(0, 36_500, min_open=True), help="It expires after so many days.")
@_json_option
@click.argument("name")
def create_key(
    *,
    catalog_url: str,
    scope: tuple[str, ...],
    device: str | None,
    user: str | None,
    days: float | None,
    as_json: bool,
    name: str,
) -> None:
    """Make a key. It is printed once, on standard output, and kept nowhere."""
    from service.catalogs import answering, key_lines, now_ms, opened, who
    from service.complaints import note

    with answering(), opened(catalog_url) as catalog:
        now = now_ms()
        expires_ms = None if days is None else now + round(days * 86_400_000)
        made, text = catalog.keys.create(
            name=name, scopes=scope, device=device, user=user, expires_ms=expires_ms, by=who(), now_ms=now
        )
    if as_json:
        told = json.loads(next(iter(key_lines([made], as_json=True))))
        print(json.dumps({**told, "key": text}))
    else:
        print(text)
    note(f"key {made.id} was made; it is shown this once")


@keys_group.command(name="list", epilog=_KEYS_EXAMPLES, short_help="All keys, without their secrets.")
@catalog_option
@_json_option
def list_keys(*, catalog_url: str, as_json: bool) -> None:
    """All keys: id, what each may do, for whom, whether it is valid."""
    from service.catalogs import answering, key_lines, opened

    with answering(), opened(catalog_url) as catalog:
        sys.stdout.writelines(f"{line}\n" for line in key_lines(catalog.keys.list(), as_json=as_json))


@keys_group.command(name="revoke", epilog=_REVOKE_EXAMPLES, short_help="Take all rights from a key, for good.")
@catalog_option
@click.argument("key")
def revoke_key(*, catalog_url: str, key: str) -> None:
    """Revoke a key by its id (the middle part of its text)."""
    from service.catalogs import answering, now_ms, opened, who
    from service.complaints import note

    with answering(), opened(catalog_url) as catalog:
        catalog.keys.revoke(key, by=who(), now_ms=now_ms())
    note(f"key {key} is revoked; every gateway refuses it within seconds")


@click.group(name="devices", short_help="Devices and their enrolment.")
def devices_group() -> None:
    """Phones and other devices."""


@devices_group.command(name="add", epilog=_ADD_EXAMPLES, short_help="A one-time code by which a device gets its key.")
@catalog_option
@click.option("--user", help="Whose it is.")
@click.option("--grants-consent", is_flag=True, help="Enrolling it records its consent.")
@click.option("--url", metavar="URL", help="Of the gateway: print the link that the phone has to open.")
@click.option("--qr", "as_qr", is_flag=True, help="The link as a QR code too, on standard error; needs --url.")
@_json_option
@click.argument("name")
def add_device(
    *,
    catalog_url: str,
    user: str | None,
    grants_consent: bool,
    url: str | None,
    as_qr: bool,
    as_json: bool,
    name: str,
) -> None:
    """Enrol a device. The code is printed, good once and for a day; with --url, the link that has it."""
    from service.catalogs import answering, now_ms, opened, who
    from service.lan import enrolment_link, qr

    if as_qr and not url:
        raise click.UsageError("--qr needs --url, the gateway's, such as https://gateway.example")
    if url and not url.startswith(("https://", "http://")):
        raise click.UsageError(f"--url is {url!r}; allowed: https://HOST or http://HOST:PORT")
    with answering(), opened(catalog_url) as catalog:
        code = catalog.devices.add(name, user=user, grants_consent=grants_consent, by=who(), now_ms=now_ms())
    told = enrolment_link(url, code) if url else code
    print(json.dumps({"device": name, "code": code, "link": told if url else None}) if as_json else told)
    if as_qr:
        sys.stderr.write(f"{qr(told)}\n")


@devices_group.command(name="list", epilog=_DEVICES_EXAMPLES, short_help="Enrolled devices.")
@catalog_option
@_json_option
def list_devices(*, catalog_url: str, as_json: bool) -> None:
    """All enrolled devices."""
    from dataclasses import asdict

    from service.catalogs import answering, opened

    with answering(), opened(catalog_url) as catalog:
        for one in catalog.devices.list():
            print(json.dumps(asdict(one)) if as_json else f"{one.device}  {one.user or '-'}")


CATALOG_COMMANDS = (catalog_group, keys_group, devices_group)
