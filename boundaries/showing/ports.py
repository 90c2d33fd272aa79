"""What the admins' endpoints ask for, as they ask for it.

The top of this package. Invariant: no device is named but in the part of a dry run that has examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from boundaries.api.ports import Form, Ports, Stakes, Workshop
from boundaries.showing.pictures import Pictures
from boundaries.trial.outcome import Trial, without_devices
from catalog.version import Version


@dataclass(frozen=True, slots=True)
class _Reports:
    pictures: Pictures

    async def told(self, version: Version, form: Form) -> bytes:
        return await self.pictures.report(version, form)


@dataclass(frozen=True, slots=True)
class _Differences:
    pictures: Pictures

    async def told(self, old: Version, new: Version, form: Form) -> bytes:
        return await self.pictures.difference(old, new, form)


class DryRunResults:
    """Reads the results of dry runs, which are `Trial`s as JSON."""

    def stakes(self, result: Mapping[str, Any]) -> Stakes:
        """How many devices get another region at once; all of them where that was not tried out."""
        found = msgspec.convert(result, Trial).at_once
        return Stakes(0, 0) if found is None else Stakes(found.affected, found.devices)

    def without_devices(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same without the examples."""
        told: Mapping[str, Any] = msgspec.to_builtins(without_devices(msgspec.convert(result, Trial)))
        return told


def ports_of(pictures: Pictures, workshop: Workshop) -> Ports:
    """All that the endpoints ask for."""
    return Ports(_Reports(pictures), pictures, _Differences(pictures), pictures, DryRunResults(), workshop)
