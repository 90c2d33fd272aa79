"""Numbers, places and texts from files as people read them: on a terminal, on a page.

Invariant: what `shown` gives has no control characters and none that turn the direction of text, whatever the file had.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

LONGEST = 200  # characters of a text from a file
_UNITS = ((1_000.0, "km"), (1.0, "m"), (0.01, "cm"), (0.001, "mm"))
_HECTARE_M2, _KM2_M2 = 10_000.0, 1_000_000.0
_SUFFIXES = (("_m2", " m²"), ("_mps", " m/s"), ("_deg", "°"), ("_m", " m"), ("_s", " s"))


def shown(text: str, *, longest: int = LONGEST) -> str:
    """A text from a file, what can't be printed written out, and cut if it is long."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode() for one in cut)


def counted(many: int, noun: str, plural: str = "") -> str:
    """A number and its noun, such as "1,204 regions"."""
    return f"{many:,} {noun if many == 1 else plural or noun + 's'}"


def metres(far_m: float) -> str:
    """A length in the unit that suits it, three digits of it."""
    size, unit = next((one for one in _UNITS if abs(far_m) >= one[0]), _UNITS[-1])
    return f"{_three(far_m / size)} {unit}"


def square_metres(area_m2: float) -> str:
    """An area: m² up to a hectare, then ha, from 1 km² on km²."""
    if abs(area_m2) >= _KM2_M2:
        return f"{_three(area_m2 / _KM2_M2)} km²"
    if abs(area_m2) >= _HECTARE_M2:
        return f"{_three(area_m2 / _HECTARE_M2)} ha"
    return f"{_three(area_m2)} m²"


def change_m2(before_m2: float, after_m2: float) -> str:
    """How an area changed, with its sign, and as a share of what it was."""
    by = after_m2 - before_m2
    share = f" ({by / before_m2:+.2%})".replace("-", "−") if before_m2 and abs(by / before_m2) >= 5e-5 else ""
    return f"{'+' if by >= 0 else '−'}{square_metres(abs(by))}{share}"


def place(*, lon: float, lat: float) -> str:
    """A place as lat and lon with letters, to 0.1 m: nobody has to know the order."""
    return f"{abs(lat):.6f}° {'S' if lat < 0 else 'N'}, {abs(lon):.6f}° {'W' if lon < 0 else 'E'}"


def figures(values: Mapping[str, float]) -> list[tuple[str, str]]:
    """Values by name with unit (`width_m`) as names and values for people ("width", "0.4 m")."""
    return [_figure(name, value) for name, value in values.items()]


def _figure(name: str, value: float) -> tuple[str, str]:
    suffix, unit = next((one for one in _SUFFIXES if name.endswith(one[0])), ("", ""))
    words = name.removesuffix(suffix).replace("_", " ")
    if suffix == "_m2":
        return words, square_metres(value)
    if suffix == "_m":
        return words, metres(value)
    return words, f"{_three(value)}{unit}"


def _three(value: float) -> str:
    if not isfinite(value):
        return "unknown"
    if value == 0:
        return "0"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
