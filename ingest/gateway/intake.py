"""Pings from outside become records of the log: judged, bound to who sent them, put in order, appended.

The one way in for `/v1/pings` and for every app's own form. Invariants: what is acknowledged is in the log; what is
refused has a reason and costs the others nothing; of one device the older ping is always appended first.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress
from math import ceil
from operator import attrgetter
from typing import Any

import msgspec

from geofence.control import Consent
from geofence.fault import Fault, fault_of
from geofence.misfit import misfit_of
from geofence.report import NO_CONSENT
from geofence.wire import PingRecord, Unread, columns_of, decode_records, encode_records
from ingest.control import record_of
from ingest.gateway.consents import Consents
from ingest.gateway.flights import Flights
from ingest.gateway.refusals import Refusals
from ingest.gateway.settings import GatewaySettings
from ingest.tracing import headers_of
from stream.port import Record
from web.caller import Caller
from web.limits import Buckets
from web.problem import come_again
from web.request_id import chosen

_device_of, _time_of = attrgetter("device"), attrgetter("time_ms")
_NOT_YOURS = Fault(0, "device_not_yours", "device", "the device that the key is for", "Use this device's own key.")
_NO_CONSENT = Fault(0, NO_CONSENT, "device", "devices that have given consent", "Record its consent first.")


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """A ping that was not taken: its place in the request, and why. `value` as a person reads it."""

    index: int
    field: str
    value: Any
    reason: str
    allowed: str


@dataclass(slots=True)
class Sent:
    """Pings as a client has sent them, decoded; and what could not be."""

    records: list[PingRecord]
    index: list[int]  # of each in the request
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request: how many pings are in the log, and which are not."""

    accepted: int
    refused: list[Refused]


@dataclass(slots=True)
class _Judged:
    """What is to become of a request: pings and consents to append, and what is refused, each with its device."""

    kept: list[PingRecord]
    consents: list[Consent]
    refused: list[tuple[str, Refused]]


class Intake:
    """Takes pings in."""

    def __init__(
        self,
        flights: Flights,
        consents: Consents,
        refusals: Refusals,
        settings: GatewaySettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._flights, self._consents, self.refusals = flights, consents, refusals
        self._settings, self._now_ms = settings, now_ms
        self.received = self.accepted = self.put_off = 0  # pings; what was received and is none of these was refused
        self._old = Fault(
            0, "time_old", "time_ms", f"at most {settings.max_age_s:g} s before it is received", "Send pings sooner."
        )
        clock = asyncio.get_running_loop().time
        self._keys = Buckets(settings.key_rate, settings.key_burst, clock)
        self._devices = Buckets(settings.device_rate, settings.device_burst, clock)

    async def take(self, sent: Sent, caller: Caller) -> Taken:
        """Append all that can be used. Raises Problem: come again, as the log or somebody's share is full."""
        now_ms, many = self._now_ms(), len(sent.records) + len(sent.refused)
        self.received += many
        try:
            judged = self._judge(sent, caller, now_ms)
            with self._sharing(caller, len(sent.records), judged.kept):
                await self._append(judged, now_ms)
        except BaseException:
            self.put_off += many
            raise
        self.accepted += len(judged.kept)
        for device, one in judged.refused:
            self.refusals.note(device, caller, now_ms, one.reason, one.field, one.allowed)
        return Taken(len(judged.kept), sorted((one for _, one in judged.refused), key=lambda one: one.index))

    def refuse(self, unfit: Sequence[tuple[str, Refused]], caller: Caller) -> None:
        """Pings that could not even be read, each with its device."""
        self.received += len(unfit)
        for device, one in unfit:
            self.refusals.note(device, caller, self._now_ms(), one.reason, one.field, one.allowed)

    def _judge(self, sent: Sent, caller: Caller, now_ms: int) -> _Judged:
        """Which pings can be used, older ones first; the others with why not."""
        records, judged = sent.records, _Judged([], [], [("", one) for one in sent.refused])
        _bind(records, caller, now_ms)
        columns = columns_of(records)
        codes, oldest_ms = columns.faults(), now_ms - self._settings.max_age_s * 1000
        old = columns.time_ms < oldest_ms
        bad = (codes != 0) | old
        faults: dict[str, Fault | None] = {}
        for device in dict.fromkeys(map(_device_of, compress(records, ~bad) if bad.any() else records)):
            faults[device] = self._may(device, caller, now_ms, judged.consents)
        if not bad.any() and not any(faults.values()):
            judged.kept = sorted(records, key=_time_of)
            return judged
        for row, (code, record) in enumerate(zip(codes.tolist(), records, strict=True)):
            fault = fault_of(code) if code else self._old if old[row] else faults[record.device]
            if fault is None:
                judged.kept.append(record)
            else:
                value = columns.value(row, fault.field)
                refused = Refused(sent.index[row], fault.field, value, fault.reason, fault.allowed)
                judged.refused.append((record.device, refused))
        judged.kept.sort(key=_time_of)
        return judged

    @contextmanager
    def _sharing(self, caller: Caller, many: int, kept: list[PingRecord]) -> Iterator[None]:
        """Take from the shares of the caller and of each device; given back where nothing comes of it.

        Raises Problem if somebody sends too much: all of the request comes again, nothing is lost.
        """
        of_key: Mapping[str, float] = {caller.name: many} if many else {}
        shares = [(self._keys, of_key), (self._devices, Counter(map(_device_of, kept)))]
        taken: list[tuple[Buckets, Mapping[str, float]]] = []
        try:
            for buckets, wants in shares:
                wait_s, who = buckets.take_all(wants)
                if wait_s:
                    raise come_again(f"Too much from {who!r}.", after_s=max(1, ceil(wait_s)), status=429)
                taken.append((buckets, wants))
            yield
        except BaseException:
            for buckets, wants in taken:
                buckets.give_back(wants)
            raise

    def _may(self, device: str, caller: Caller, now_ms: int, consents: list[Consent]) -> Fault | None:
        """Why pings of this device can't be taken from this caller, if they can't."""
        if not caller.speaks_for(device):
            return _NOT_YOURS
        if self._consents.given(device):
            return None
        if self._settings.consent_by_first_ping and caller.grants_consent and self._consents.unsaid(device):
            consents.append(Consent(device=device, given=True, at_ms=now_ms))
            return None
        return _NO_CONSENT

    async def _append(self, judged: _Judged, now_ms: int) -> None:
        """Append, and wait until it is safe. Raises Problem where the log can't take it now."""
        if judged.kept:
            values = encode_records(judged.kept, now_ms)
            records = [record_of(consent) for consent in judged.consents]
            headers = headers_of(chosen())
            records += [
                Record(ping.device.encode(), value, headers, now_ms)
                for ping, value in zip(judged.kept, values, strict=True)
            ]
            with self._consents.on_their_way(judged.consents):
                await self._flights.append(records)


def decoded(raws: Sequence[bytes | msgspec.Raw]) -> Sent:
    """Documented pings, as they are in `docs/input.md`."""
    records, rows, unread = decode_records(raws)
    return Sent(records, rows.tolist(), [_unreadable(raws[one.row], one) for one in unread])


def _unreadable(raw: bytes | msgspec.Raw, unread: Unread) -> Refused:
    misfit = misfit_of(raw) if unread.reason == "malformed" else None
    if misfit is None:
        return Refused(unread.row, "", None, unread.reason, unread.message)
    return Refused(unread.row, misfit.field, misfit.value, unread.reason, misfit.allowed)


def _bind(records: list[PingRecord], caller: Caller, now_ms: int) -> None:
    """Fill in what the key says, and when they were received."""
    device, user = caller.device or "", caller.user
    for record in records:
        record.device = record.device or device
        record.user = user or record.user
        record.received_ms = now_ms
