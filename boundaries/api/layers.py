"""`/v1/layers`: layers, what is published of them, and what is in force on which partition.

Between the catalog and whoever has the scopes. Invariant: a layer's settings change only by whom has seen them.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from boundaries.api.etag import etag_of, must_have_seen
from boundaries.api.forms_in import LayerChange, NewLayer
from boundaries.api.forms_out import (
    LayerList,
    LayerState,
    PartitionTold,
    WorkerTold,
    layer_told,
    publication_told,
)
from boundaries.api.scopes import READ, WRITE
from catalog import Catalog
from catalog.fleet import InForce, Worker
from catalog.layer import Layer
from catalog.publication import UNSENT, Publication
from web.access import allow
from web.asking import answer, asked, decoded
from web.body import read_body
from web.caller import Caller
from web.endpoints import Shared
from web.problem import Problem


def layers_router(shared: Shared) -> APIRouter:
    """The endpoints."""
    router, layers = APIRouter(prefix="/v1/layers"), shared.catalog.layers
    read, write = Depends(allow(shared.access, READ)), Depends(allow(shared.access, WRITE))

    @router.post("")
    async def create(request: Request, caller: Caller = write) -> Response:
        new = decoded(await read_body(request, shared.body_limits), NewLayer)
        its = {"tolerance_m": new.tolerance_m, "accuracy_m": new.accuracy_m}
        made = await asked(layers.create, new.name, kind=new.kind, **its, **shared.act(caller))
        headers = {"ETag": etag_of(made.revision), "Location": f"/v1/layers/{made.name}"}
        return answer(layer_told(made, None), 201, headers)

    @router.get("")
    async def list_all(_: Caller = read) -> Response:
        published = await asked(shared.catalog.publications.newest_sent)
        found = await asked(layers.list)
        return answer(LayerList([layer_told(one, published.get(one.name)) for one in found]))

    @router.get("/{layer}")
    async def get(layer: str, _: Caller = read) -> Response:
        found = await asked(layers.get, layer)
        return answer(await asked(_state, shared.catalog, found), headers={"ETag": etag_of(found.revision)})

    @router.patch("/{layer}")
    async def change(layer: str, request: Request, caller: Caller = write) -> Response:
        revision = must_have_seen(request)
        new = decoded(await read_body(request, shared.body_limits), LayerChange)
        its = {"tolerance_m": new.tolerance_m, "accuracy_m": new.accuracy_m}
        if all(value is None for value in its.values()):
            raise Problem(422, "Nothing to change", "The body names nothing; allowed: tolerance_m, accuracy_m or both.")
        found = await asked(layers.change, layer, **its, revision=revision, **shared.act(caller))
        return answer(await asked(_state, shared.catalog, found), headers={"ETag": etag_of(found.revision)})

    return router


def _state(catalog: Catalog, layer: Layer) -> LayerState:
    """All there is to say of a layer now."""
    its = catalog.publications.list(layer.name)
    newest = next((one for one in its if one.sent_ms is not None), None)
    to_come = next((one for one in its if one.state in UNSENT), None)
    of = to_come or newest
    told = layer_told(layer, newest)
    return LayerState(
        told.name, told.kind, told.tolerance_m, told.accuracy_m, told.created_ms, told.published,
        None if to_come is None else publication_told(to_come),
        [_partition(one, its) for one in catalog.fleet.in_force(layer.name)],
        [_worker(one, of) for one in catalog.fleet.workers()],
    )  # fmt: skip


def _partition(its: InForce, publications: list[Publication]) -> PartitionTold:
    version = next((one.version for one in publications if one.number == its.publication), None)
    return PartitionTold(its.partition, its.publication, version, its.hash, its.at_ms, its.worker)


def _worker(its: Worker, of: Publication | None) -> WorkerTold:
    loading = None if of is None else its.versions.get(of.hash)
    state, reason = (None, None) if loading is None else (loading.state, loading.reason)
    return WorkerTold(its.id, its.host, its.pid, its.seen_ms, list(its.partitions), state, reason)
