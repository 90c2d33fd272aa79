"""The commands that make things up: `demo events` and `demo pings`, for tests and trials of others.

Added to `cli`. Like there, each imports what it needs when it runs. Invariant: standard output holds records and
nothing else; with `--begin` the same call prints the same bytes.
"""

from __future__ import annotations

import sys

import click

_SCENARIOS = ("move", "flap", "fence", "boundary", "consent", "erase", "silent")
_PHONES = 40
_EVENTS_EXAMPLES = """\b
Examples:
  geofence demo events --scenario move
  geofence demo events --scenario fence --count 100 > fixture.ndjson
  geofence demo events --scenario boundary --source https://example.org/bay --json | jq .data.cause
\b
Scenarios, each of one phone after another:
  move       seen first in one district, then moves to the other
  flap       comes home, and rests 9 m from a border for 20 minutes: one event, that it was seen
  fence      enters a park, stays, leaves again
  boundary   the districts are redrawn around a phone that rests
  consent    its owner withdraws the consent
  erase      all that is known of it is erased
  silent     nothing is heard of it for 30 days

Exit status: 0 done, or where nobody reads on; 2 an option can't be used.
"""
_PINGS_EXAMPLES = """\b
Examples:
  geofence demo pings | geofence replay --regions data/countries.geojson.gz -
  geofence demo pings --phones 40 --minutes 60 > pings.ndjson
  geofence append --log sqlite:var/log.db pings.ndjson
  geofence demo pings --phones 1 --minutes 1 | jq -s . |
    curl -H "$AUTH" --json @- localhost:8080/v1/pings

Exit status: 0 done, or where nobody reads on; 2 an option can't be used; 130 stopped by Ctrl-C.
"""
_COUNT_HELP = "How many events, of as many phones as it takes.  [default: those of one phone]"
_READABLE_HELP = "JSON even where a person reads; into a file or a pipe it is JSON anyway."
_TWICE_HELP = "Each event twice, as a webhook may deliver it: your program should take it once."
_BEGIN_HELP = "When it begins, such as 2026-01-31T08:00:00Z."
_CONSENT_HELP = "Put a consent record before the pings of each phone."

_seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**32), default=1, show_default=True, help="Of all chance."
)


@click.group(name="demo", short_help="Pretend phones: their pings, and events for a consumer's tests.")
def demo() -> None:
    """What pretend phones send, and what comes of it."""


@demo.command(name="events", epilog=_EVENTS_EXAMPLES, short_help="Events of a small scenario.")
@click.option("--scenario", type=click.Choice(_SCENARIOS), required=True, help="What happens.")
@click.option("--count", type=click.IntRange(1, 1_000_000), help=_COUNT_HELP)
@_seed_option
@click.option("--begin", metavar="TIME", default="2026-01-31T08:00:00Z", show_default=True, help=_BEGIN_HELP)
@click.option("--source", default="geofence", show_default=True, help="The events' source: the name of a deployment.")
@click.option("--twice", is_flag=True, help=_TWICE_HELP)
@click.option("--json", "as_json", is_flag=True, help=_READABLE_HELP)
def events(*, scenario: str, count: int | None, seed: int, begin: str, source: str, twice: bool, as_json: bool) -> None:
    """Print events of a small scenario, as consumers get them.

    One CloudEvent in JSON on each line; on a terminal a line as people read it. The core itself makes them from pretend
    pings, so that they are as real ones are. The same call prints the same bytes.
    """
    from itertools import islice

    from geofence.wire_events import encode_event
    from service.demo.scenarios import events_of, phone_events
    from service.replay import check_source
    from service.tail import line

    check_source(source)
    begin_ms = _time_ms(begin)
    if count is None:
        found = phone_events(scenario, "phone-1", source=source, seed=seed, begin_ms=begin_ms)
    else:
        found = islice(events_of(scenario, source=source, seed=seed, begin_ms=begin_ms), count)
    readable = sys.stdout.isatty() and not as_json
    for event in found:
        text = line(event).encode() if readable else encode_event(event)
        sys.stdout.buffer.write((text + b"\n") * (2 if twice else 1))


@demo.command(name="pings", epilog=_PINGS_EXAMPLES, short_help="Pings of pretend phones.")
@click.option("--phones", type=click.IntRange(1, _PHONES), default=5, show_default=True, help="How many phones.")
@click.option(
    "--minutes", type=click.FloatRange(0, 1440, min_open=True), default=10.0, show_default=True, help="Of them."
)
@_seed_option
@click.option("--begin", metavar="TIME", help=f"{_BEGIN_HELP}  [default: so that they end now]")
@click.option("--consent", is_flag=True, help=_CONSENT_HELP)
def pings(*, phones: int, minutes: float, seed: int, begin: str | None, consent: bool) -> None:
    """Print pings of the phones that `geofence run` pretends, one JSON object on each line.

    Trains and vans over borders, walkers in and out of fences, homes beside a border, desks: in order of time, for
    `geofence append`, `replay` and `compare`, or for the gateway.
    """
    import time

    from geofence.control import Consent
    from geofence.wire import encode_control, encode_ping
    from service.demo.crowd import Crowd
    from service.demo.phones import phones as everyone

    lasts_ms = round(minutes * 60_000)
    begin_ms = round(time.time() * 1000) - lasts_ms if begin is None else _time_ms(begin)
    crowd = Crowd(seed, begin_ms, among=everyone()[:phones])
    out = sys.stdout.buffer
    if consent:
        for name in crowd.names():
            out.write(encode_control(Consent(device=name, given=True, at_ms=begin_ms)) + b"\n")
    for ping in crowd.pings_until(begin_ms + lasts_ms):
        out.write(encode_ping(ping) + b"\n")


def _time_ms(begin: str) -> int:
    """Unix milliseconds of `--begin`. Raises Unusable."""
    from geofence.fault import TIME_END_MS
    from geofence.instant import ms_of
    from service.source import Unusable

    try:
        begin_ms = ms_of(begin)
    except ValueError as error:
        raise Unusable(f"--begin: {error}") from None
    if not 0 <= begin_ms < TIME_END_MS - 100 * 86_400_000:
        raise Unusable(f"--begin: {begin!r} is out of range; allowed: 1970 to mid 2099. Say a time such as now.")
    return begin_ms


DEMO_COMMANDS = (demo,)
