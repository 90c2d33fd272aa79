"""The judge of publications: what the catalog says of each, beside what stands in the input and what workers kept.

Beside `oracle`, which has the input replayed. Invariant: the first record of each number in a partition counts, if
nothing later stands before it; whatever else is there has no effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from catalog import Catalog
from catalog.publication import IN_FORCE, SENT, Publication
from geofence.fence import Fence
from tests.torture.town import VERSIONS

CHANGED = "geofence.region.changed"  # a device is in one region of a partition, and so moves once

Obeyed = Mapping[str, Mapping[int, str]]  # by layer: the hash of each number that has had an effect, in their order


def obeyed_in(lines: Sequence[bytes]) -> Obeyed:
    """What a dump says was obeyed."""
    found: dict[str, dict[int, str]] = {}
    for line in lines:
        if b'"version"' in line:
            record = msgspec.json.decode(line)
            its = found.setdefault(record["layer"], {})
            if record.get("number", 0) > max(its, default=0):
                its[record["number"]] = record["version"]
    return found


def faults(catalog: Catalog, partition: int, lines: Sequence[bytes], fence: Fence) -> list[str]:
    """What is wrong with the publications on a partition; `fence` is as its tracks have it."""
    obeyed, kept = obeyed_in(lines), {one.layer: one for one in fence.in_force()}
    wrong = []
    for layer in VERSIONS:
        every = {one.number: one for one in catalog.publications.list(layer)}
        wrong += _not_obeyed(partition, every, obeyed.get(layer, {}))
        last = catalog.publications.newest_sent()[layer]
        its = kept.get(layer)
        if its is None or (its.number, its.version, its.before) != (last.number, last.hash, None):
            wrong.append(f"partition {partition} has {its} in force, and {last.target} was sent last")
    return wrong


def _not_obeyed(partition: int, every: Mapping[int, Publication], obeyed: Mapping[int, str]) -> list[str]:
    wrong = [
        f"{one.target} is {one.state} and was not obeyed by partition {partition}"
        for one in every.values()
        if one.state in (SENT, IN_FORCE) and obeyed.get(one.number) != one.hash
    ]
    for number in obeyed:
        one = every.get(number)
        if one is None or one.state not in (SENT, IN_FORCE):
            wrong.append(f"number {number} was obeyed by partition {partition}; in the catalog it is {one}")
    return wrong


def told_twice(events: Mapping[str, Sequence[bytes]]) -> tuple[int, list[str]]:
    """How many events there are of devices whose region was moved, and those that were told twice of one switch."""
    told: Counter[tuple[str, ...]] = Counter()
    for lines in events.values():
        for line in lines:
            if b'"boundary"' in line:
                event = msgspec.json.decode(line)
                data = event["data"]
                places = (str((data.get(side) or {}).get("id")) for side in ("from", "to"))
                one = (event["subject"], data["layer"], data["occurred_at"])
                told[one if event["type"] == CHANGED else (*one, event["type"], *places)] += 1
    return told.total(), [f"told {many} times: {one}" for one, many in told.items() if many > 1]
