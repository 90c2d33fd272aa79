"""Apache Kafka as a process: settings from the variables that the official image takes, jars from `make broker`.

Under `cluster`. Invariant: a variable `KAFKA_A_B` is the setting `a.b`, as the image has it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.cluster.process import Program

_CACHE = Path(os.environ.get("GEOFENCE_CACHE") or Path.home() / ".cache" / "geofence")
JARS = _CACHE / "kafka" / "jars"
_NO_SETTINGS = ("KAFKA_HEAP_OPTS",)
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")  # it starts in seconds, for a small load
_QUIET = """
status=ERROR
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
"""


def properties(environment: Mapping[str, str]) -> str:
    """The text of `server.properties`."""
    its = {name: value for name, value in environment.items() if name.startswith("KAFKA_") and name not in _NO_SETTINGS}
    lines = [f"{name.removeprefix('KAFKA_').lower().replace('_', '.')}={value}" for name, value in its.items()]
    return "\n".join(lines) + "\n"


def prepare(environment: Mapping[str, str], folder: Path) -> Program:
    """Write its settings, make its data folder if there is none yet, and say what is to be run."""
    file, quiet = folder / "server.properties", folder / "log4j2.properties"
    file.write_text(properties(environment))
    quiet.write_text(_QUIET)
    data = Path(environment["KAFKA_LOG_DIRS"])
    java = [_java(), *environment.get("KAFKA_HEAP_OPTS", "").split(), *_JVM, f"-Dlog4j2.configurationFile={quiet}",
            "-cp", f"{_jars()}/*"]  # fmt: skip
    if not (data / "meta.properties").exists():
        words = [*java, "kafka.tools.StorageTool", "format", "-t", environment["CLUSTER_ID"], "-c", str(file)]
        done = subprocess.run(words, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            raise RuntimeError(f"kafka: {data} could not be formatted:\n{done.stdout}{done.stderr}")
    return Program([*java, "kafka.Kafka", str(file)], dict(os.environ), folder)


def _jars() -> Path:
    if not JARS.is_dir():
        raise RuntimeError(f"there is no broker in {JARS}; `make broker` fetches it")
    return JARS


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if not found:
        raise RuntimeError("Kafka needs Java 17 or newer; `make broker` installs it or says how")
    return found
