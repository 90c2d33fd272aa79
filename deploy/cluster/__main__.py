"""`python -m deploy.cluster`: all services until Ctrl-C; who ends unasked is started again. Status 2: it can't start.

What `make cluster` calls. Invariant: whatever was started is ended, in order, before this ends.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from deploy.cluster.cluster import Cluster
from deploy.cluster.welcome import welcome, write_files

_LOOK_S, _UNUSABLE = 0.5, 2


def main() -> int:
    """Start all, tell where they are, and keep them running."""
    asked = argparse.ArgumentParser(prog="python -m deploy.cluster", description=__doc__)
    asked.add_argument("--folder", type=Path, default=Path("var/cluster"), help="where all data are; kept")
    folder = asked.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun, its = time.monotonic(), None
    variables = {"ALLOW_PRIVATE_ADDRESSES": "true", "KAFKA_HEAP_OPTS": "-Xmx512m", **os.environ}
    try:
        its = Cluster(folder, variables, published=True)
        print("starting Kafka, PostgreSQL and all roles ...", flush=True)
        its.start()
        write_files(its)
        print(f"✓ Ready in {time.monotonic() - begun:.0f} s. Ctrl-C stops all; nothing is lost.")
        print("\n".join(welcome(its)), flush=True)
        while True:
            time.sleep(_LOOK_S)
            for name in its.come_back():
                print(f"{name} had ended; it was started again", flush=True)
    except KeyboardInterrupt:
        print("\nstopping ...", flush=True)
    except (RuntimeError, OSError) as error:
        print(f"make cluster: {error}", file=sys.stderr)
        return _UNUSABLE
    finally:
        if its is not None:
            its.stop()
    print("✓ Stopped. `make cluster` goes on where it was.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
