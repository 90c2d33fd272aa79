"""Documents of layers."""

from __future__ import annotations

from boundaries.api.documents.examples import AT_MS, ETAG, HASH, IF_MATCH, LAYER, LOCATION, SHOWN_LAYER
from boundaries.api.forms_in import LayerChange, NewLayer
from boundaries.api.forms_out import LayerList, LayerState, LayerTold
from boundaries.api.scopes import READ, WRITE
from web.documents.operation import Answer, Content, Operation

_STATE = {
    **SHOWN_LAYER,
    "next": None,
    "in_force": [{"partition": 0, "publication": 2, "version": 4, "hash": HASH, "since_ms": AT_MS, "worker": "w1"}],
    "workers": [{
        "id": "w1", "host": "node-1", "pid": 4711, "seen_ms": AT_MS, "partitions": [0, 1], "state": "ready",
        "reason": None,
    }],
}  # fmt: skip

LAYERS = (
    Operation(
        method="POST", path="/v1/layers", name="createLayer", scope=WRITE, refusals=(409, 422),
        what="Make a layer, without versions",
        takes=(Content(NewLayer, {"name": "counties", "kind": "partition", "tolerance_m": 1.0, "accuracy_m": 20.0}),),
        answer=Answer("Made", (Content(LayerTold, {**SHOWN_LAYER, "published": None}),), 201, (ETAG, LOCATION)),
    ),
    Operation(
        method="GET", path="/v1/layers", name="listLayers", scope=READ, what="All layers",
        answer=Answer("By name", (Content(LayerList, {"layers": [SHOWN_LAYER]}),)),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}", name="getLayer", scope=READ, parameters=(LAYER,), refusals=(404,),
        what="One layer: what is published of it, and what is in force on which partition",
        answer=Answer("As it is", (Content(LayerState, _STATE),), headers=(ETAG,)),
    ),
    Operation(
        method="PATCH", path="/v1/layers/{layer}", name="changeLayer", scope=WRITE, parameters=(LAYER, IF_MATCH),
        what="Another tolerance or accuracy, for the checks to come", refusals=(404, 412, 422, 428),
        takes=(Content(LayerChange, {"tolerance_m": 2.5}),),
        answer=Answer("As it is now", (Content(LayerState, {**_STATE, "tolerance_m": 2.5}),), headers=(ETAG,)),
    ),
)  # fmt: skip
