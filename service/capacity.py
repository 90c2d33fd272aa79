"""How much is needed for so many devices: a model in few formulas, fed by what the benchmarks found.

Used by `geofence capacity`; `docs/capacity.md` explains it. Invariants: every constant is a measurement, or stands
under "assumed"; nothing here looks at a running service.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

# Measured (docs/speed.md, docs/capacity.md): microseconds of one core, bytes.
WORKER_US = {"embedded": 6.2, "kafka": 5.4}  # a ping, one layer, log and commit included
REQUEST_US = {"embedded": 231.0, "kafka": 176.0}  # a request of a gateway, beside its pings
GATEWAY_US = {"embedded": 7.4, "kafka": 6.9}  # a ping in it
FOLLOWED_US = 2.7  # a row of tracks or presence, in every gateway
DELIVERY_US = 2_000.0  # of a webhook
RESTORED_S = 1 / 88_000  # a device, with two stale rows behind its newest, one layer
PING_BYTES = {"embedded": 147, "kafka": 196}  # on disk; on Kafka one by one: in batches of hundreds 33
ROW_BYTES = {"embedded": 343, "kafka": 73}  # of tracks, one layer; on Kafka in a worker's batches, compressed
PRESENCE_BYTES, EVENT_BYTES = 271, 796
STATE_BYTES, STATE_LAYER_BYTES = 104, 256  # of a device in a worker, and for each layer
VIEW_BYTES, KEY_BYTES = 1_765, 890  # of a device in each gateway; of a key of its own
ENROLLED_BYTES = 600  # of a device with its key in the catalog

# Assumed.
BUSY = 0.5  # share of a core that is planned for at the peak
LAYER_US, LAYER_ROW, LAYER_VIEW_BYTES = 2.0, 0.9, 400  # for each further layer; rows: share of the first
PROCESS_BYTES = 350e6  # of a role without devices, compiled layers included
COPIES = {"embedded": 1, "kafka": 3}
CELL_DEVICES, EMBEDDED_DEVICES = 1_000_000, 100_000  # no set of topics with more devices was ever measured
LEAST_PARTITIONS, PARTITIONS_A_WORKER = 16, 4
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Load:
    """What comes: how many devices, and what they do."""

    devices: int
    every_s: float = 30.0  # between two pings of a device that moves
    resting_s: float = 600.0  # and of one that rests
    moving: float = 0.1  # share of the devices that move, over a day
    peak: float = 3.0  # the busiest hour beside that
    request_pings: float = 1.0
    layers: int = 2
    events: float = 4.0  # of a device and a day, each delivered to one webhook

    @property
    def pings(self) -> float:
        """Pings a second, over a day."""
        return self.devices * (self.moving / self.every_s + (1 - self.moving) / self.resting_s)


@dataclass(frozen=True, slots=True)
class Need:
    """What to run. Figures of a cell: one log with its topics, workers and gateways."""

    engine: str
    cells: int
    devices: int
    pings: float  # a second, at the peak
    partitions: int
    workers: int
    gateways: int
    webhooks: int
    worker_cores: float  # used by all together at the peak
    gateway_cores: float
    webhook_cores: float
    worker_bytes: float  # of each, one other being down
    gateway_bytes: float
    restore_s: float  # until a worker that starts has its share
    log_bytes: float  # on all disks
    log_bytes_a_day: float  # written, before copies and compaction
    catalog_bytes: float

    @property
    def processes(self) -> int:
        """In a cell; `geofence run` is all of them in one."""
        return 1 if self.engine == "embedded" else self.workers + self.gateways + self.webhooks

    @property
    def memory_bytes(self) -> float:
        """Of all processes of a cell."""
        state = self.workers * (self.worker_bytes - PROCESS_BYTES)
        return self.processes * PROCESS_BYTES + state + self.gateways * (self.gateway_bytes - PROCESS_BYTES)


def need(load: Load) -> Need:
    """What a load needs, by the model."""
    engine = "embedded" if load.devices <= EMBEDDED_DEVICES else "kafka"
    cells = ceil(load.devices / CELL_DEVICES)
    devices, pings = ceil(load.devices / cells), load.pings / cells
    peak, further = load.peak * pings, load.layers - 1
    worker_us = WORKER_US[engine] + further * LAYER_US
    own_us = GATEWAY_US[engine] + REQUEST_US[engine] / load.request_pings
    followed = peak * FOLLOWED_US / 1e6
    least = 1 if engine == "embedded" else 2
    workers = max(least, ceil(peak * worker_us / 1e6 / BUSY))
    gateways = max(least, ceil(peak * own_us / 1e6 / max(0.05, BUSY - followed)))
    partitions = 4 if engine == "embedded" else max(LEAST_PARTITIONS, _power_of_two(PARTITIONS_A_WORKER * workers))
    row, written, kept = ROW_BYTES[engine] * (1 + further * LAYER_ROW), pings * DAY_S, max(1, workers - 1)
    events = devices * load.events * EVENT_BYTES
    state = devices / kept * (STATE_BYTES + load.layers * STATE_LAYER_BYTES)
    delivering = load.peak * devices * load.events / DAY_S * DELIVERY_US / 1e6
    view = devices * (VIEW_BYTES + KEY_BYTES + further * LAYER_VIEW_BYTES)
    logged = written * PING_BYTES[engine] + 2 * devices * (row + PRESENCE_BYTES) + peak * 3600 * row + 7 * events
    return Need(
        engine=engine, cells=cells, devices=devices, pings=peak, partitions=partitions, workers=workers,
        gateways=gateways, webhooks=max(least, ceil(delivering / BUSY)), worker_cores=peak * worker_us / 1e6,
        gateway_cores=peak * own_us / 1e6 + gateways * followed,
        webhook_cores=delivering,
        worker_bytes=PROCESS_BYTES + state, gateway_bytes=PROCESS_BYTES + view,
        restore_s=devices / workers * RESTORED_S * (1 + further * LAYER_ROW),
        log_bytes=COPIES[engine] * logged, log_bytes_a_day=written * (PING_BYTES[engine] + row) + events,
        catalog_bytes=devices * ENROLLED_BYTES + 100e6,
    )  # fmt: skip


def _power_of_two(least: int) -> int:
    return 1 << max(0, least - 1).bit_length()
