"""Making versions: from a file, from another version, or of the same file read in another way; each is then checked.

Under `versions`. Invariants: a version that was made has a job that checks it; what an admin did not say is as it is in
the version that this one is made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import Request
from msgspec import UNSET

from boundaries.api.asked_for import number_of
from boundaries.api.forms_in import NewVersion, Recheck
from boundaries.api.ports import Workshop
from boundaries.api.uploads import Uploads
from boundaries.api.version_settings import is_on, metres_in, rule_in, seconds_in, settings_of
from catalog import Catalog
from catalog.job import Job
from catalog.layer import Layer
from catalog.names import check_name
from catalog.version import Settings, Version
from web.asking import asked, catalog_problems
from web.problem import Problem

CHECK = "check"  # the kind of job
READING = ("inner", "crs", "encoding", "id", "name")  # how a file is read
SETTING = ("rule", "dwell_s", "nearest_within_m")
QUERY = frozenset(("file", "base", "fix", "comment", *READING, *SETTING))


class Making:
    """Makes versions, and has them checked."""

    def __init__(self, catalog: Catalog, uploads: Uploads, workshop: Workshop) -> None:
        self._catalog, self._uploads, self._workshop = catalog, uploads, workshop

    async def from_file(self, layer_name: str, request: Request, *, by: str, now_ms: int) -> tuple[Version, Job]:
        """A version of the body of a request, which says in its query how it is to be read. Raises Problem."""
        layer, said = await asked(self._catalog.layers.get, layer_name), _query(request)
        base = await self._base(layer, said.get("base"))
        settings = settings_of(
            layer, None if base is None else base.settings, rule=rule_in(said.get("rule")),
            dwell_s=seconds_in(said.get("dwell_s"), "dwell_s"),
            nearest_within_m=metres_in(said.get("nearest_within_m"), "nearest_within_m"),
        )  # fmt: skip
        options: dict[str, Any] = {name: said.get(name) for name in READING}
        options |= {"fix": is_on(said.get("fix"), "fix"), "said": sorted(set(SETTING) & said.keys())}
        with catalog_problems():
            check_name("file", said["file"])
        upload = await self._uploads.take(request, said["file"], now_ms)
        its = {"base": None if base is None else base.number, "comment": said.get("comment", ""), "upload": upload}
        return await self._make(layer_name, settings, options, its, by=by, now_ms=now_ms)

    async def from_version(self, layer_name: str, new: NewVersion, *, by: str, now_ms: int) -> tuple[Version, Job]:
        """A version of the regions of another one. Raises Problem."""
        layer = await asked(self._catalog.layers.get, layer_name)
        base = await asked(self._catalog.versions.get, layer_name, new.base)
        if base.hash is None:
            raise Problem(409, "Not as it is", f"Version {base.number} has no regions yet: it is {base.state}. Wait.")
        settings = settings_of(layer, base.settings, **_settings_in(new))
        options = {"without": sorted(set(new.without)), "retire": new.retire, "said": _said(new)}
        its = {"base": new.base, "comment": new.comment}
        return await self._make(layer_name, settings, options, its, by=by, now_ms=now_ms)

    async def again(self, version: Version, said: Recheck, *, by: str, now_ms: int) -> tuple[Version, Job]:
        """The same version, read and checked once more. Raises Problem."""
        layer = await asked(self._catalog.layers.get, version.layer)
        given = msgspec.structs.asdict(said)
        reading = {name: given[name] for name in (*READING, "fix") if given[name] is not UNSET}
        if reading and version.upload is None:
            detail = f"Version {version.number} was made from no file, so {min(reading)} says nothing. Leave it out."
            raise Problem(422, "No file", detail)
        options = {**version.options, **reading}
        options["said"] = sorted({*version.options.get("said", ()), *_said(said)})
        settings = settings_of(layer, version.settings, **_settings_in(said))
        found = await asked(
            self._catalog.versions.change, version.layer, version.number, settings=settings, options=options,
            revision=version.revision, by=by, now_ms=now_ms,
        )  # fmt: skip
        return found, await self._have_checked(found, by=by, now_ms=now_ms)

    async def _base(self, layer: Layer, number: str | None) -> Version | None:
        """The version that a file follows: the published one unless said. Raises Problem."""
        if number is not None:
            return await asked(self._catalog.versions.get, layer.name, number_of(number, "base"))
        newest = (await asked(self._catalog.publications.newest_sent)).get(layer.name)
        return None if newest is None else await asked(self._catalog.versions.get, layer.name, newest.version)

    async def _make(
        self,
        layer: str,
        settings: Settings,
        options: Mapping[str, Any],
        its: Mapping[str, Any],
        *,
        by: str,
        now_ms: int,
    ) -> tuple[Version, Job]:
        create = self._catalog.versions.create
        made = await asked(create, layer, settings=settings, options=options, **its, by=by, now_ms=now_ms)
        return made, await self._have_checked(made, by=by, now_ms=now_ms)

    async def _have_checked(self, made: Version, *, by: str, now_ms: int) -> Job:
        create = self._catalog.jobs.create
        job = await asked(create, CHECK, layer=made.layer, version=made.number, asked={}, by=by, now_ms=now_ms)
        self._workshop.wake()
        return job


def _query(request: Request) -> dict[str, str]:
    """What a query says of a file. Raises Problem."""
    said = dict(request.query_params)
    unknown = sorted(said.keys() - QUERY)
    if unknown:
        allowed = ", ".join(sorted(QUERY))
        raise Problem(400, "Not known", f"The query has {unknown[0][:40]!r}; allowed: {allowed}.")
    return said


def _said(given: NewVersion | Recheck) -> list[str]:
    """Which settings were given."""
    return [name for name in SETTING if getattr(given, name) is not UNSET]


def _settings_in(given: NewVersion | Recheck) -> dict[str, Any]:
    return {name: getattr(given, name) for name in SETTING}
