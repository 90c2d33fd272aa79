"""Control records: what a partition is told besides pings, each taking effect where it stands in the log.

Consents, erasures, ticks and version switches come in like pings, so that the input alone determines every
event. Invariant: `at_ms` is the record's append time, the partition's clock, never a device's.
"""

from __future__ import annotations

import msgspec

from geofence.fault import DEVICE_BYTES, TIME_END_MS, is_control


class Consent(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="consent"):
    """The device's owner allows its pings to be used, or withdraws that."""

    device: str
    given: bool
    at_ms: int


class Erase(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="erase"):
    """Forget all that is known of a device."""

    device: str
    at_ms: int


class Tick(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="tick"):
    """Time has passed: what silent devices are due happens now."""

    at_ms: int


class Switch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="version"):
    """From here on this version of the layer, named by its hash, is in force.

    `number` counts the publications of a layer: one that has been obeyed, or is older, changes nothing. 0 always does.
    """

    layer: str
    version: str
    at_ms: int
    number: int = 0


Control = Consent | Erase | Tick | Switch


class InvalidControl(ValueError):
    """A control record that can never be used. Says field, value, what is allowed and what to do."""


def check(control: Control) -> None:
    """Raise InvalidControl if this record can never be used."""
    if not 0 <= control.at_ms < TIME_END_MS:
        raise InvalidControl(
            f"at_ms is {control.at_ms}; allowed: 1970-01-01 to 2099-12-31, in Unix milliseconds. Check the unit."
        )
    if isinstance(control, Switch) and not 0 <= control.number < 2**53:
        raise InvalidControl(f"number is {control.number}; allowed: 0 to 2^53 - 1. Leave it out where none is counted.")
    for field in ("device", "layer", "version"):
        text = getattr(control, field, None)
        if text is not None:
            check_name(field, text)


def check_name(field: str, text: str) -> None:
    """Raise InvalidControl if no ping, layer or version can have this name."""
    if any(map(is_control, text)):
        raise InvalidControl(f"{field} is {text[:40]!r}; allowed: text without control characters, as in a ping.")
    if not 0 < len(text.encode("utf-8", "surrogatepass")) <= DEVICE_BYTES:
        raise InvalidControl(
            f"{field} is {text[:40]!r} ({len(text)} characters); allowed: 1 to {DEVICE_BYTES} bytes. "
            "Send the id that the pings or the catalog have."
        )
