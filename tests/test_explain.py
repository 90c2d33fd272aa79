"""The account of a device: its events are those of a replay, and its figures those of the rule."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pytest
from commands import layer, square

from geofence.atlas import Atlas
from geofence.control import Consent, Control, Switch, Tick
from geofence.explanation import Asked, NotRetained, Setting, account_of, explain
from geofence.geojson import read_regions
from geofence.hearing import of_device
from geofence.ping import Ping, Pings
from geofence.region import Kind, Version
from geofence.rule import Rule
from geofence.witness import Step
from service.explain_picture import layer_to_draw

START_MS = 1_750_000_000_000
DEGREE_M = 111_195.0802

Event = tuple[str, int, str, str]  # id, confirmed, device, layer
Row = tuple[float, float, float]  # seconds, metres east of the border between a and b, accuracy


def town(name: str = "town", east: float = 0.0, **more: Any) -> Version:
    """Squares a and b, side by side, with their border so many degrees east of 0."""
    content = read_regions(layer(a=square(east - 1, 0, 1), b=square(east, 0, 1)), layer=name)
    return Version.of(name, content.regions, **more)


def setting(*versions: Version, in_force: Sequence[Version] | None = None, **more: Any) -> Setting:
    atlases = {version.hash: Atlas(version) for version in versions}
    return Setting(versions if in_force is None else in_force, atlases, **more)


def ping(row: Row, device: str = "one", *, received_ms: int | None = None) -> Ping:
    time_s, east_m, accuracy_m = row
    time_ms = START_MS + int(time_s * 1000)
    return Ping(
        device=device, time_ms=time_ms, lon=east_m / DEGREE_M, lat=0.5, accuracy_m=accuracy_m, received_ms=received_ms
    )


def steps_of(*rows: Row, rule: Rule | None = None) -> list[Step]:
    heard = of_device([Pings.of(ping(row) for row in rows)], "one")
    return account_of("one", list(heard), setting(town(rule=rule or Rule())))


HOME = [(60.0 * k, -400.0, 10.0) for k in range(4)]
ACROSS = [(240.0, 300.0, 10.0), (300.0, 320.0, 10.0), (360.0, 300.0, 10.0)]


def wandering(seed: int, devices: int, *, received: bool) -> list[Ping]:
    """Phones that go to and fro over the border, with pings late, repeated, coarse, far off and impossible."""
    draw = np.random.default_rng(seed)
    found = []
    for time_s in range(0, 7200, 30):
        for k in range(devices):
            if draw.random() < 0.2:
                continue
            east_m = 900.0 * np.sin(time_s / (400.0 + 100 * k)) + draw.normal(0, 20)
            late_s = 90.0 if draw.random() < 0.1 else 0.0
            if draw.random() < 0.02:
                east_m += 40_000.0
            accuracy_m = float(draw.choice([5.0, 20.0, 80.0, 900.0, -1.0]))
            at_ms = START_MS + time_s * 1000 if received else None
            found.append(ping((time_s - late_s, east_m, accuracy_m), f"phone-{k}", received_ms=at_ms))
    found.append(ping((7200, 500.0, 10.0), "phone-0", received_ms=START_MS + 7_200_000 if received else None))
    return found


def whole(items: Sequence[Pings | Control], given: Setting) -> list[Event]:
    """Every event that the fence gives over the whole input, in bulk."""
    fence, told = given.fence(), []
    for item in items:
        report = fence.observe(item) if isinstance(item, Pings) else fence.apply(item)
        told += report.crossings
    events = [(one.event_id("geofence"), one.confirmed_ms, one.device, one.layer) for one in told]
    return sorted(events, key=itemgetter(3))  # in the order of each layer


def explained(items: Sequence[Pings | Control], given: Setting, device: str) -> list[Event]:
    steps = account_of(device, list(of_device(items, device)), given)
    events = [(one.id, one.confirmed_ms, device, one.layer) for step in steps for one in step.told]
    return sorted(events, key=itemgetter(3))


LAYERS = (town(), town("fences", 0.002, kind=Kind.OVERLAY, dwell_s=120.0))


@pytest.mark.parametrize("seed", range(3))
def test_the_events_of_accounts_are_those_of_a_replay_that_keeps_time(seed: int) -> None:
    given, items = setting(*LAYERS, keeps_time=True), [Pings.of(wandering(seed, 3, received=False))]
    told = whole(items, given)
    assert len(told) > 30
    for device in ("phone-0", "phone-1", "phone-2"):
        assert explained(items, given, device) == [one for one in told if one[2] == device]


def test_the_events_of_accounts_are_those_of_a_log_with_its_control_records() -> None:
    moved = town(east=0.003)
    given = setting(*LAYERS, moved, in_force=LAYERS, consent="required")
    pings = wandering(7, 3, received=True)
    parts = [Pings.of(pings[k : k + 50]) for k in range(0, len(pings), 50)]
    items: list[Pings | Control] = [Consent(device=f"phone-{k}", given=True, at_ms=START_MS) for k in range(3)]
    for k, part in enumerate(parts):
        items += [part, Tick(at_ms=int(part.received_ms[-1]))]
        if k == 4:
            items.append(Switch(layer="town", version=moved.hash, at_ms=int(part.received_ms[-1])))
        if k == 6:
            items.append(Consent(device="phone-1", given=False, at_ms=int(part.received_ms[-1])))
    told = whole(items, given)
    assert len(told) > 30
    for device in ("phone-0", "phone-1", "phone-2"):
        assert explained(items, given, device) == [one for one in told if one[2] == device]


def test_each_ping_has_its_outcome_its_region_and_its_evidence() -> None:
    steps = steps_of(*HOME, *ACROSS)
    assert [step.outcome for step in steps][:4] == ["confirmed", "quiet", "quiet", "quiet"]
    assert [one.region.id for step in steps for one in step.located if one.region] == ["a"] * 4 + ["b"] * 3
    assert steps[1].located[0].margin_m == pytest.approx(4 * 10 * 1.8 / 1.5096, rel=0.01)
    crossing = next(step for step in steps[4:] if step.told)
    assert crossing.beliefs[0].crossed
    assert crossing.beliefs[0].score >= crossing.beliefs[0].needed
    assert crossing.told[0].evidence is not None
    assert crossing.beliefs[0].score == crossing.told[0].evidence.score


def test_what_the_pings_add_comes_to_the_evidence_and_stays_below_what_is_needed_until_a_crossing() -> None:
    rule = Rule(evidence_to_cross=20.0, evidence_when_still=20.0)
    steps = steps_of(*HOME, *((240.0 + 10 * k, 30.0 + 3 * k, 30.0) for k in range(20)), rule=rule)[1:]
    pending = [step for step in steps if step.outcome == "pending"]
    assert len(pending) > 10
    so_far = 0.0
    for step in steps:
        (belief,) = step.beliefs
        so_far += belief.added
        assert belief.score == pytest.approx(so_far, abs=0.02)
        assert belief.score < belief.needed == 20.0
    assert f"{pending[-1].beliefs[0].score:.2f} of 20.0 needed" in pending[-1].why


def test_a_crossing_says_its_witnesses_their_time_and_the_speed() -> None:
    rule = Rule(evidence_to_cross=6.0, evidence_when_still=6.0)
    steps = steps_of(*HOME, (218.0, 300.0, 10.0), (256.0, 1200.0, 10.0), rule=rule)
    assert [step.outcome for step in steps][-2:] == ["pending", "confirmed"]
    assert steps[-1].why.startswith("A to B: two deep witnesses 38 s apart, implied speed 21 m/s")


@pytest.mark.parametrize(
    ("row", "outcome", "says"),
    [
        ((170.0, -400.0, 10.0), "late", "Older than a ping before it"),
        ((180.0, -400.0, 10.0), "repeated", "once more"),
        ((190.0, 30_000.0, 10.0), "implausible", "m/s"),
        ((240.0, -400.0, 600.0), "rejected", "ignore_worse_than_m"),
        ((240.0, 1.0, 50.0), "quiet", "nothing pending"),
    ],
)
def test_what_confirmed_nothing_says_why(row: Row, outcome: str, says: str) -> None:
    step = steps_of(*HOME, row, rule=Rule(ignore_worse_than_m=500.0))[-1]
    assert step.outcome == outcome
    assert says in step.why


def test_where_no_region_is_it_says_outside() -> None:
    nowhere = [(60.0 * k, -200_000.0, 10.0) for k in range(3)]
    assert steps_of(*nowhere)[-1].why.startswith("Outside every region, as believed, ")


def test_the_layer_that_is_drawn_is_the_one_where_something_nearly_happened() -> None:
    heard = list(of_device([Pings.of(map(ping, [*HOME, (300.0, 25.0, 15.0)]))], "one"))
    found = explain("one", heard, setting(town("wide", 0.9), town(), town("far", -0.9)), Asked(last_ms=10**9))
    assert found.steps[-3].outcome == "quiet"
    assert {step.layer for step in layer_to_draw(found)} == {"town"}


def test_other_presets_tell_the_same_crossing_sooner_or_later() -> None:
    rows = [*HOME, *((240.0 + 20 * k, 20.0 + 2 * k, 15.0) for k in range(40))]
    heard = list(of_device([Pings.of(map(ping, rows))], "one"))
    found = explain("one", heard, setting(town()), Asked(last_ms=10**9))
    at = {name: [one.confirmed_ms for one in told if one.cause == "moved"] for name, told in found.presets.items()}
    assert at["balanced"] == [one.confirmed_ms for one in found.told if one.cause == "moved"]
    assert at["responsive"][0] < at["balanced"][0]
    assert not at["strict"] or at["balanced"][0] < at["strict"][0]
    assert found.alike == {"town": "balanced"}


def test_presets_follow_a_switch_of_versions() -> None:
    moved = town(east=0.01)
    items: list[Pings | Control] = [Pings.of(map(ping, [*HOME, *ACROSS]))]
    items.append(Switch(layer="town", version=moved.hash, at_ms=START_MS + 400_000))
    heard = list(of_device(items, "one"))
    found = explain("one", heard, setting(town(), moved, in_force=[town()]), Asked(last_ms=10**9))
    assert [one.cause for one in found.told] == ["first_fix", "moved", "boundary"]
    assert [one.cause for one in found.presets["balanced"]] == ["first_fix", "moved", "boundary"]


def test_an_event_is_explained_by_what_led_to_it_and_by_nothing_else() -> None:
    heard = list(of_device([Pings.of(map(ping, [*HOME, *ACROSS, (9000.0, 300.0, 10.0)]))], "one"))
    event = next(one for one in explain("one", heard, setting(town()), Asked(last_ms=10**9)).told if one.origin)
    found = explain("one", heard, setting(town()), Asked(event=event.id))
    assert found.told[-1] == event
    assert found.end_ms == event.confirmed_ms == found.steps[-1].time_ms
    with pytest.raises(NotRetained, match="does not come of what is retained"):
        explain("one", heard, setting(town()), Asked(event="0" * 32))


def test_a_device_without_pings_is_not_retained() -> None:
    heard = list(of_device([Pings.of([ping(HOME[0], "other")])], "one"))
    with pytest.raises(NotRetained, match="no ping of device 'one'"):
        explain("one", heard, setting(town()), Asked())
    heard = list(of_device([Pings.of([ping(HOME[0])])], "one"))
    with pytest.raises(NotRetained, match="no layer was in force when the pings of device 'one' came"):
        explain("one", heard, setting(town(), in_force=()), Asked())


def test_looking_changes_nothing() -> None:
    given, pings = setting(*LAYERS), Pings.of(wandering(3, 1, received=False))
    looked, other = given.fence(), given.fence()
    for row in range(len(pings)):
        looked.standing("phone-0")
        looked.observe(pings.slice(row, row + 1))
        other.observe(pings.slice(row, row + 1))
    assert list(looked.tracks()) == list(other.tracks())
