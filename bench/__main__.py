"""`python -m bench [NAME ...]`: run every benchmark, or those named; a table, and JSON lines in bench/results."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.figures import Figure, report

NAMES = (
    "locate", "core", "memory", "rows", "layers", "sizes", "views", "enrolled", "worker", "small_batches",
    "gateway", "boundaries", "boundaries_publishing", "boundaries_tiles", "boundaries_trial", "end_to_end",
)  # fmt: skip


def main(names: list[str]) -> int:
    """Run them; the status is 1 if a budget is missed."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no benchmark is called {unknown[0]!r}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    found: list[Figure] = []
    for name in names or NAMES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found += import_module(f"bench.{name}").figures()
    report(found, "-".join(names) or "all")
    print("python -m bench.quality says how good the rule is.")
    return int(any(figure.met is False for figure in found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
