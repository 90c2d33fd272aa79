"""An explanation: the account of a device over a span of time, and what other presets would have done.

The top of explaining, pure: an input of pings and control records in, whole accounts out. What a worker decided is
replayed with the very rule and versions; each preset is a replay of its own over the same input. Invariant: the same
input gives the same explanation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from geofence.account import Account
from geofence.atlas import Atlas
from geofence.control import Switch
from geofence.fence import Fence
from geofence.hearing import Heard
from geofence.library import Library
from geofence.past import Past, cut_words
from geofence.ping import Pings
from geofence.region import Version
from geofence.rule import PRESETS, Rule
from geofence.witness import Step, Told

Order = TypeVar("Order", bound=Heard)
AROUND_MS = 30 * 60_000
LAST_MS = 30 * 60_000


class NotRetained(LookupError):
    """What was asked for is not in the input."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How the fence is set: what is in force at the beginning, what a switch may name, and the options of a worker."""

    in_force: Sequence[Version]
    atlases: Mapping[str, Atlas]
    consent: str = "assumed"
    forget_after_s: float = 30 * 86_400.0
    max_age_s: float = 7 * 86_400.0
    keeps_time: bool = False
    source: str = "geofence"
    past: Past = field(default_factory=Past)

    def fence(self) -> Fence:
        """A new fence, which has obeyed what was ordered before; an order for a version that is not at hand is none."""
        fence = Fence(
            self.in_force,
            consent=self.consent,
            forget_after_s=self.forget_after_s,
            max_age_s=self.max_age_s,
            library=Library(atlases=self.atlases),
            keeps_time=self.keeps_time,
        )
        for order in self.past.orders:
            if not isinstance(order, Switch) or order.version in self.atlases:
                fence.apply(order)
        return fence


@dataclass(frozen=True, slots=True)
class Asked:
    """What part of the account: an event, the time around an instant, or the last so long (all None: 30 minutes).

    `presets`: those that it is compared with.
    """

    at_ms: int | None = None
    last_ms: int | None = None
    event: str | None = None
    presets: Sequence[str] = tuple(PRESETS)


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of a device in a span of time.

    `cut_short`: the layers whose track began before what is retained, and when it did; `notes`: what else is not whole.
    """

    device: str
    begin_ms: int
    end_ms: int
    heard_from_ms: int
    steps: tuple[Step, ...]
    presets: dict[str, tuple[Told, ...]]
    alike: dict[str, str]  # of each layer, the preset that its rule is, if it is one
    cut_short: dict[str, int] = {}
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> list[Told]:
        """The events."""
        return [one for step in self.steps for one in step.told]


def explain(device: str, heard: Sequence[Heard], setting: Setting, asked: Asked) -> Explanation:
    """Replay what was heard of a device, and give the part that is asked for. Raises NotRetained."""
    if not any(isinstance(item, Pings) for item in heard):
        raise NotRetained(f"no ping of device {device!r} is retained")
    account = _account(device, setting)
    steps = list(account.steps(heard))
    if not any(step.seen for step in steps):
        raise NotRetained(f"no layer was in force when the pings of device {device!r} came")
    cut_short = setting.past.cut_short(account.born_ms)
    steps = setting.past.as_told(steps, cut_short)
    begin_ms, end_ms = span_of(steps, asked)
    told = {name: _told_under(name, device, heard, setting) for name in asked.presets}
    return Explanation(
        device=device,
        begin_ms=begin_ms,
        end_ms=end_ms,
        heard_from_ms=min(step.time_ms for step in steps if step.seen),
        steps=tuple(step for step in steps if begin_ms <= _end_ms(step) and step.time_ms <= end_ms),
        presets={name: tuple(_between(its, begin_ms, end_ms)) for name, its in told.items()},
        alike=_alike(setting),
        cut_short=cut_short,
        notes=tuple(cut_words(layer, born_ms) for layer, born_ms in cut_short.items()),
    )


def account_of(device: str, heard: Iterable[Heard], setting: Setting) -> list[Step]:
    """The whole account."""
    return list(_account(device, setting).steps(heard))


def _account(device: str, setting: Setting) -> Account:
    return Account(setting.fence(), device, source=setting.source, keeps_time=setting.keeps_time)


def span_of(steps: Sequence[Step], asked: Asked) -> tuple[int, int]:
    """The span of time that is asked for. Raises NotRetained."""
    if asked.event is not None:
        found = next((one for step in steps for one in step.told if one.id == asked.event), None)
        if found is None:
            raise NotRetained(f"event {asked.event} does not come of what is retained")
        return found.occurred_ms - AROUND_MS, found.confirmed_ms
    if asked.at_ms is not None:
        return asked.at_ms - AROUND_MS, asked.at_ms + AROUND_MS
    end_ms = max(step.time_ms for step in steps if step.seen)
    return end_ms - (asked.last_ms or LAST_MS), max(end_ms, *(step.time_ms for step in steps))


def _end_ms(step: Step) -> int:
    return max([step.time_ms, *(one.confirmed_ms for one in step.told)])


def _between(told: Iterable[Told], begin_ms: int, end_ms: int) -> Iterator[Told]:
    return (one for one in told if begin_ms <= one.confirmed_ms <= end_ms)


def _told_under(preset: str, device: str, heard: Sequence[Heard], setting: Setting) -> Iterator[Told]:
    """The events of the device, had all layers this preset."""
    changed, other = _under(preset, heard, setting)
    return _account(device, other).events(changed)


def _under(preset: str, heard: Sequence[Heard], setting: Setting) -> tuple[list[Heard], Setting]:
    """The same input and setting with all layers under a preset: versions have another hash then."""
    rule = Rule.preset(preset)
    changed = {
        key: Atlas(replace(atlas.version, rule=rule), atlas.engine, atlas.arrays())
        for key, atlas in setting.atlases.items()
    }
    atlases = {atlas.version.hash: atlas for atlas in changed.values()}
    in_force = [changed[version.hash].version for version in setting.in_force]

    def renamed(order: Order) -> Order:
        if not isinstance(order, Switch) or order.version not in changed:
            return order
        return msgspec.structs.replace(order, version=changed[order.version].version.hash)

    past = replace(setting.past, orders=tuple(map(renamed, setting.past.orders)))
    return list(map(renamed, heard)), replace(setting, in_force=in_force, atlases=atlases, past=past)


def _alike(setting: Setting) -> dict[str, str]:
    rules = {name: Rule.preset(name) for name in PRESETS}
    versions = [atlas.version for atlas in setting.atlases.values()]
    return {one.layer: name for one in versions for name, rule in rules.items() if one.rule == rule}
