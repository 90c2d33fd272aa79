"""`python -m bench.pictures`: draw the pictures of docs/concepts into docs/pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.pictures import accuracy, evidence, exactly_once, hysteresis, layers, versions

FOLDER = Path(__file__).parent.parent.parent / "docs" / "pictures"
DRAWN: Mapping[str, Callable[[], str]] = {
    "accuracy.svg": accuracy.draw,
    "evidence.svg": evidence.draw,
    "hysteresis.svg": hysteresis.draw,
    "layers.svg": layers.draw,
    "versions.svg": versions.draw,
    "exactly-once.svg": exactly_once.draw,
}


def main() -> None:
    """Draw them all."""
    for name, draw in DRAWN.items():
        (FOLDER / name).write_text(draw())
        print(f"docs/pictures/{name}")


if __name__ == "__main__":
    main()
