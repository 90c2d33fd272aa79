"""Real Kafka brokers for tests: formatted, started, killed, paused and stopped, on free ports of 127.0.0.1.

Their jars come by `make broker` from Maven into a cache outside the project. Every process here is ended by its own id,
also when the tests are interrupted (a finalizer) or killed (the parent's death is a signal to it).
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID

JARS = Path(os.environ.get("GEOFENCE_CACHE", Path.home() / ".cache" / "geofence")) / "kafka"
LIGHT = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
CLUSTER_ID = "Z2VvZmVuY2UtdGVzdHMtMQ"

_SETTINGS = """
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{quorum}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
controller.listener.names=CONTROLLER
log.dirs={folder}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.num.partitions=4
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
log.cleaner.dedupe.buffer.size=16777216
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.backoff.ms=500
log.initial.task.delay.ms=1000
"""
_SASL = """
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_{user}="{password}";
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tls.ssl.keystore.type=PKCS12
listener.name.tls.ssl.keystore.location={folder}/server.p12
listener.name.tls.ssl.keystore.password={password}
listener.name.tls.ssl.key.password={password}
"""
_QUIET = """
status=ERROR
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
"""
USER, PASSWORD = "geofence", "a-secret"


class Broker:
    """One broker's process. It has at most one at a time; its data outlive it until the folder is removed."""

    def __init__(self, node: int, folder: Path, ports: dict[int, tuple[int, ...]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.node, self.folder = node, folder
        self.port, self.quorum_port, self.sasl_port, self.tls_port = ports[node]
        self.address = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        copies = len(ports)
        settings = _SETTINGS.format(
            node=node,
            voters=",".join(f"{other}@127.0.0.1:{quorum}" for other, (_, quorum, *_) in ports.items()),
            port=self.port,
            quorum=self.quorum_port,
            folder=folder,
            copies=copies,
            in_sync=max(1, copies - 1),
            sasl=self.sasl_port,
            tls=self.tls_port,
        )
        (folder / "server.properties").write_text(settings + _SASL.format(user=USER, password=PASSWORD, folder=folder))
        (folder / "log4j2.properties").write_text(_QUIET)

    def format(self) -> None:
        """Make its data folder, empty but for the users it lets in; what formatting makes is kept beside the jars."""
        (self.folder / "server.p12").write_bytes(_certificate()[0])
        (self.folder / "server.pem").write_bytes(_certificate()[1])
        kept = JARS / f"formatted-{self.node}-{_jars().stat().st_mtime_ns}"
        if not kept.is_dir():
            self._format()
            made = Path(tempfile.mkdtemp(dir=JARS))
            shutil.copytree(self.folder / "data", made, dirs_exist_ok=True)
            with suppress(OSError):  # somebody else was quicker
                made.rename(kept)
            shutil.rmtree(made, ignore_errors=True)
        shutil.copytree(kept, self.folder / "data", dirs_exist_ok=True)

    def _format(self) -> None:
        """The data folder, by the broker's own tool."""
        scrams = [
            part
            for bits in (256, 512)
            for part in ("--add-scram", f"SCRAM-SHA-{bits}=[name={USER},password={PASSWORD},iterations=4096]")
        ]
        where = ("-t", CLUSTER_ID, "-c", str(self.folder / "server.properties"))
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", *where, *scrams), capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"the broker's folder could not be formatted:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start the process; use `Cluster.ready` to wait for it."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*tied(), *self._java("kafka.Kafka", str(self.folder / "server.properties"))],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill -9."""
        self._end(signal.SIGKILL, 10)

    def stop(self, within_s: float = 10) -> None:
        """Stop cleanly; kill it if that takes too long."""
        try:
            self._end(signal.SIGTERM, within_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def pause(self) -> None:
        """Stop its clock, so to speak: it answers nobody until `go_on`. Waits until its last thread stands still."""
        self._signal(signal.SIGSTOP)
        end = time.monotonic() + 5
        while self.runs and self._process and time.monotonic() < end:
            if os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG) is not None:
                return
            time.sleep(0.001)

    def go_on(self) -> None:
        """The end of `pause`."""
        self._signal(signal.SIGCONT)

    def said(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def _signal(self, number: int) -> None:
        if self.runs and self._process:
            self._process.send_signal(number)

    def _end(self, number: int, within_s: float) -> None:
        if self._process:
            self._signal(signal.SIGCONT)
            self._signal(number)
            self._process.wait(within_s)
            self._process = None

    def _java(self, *rest: str) -> list[str]:
        return [
            _java(),
            *LIGHT,
            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
            "-cp",
            f"{_jars()}/*",
            *rest,
        ]


class Cluster:
    """Brokers that know each other; one is enough for most tests."""

    def __init__(self, folder: Path, size: int = 1) -> None:
        free = free_ports(4 * size)
        ports = {node: tuple(free[4 * node - 4 : 4 * node]) for node in range(1, size + 1)}
        self.brokers = [Broker(node, folder / f"broker-{node}", ports) for node in ports]

    @property
    def bootstrap(self) -> str:
        """Where clients find it."""
        return ",".join(broker.address for broker in self.brokers)

    @property
    def sasl_bootstrap(self) -> str:
        """The same, behind a name and a password."""
        return ",".join(f"127.0.0.1:{broker.sasl_port}" for broker in self.brokers)

    @property
    def tls_bootstrap(self) -> str:
        """The same, encrypted; each broker's certificate is `server.pem` in its folder."""
        return ",".join(f"127.0.0.1:{broker.tls_port}" for broker in self.brokers)

    def start(self) -> None:
        """Format and start all of them, and wait until they work."""
        for broker in self.brokers:
            broker.format()
        for broker in self.brokers:
            broker.start()
        self.ready()

    def ready(self, within_s: float = 40) -> None:
        """Wait until a topic can be made, which is more than an open port."""
        end = time.monotonic() + within_s
        while not asyncio.run(_makes_topics(self.bootstrap, len(self.brokers))):
            if time.monotonic() > end or not any(broker.runs for broker in self.brokers):
                raise RuntimeError(f"no broker after {within_s} s:\n" + self.brokers[0].said())
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop all cleanly."""
        for broker in self.brokers:
            broker._signal(signal.SIGTERM)
        for broker in self.brokers:
            broker.stop(within_s=10)


@contextmanager
def running(size: int = 1) -> Iterator[Cluster]:
    """A cluster in a folder of its own; stopped and removed at the end, however it comes."""
    folder = Path(tempfile.mkdtemp(prefix="geofence-kafka-"))
    cluster = Cluster(folder, size)
    atexit.register(cluster.stop)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        atexit.unregister(cluster.stop)
        shutil.rmtree(folder, ignore_errors=True)


async def _makes_topics(bootstrap: str, brokers: int) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        async with asyncio.timeout(5):
            await admin.start()
            if len(admin._client.cluster.brokers()) < brokers:
                return False
            made = await admin.create_topics([NewTopic(f"ready-{time.time_ns()}", 1, brokers)], timeout_ms=2000)
            return bool(made.topic_errors[0][1] == 0)
    except (KafkaError, TimeoutError, OSError, AttributeError):
        return False
    finally:
        with suppress(Exception):
            await admin.close()


@cache
def _certificate() -> tuple[bytes, bytes]:
    """A certificate that is its own authority: as PKCS 12 for brokers, as PEM for clients."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    place = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(place, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    locked = BestAvailableEncryption(PASSWORD.encode())
    return pkcs12.serialize_key_and_certificates(b"b", key, made, None, locked), made.public_bytes(Encoding.PEM)


def _jars() -> Path:
    if not (JARS / "jars").is_dir():
        raise RuntimeError(f"there is no broker in {JARS / 'jars'}; `make broker` fetches it")
    return JARS / "jars"


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if not found:
        raise RuntimeError("the broker for tests needs Java 17 or newer; `make broker` installs it or says how")
    return found


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens at just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def tied() -> list[str]:
    """What makes a process end with this one. Only from the main thread: to the kernel the parent is the thread."""
    if shutil.which("setpriv") and threading.current_thread() is threading.main_thread():
        return ["setpriv", "--pdeathsig", "KILL", "--"]
    return []
