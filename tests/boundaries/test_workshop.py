"""Jobs and publications are carried on through what goes wrong beside them."""

from __future__ import annotations

import asyncio

import pytest
from office import office, running
from shapely import box

from boundaries import workshop
from boundaries.publishing import Publisher
from boundaries.workshop import Workshop
from catalog import Unreachable, open_catalog, upgrade
from ingest.worker import wall_ms


@pytest.fixture
def url(tmp_path):
    """A catalog that is up to date."""
    upgrade(f"sqlite:{tmp_path}/catalog.db")
    return f"sqlite:{tmp_path}/catalog.db"


async def until(true) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def job_of(its, catalog):
    number = its.draft({"a": box(0, 0, 1, 1)})
    return catalog.jobs.create("try", layer="areas", version=number, asked={}, by="test", now_ms=wall_ms())


def test_a_job_goes_on_while_the_catalog_is_away_for_less_than_its_lease(tmp_path, url, monkeypatch):
    monkeypatch.setattr(workshop, "_SIGN_S", 0.02)
    away = []

    def gone(*_, **__):
        away.append(1)
        raise Unreachable("not now")

    async def story(catalog) -> None:
        async def handler(_job, _progress) -> str:
            while len(away) < 3:
                await asyncio.sleep(0.01)
            return "done"

        async with office(tmp_path, url, catalog) as its:
            job = job_of(its, catalog)
            monkeypatch.setattr(catalog.jobs, "progress", gone)
            async with running(Workshop(catalog, {"try": handler}, "test", wall_ms).run()):
                await until(lambda: not catalog.jobs.get(job.id).is_open)
            assert (catalog.jobs.get(job.id).result, catalog.jobs.get(job.id).attempt) == ("done", 1)

    with open_catalog(url) as catalog:
        asyncio.run(story(catalog))


def test_a_fault_that_nobody_foresaw_ends_neither_jobs_nor_publishing(tmp_path, url, monkeypatch):
    def odd_at_first(ask):
        def asked(*given, **more):
            if not failed:
                failed.append(1)
                raise TypeError("a row of a newer program")
            return ask(*given, **more)

        failed: list[int] = []
        return asked

    async def story(catalog) -> None:
        async def handler(_job, _progress) -> None:
            pass

        async with office(tmp_path, url, catalog) as its:
            job = job_of(its, catalog)
            monkeypatch.setattr(catalog.jobs, "take", odd_at_first(catalog.jobs.take))
            async with running(Workshop(catalog, {"try": handler}, "test", wall_ms).run()):
                await until(lambda: not catalog.jobs.get(job.id).is_open)
            monkeypatch.setattr(catalog.publishing, "take", odd_at_first(catalog.publishing.take))
            planned = catalog.publications.plan("areas", 1, replaces=None, by="test", now_ms=wall_ms())
            async with running(Publisher(catalog, its.order, 2, "test", wall_ms).run()):
                await until(lambda: catalog.publications.get("areas", planned.number).state == "sent")

    with open_catalog(url) as catalog:
        asyncio.run(story(catalog))
