"""What can be set of a gateway, read once by whoever starts it.

Invariant: a bad value stops the start, with its name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from web.body import BodyLimits


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """All of a gateway's settings."""

    # Whether pings count without a consent record before them: "assumed" or "required"; the worker's own setting.
    consent: str = "assumed"
    # Whether the first ping of a key that grants consent records the consent of its device.
    consent_by_first_ping: bool = False
    # Seconds after which a ping is too old to be taken.
    max_age_s: float = 7 * 86_400.0
    # Bytes of a request's body as it is sent.
    body_bytes: int = 5_000_000
    # Bytes of a request's body once it is decompressed.
    plain_bytes: int = 50_000_000
    # Bytes of the bodies of all requests that are being read or answered; beyond, who sends is told to come again.
    bodies_bytes: int = 256_000_000
    # Pings in a request.
    request_pings: int = 10_000
    # Seconds within which a request's headers have to come, from the connection or from their first byte on.
    head_s: float = 10.0
    # Bytes of a request's line and headers.
    head_bytes: int = 32_768
    # Seconds for which a connection may be idle between two requests.
    idle_s: float = 10.0
    # Connections that are open at once; beyond, who comes is told to come again.
    connections: int = 12_000
    # Seconds within which a request's body has to come.
    body_s: float = 20.0
    # Bytes of pings that may wait for the log; beyond, requests are told to come again.
    waiting_bytes: int = 32_000_000
    # Seconds that a request waits for the log before it is told to come again.
    append_s: float = 10.0
    # Pings a second that a key may send on average.
    key_rate: float = 10_000.0
    # Pings that a key may send at once.
    key_burst: float = 100_000.0
    # Pings a second that a device may send on average.
    device_rate: float = 20.0
    # Pings that a device may send at once: what a phone has kept while it was offline.
    device_burst: float = 20_000.0
    # Wrong credentials a minute from one address before it has to wait.
    failures_a_minute: float = 30.0
    # Seconds between two looks at which keys have changed.
    keys_s: float = 1.0
    # Seconds between two looks at which keys sign tokens.
    jwks_s: float = 300.0
    # Seconds without an answer of the log or of the catalog after which the gateway is not ready.
    ready_s: float = 15.0
    # Devices whose last refusals are remembered.
    refusal_devices: int = 10_000
    # Seconds between two signs of life on a stream where nothing happens.
    heartbeat_s: float = 15.0
    # Seconds for which a reader of a stream may take nothing before it is cut off.
    write_s: float = 30.0
    # Bytes of the newest events, and again of the newest positions, that are kept for all readers of streams together.
    kept_bytes: int = 16_000_000
    # Seconds back from the start of which events are read for them.
    kept_s: float = 60.0
    # Readings of the log for single readers that run at once.
    readings: int = 8
    # Streams that are open at once.
    streams: int = 10_000
    # Explanations that are made at once; beyond, who asks is told to come again.
    explanations: int = 1
    # Seconds that an explanation may take.
    explain_s: float = 60.0
    # Records of a partition that an explanation reads: the newest, or those around what is asked for.
    explain_records: int = 1_000_000
    # Pings of a device, with the control records between them, that an explanation replays: the newest.
    explain_pings: int = 20_000
    # Bytes of memory that the process of an explanation may have beside mapped files.
    explain_memory_bytes: int = 2_000_000_000
    # Whether webhooks may be made for private and loopback addresses; the webhooks' own setting.
    private_addresses: bool = False

    def __post_init__(self) -> None:
        """Check every value. Raises ValueError with its name."""
        if self.consent not in ("assumed", "required"):
            raise ValueError(f"consent is {self.consent!r}; allowed: assumed or required")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < 1e12:
                raise ValueError(f"{field.name} is {value!r}; allowed: more than 0")
        for name in ("body_bytes", "plain_bytes"):
            if getattr(self, name) > self.bodies_bytes:
                allowed = f"allowed: up to bodies_bytes, {self.bodies_bytes}. Set that higher too"
                raise ValueError(f"{name} is {getattr(self, name)!r}; {allowed}")

    @property
    def body_limits(self) -> BodyLimits:
        """What one body may take."""
        return BodyLimits(self.body_bytes, self.plain_bytes, self.body_s)
