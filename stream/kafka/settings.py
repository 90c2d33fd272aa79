"""Everything that can be set about the connection to Kafka, each with its unit, default and a sentence."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Literal

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """How to reach the brokers, and how long to wait for them. A bad value raises ValueError with its name."""

    bootstrap: str = "127.0.0.1:9092"
    """Brokers to begin with, `host:port`, by commas; the others are found through them."""

    client_id: str = "geofence"
    """The name that the brokers' logs, metrics and quotas know this process by."""

    tls: bool = False
    """Whether connections are encrypted and the brokers' certificates verified."""

    ca_file: str | None = None
    """PEM file of the authorities that may sign the brokers' certificates; the system's own if not set."""

    cert_file: str | None = None
    """PEM file of this client's certificate, if the brokers ask for one."""

    key_file: str | None = None
    """PEM file of the key of `cert_file`, if it is not in there too."""

    sasl: Mechanism | None = None
    """How to log in: PLAIN (which shows the password, but for `tls`), SCRAM-SHA-256, SCRAM-SHA-512; not if not set."""

    username: str | None = None
    """Who logs in."""

    password: str | None = field(default=None, repr=False)
    """The password of `username`."""

    replication: int = 3
    """Copies of each partition of the topics that are created."""

    min_in_sync: int = 2
    """Copies that must have a record before it is acknowledged (`min.insync.replicas`)."""

    request_s: float = 5.0
    """Seconds until a request is given up and tried elsewhere: what a broker that is cut off costs, more than once."""

    append_s: float = 20.0
    """Seconds within which an append is acknowledged, or Unavailable is raised."""

    commit_s: float = 20.0
    """Seconds within which a commit is done, or Unavailable is raised and the partition taken anew."""

    take_s: float = 60.0
    """Seconds to fence off a partition's former owner and read the offset. Not less than `transaction_s`."""

    transaction_s: float = 10.0
    """Seconds after which the brokers abort a transaction that was left open; so long it hides later records."""

    session_s: float = 10.0
    """Seconds without a heartbeat after which a member of a group is taken for dead and its partitions given away."""

    rebalance_s: float = 30.0
    """Seconds that the members of a group have to give up their partitions when these are shared out anew."""

    close_s: float = 3.0
    """Seconds that a producer or consumer has to close; after that its connections are dropped."""

    batch_bytes: int = 512 * 1024
    """Bytes, before compression, of the largest batch that is written at once."""

    record_bytes: int = 12_000_000
    """Bytes of the largest record; the topics' `max.message.bytes` is set to allow it."""

    waiting_bytes: int = 32 * 1024 * 1024
    """Bytes that may wait to be written; appends block beyond."""

    fetch_bytes: int = 1024 * 1024
    """Bytes, compressed, that are fetched ahead of each partition."""

    records_per_producer: int = 1_000_000_000
    """Records after which a producer is replaced, and its partition taken anew: sequence numbers have 31 bits."""

    def __post_init__(self) -> None:
        self._check_access()
        for broker in self.bootstrap.split(","):
            host, colon, port = broker.strip().rpartition(":")
            if not (host if colon else port) or (colon and not (port.isdecimal() and 0 < int(port) < 65_536)):
                raise ValueError(f"{broker!r} is no broker; it must be HOST:PORT, such as 127.0.0.1:9092, by commas")
        for name in ("request_s", "append_s", "commit_s", "transaction_s", "session_s", "rebalance_s", "close_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be more than 0 seconds")
        for name in ("replication", "min_in_sync", "batch_bytes", "record_bytes", "waiting_bytes", "fetch_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.min_in_sync > self.replication:
            raise ValueError(f"min_in_sync is {self.min_in_sync}, more than replication, which is {self.replication}")
        if self.take_s < self.transaction_s:
            raise ValueError(f"take_s is {self.take_s}, less than transaction_s, which is {self.transaction_s}")
        if not 0 < self.records_per_producer < 1 << 31:
            raise ValueError(f"records_per_producer is {self.records_per_producer}; it must be below 2^31")

    def _check_access(self) -> None:
        if self.sasl is not None and self.sasl not in MECHANISMS:
            raise ValueError(f"sasl is {self.sasl!r}; it must be one of {', '.join(MECHANISMS)}, or not set")
        if self.sasl and not (self.username and self.password):
            raise ValueError(f"sasl is {self.sasl}, so username and password must be set")
        if not self.sasl and (self.username or self.password):
            raise ValueError("username or password is set, but sasl is not: set it to one of " + ", ".join(MECHANISMS))
        if not self.tls and (self.ca_file or self.cert_file or self.key_file):
            raise ValueError("ca_file, cert_file or key_file is set, but tls is not")
        if self.key_file and not self.cert_file:
            raise ValueError("key_file is set, but cert_file is not")

    @property
    def answer_s(self) -> float:
        """Seconds within which a question is answered: time for a few brokers to be asked."""
        return 3 * self.request_s

    @property
    def protocol(self) -> str:
        """What Kafka calls `security.protocol`."""
        return ("SASL_" if self.sasl else "") + ("SSL" if self.tls else "PLAINTEXT")

    def client(self) -> dict[str, Any]:
        """What every client of aiokafka is given. Raises OSError if a file can't be read."""
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_s * 1000),
            "security_protocol": self.protocol,
            "ssl_context": self._context() if self.tls else None,
            "sasl_mechanism": self.sasl or "PLAIN",
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context
