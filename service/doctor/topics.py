"""The topics, as they should be."""

from __future__ import annotations

from ingest.topics import topics
from service.doctor.finding import Finding, error, ok, warning
from service.doctor.setup import Setup
from service.logs import default_partitions
from service.worker import DECISIVE

TOPICS = "topics"


async def check_topics(setup: Setup) -> list[Finding]:
    """What is missing or set otherwise; how many partitions there must be, `pings` says."""
    url = setup.places.log_url or ""
    wanted = topics(setup.partitions or default_partitions(url))
    wrong = await setup.opened_log.check(wanted)
    missing = [one.topic for one in wrong if one.setting == "topic"]
    found = []
    if missing:
        command = f"geofence topics create {setup.places.log_option} --partitions {wanted[0].partitions}"
        found.append(error(TOPICS, f"missing: {', '.join(missing)}", "Make them; --fix does.", command))
    for one in wrong:
        told = f"{one.topic}: {one.setting} is {one.found}, not {one.wanted}"
        if one.topic in missing:
            continue
        if one.setting in DECISIVE:
            found.append(error(TOPICS, told, f"A worker refuses to start with it: {one.fix}."))
        else:
            found.append(warning(TOPICS, told, f"{one.fix[:1].upper()}{one.fix[1:]}."))
    return found or [ok(TOPICS, f"all {len(wanted)} are there and as they should be")]
