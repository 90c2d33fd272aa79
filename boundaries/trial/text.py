"""A dry run's outcome as text: what an admin reads before publishing.

Last step of a dry run, for terminals and logs. Invariant: names devices only where the outcome does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from boundaries.trial.outcome import AtOnce, Examples, Flapping, Replayed, Trial

_PAIRS, _EXAMPLES = 20, 10
_OUTSIDE = "(outside)"


def trial_text(trial: Trial) -> str:
    """The outcome in some lines, each ended."""
    return "".join(line + "\n" for line in _lines(trial))


def _lines(trial: Trial) -> Iterator[str]:
    yield f"Dry run of layer {trial.layer} ({trial.kind}): {trial.after[:12]} in place of {trial.before[:12]}"
    if trial.at_once is not None:
        yield from _at_once(trial.at_once)
    if trial.replayed is not None:
        yield from _replayed(trial.replayed, overlay=trial.kind == "overlay")
    if trial.examples is not None:
        yield from _examples(trial.examples)


def _at_once(found: AtOnce) -> Iterator[str]:
    yield ""
    yield (
        f"At once: {found.affected:,} of {found.devices:,} devices change ({found.share:.2%}), "
        f"with {_many(found.events, 'event')}."
    )
    rows = [(_name(one.origin), _name(one.target), f"{one.devices:,}") for one in found.moves[:_PAIRS]]
    yield from _table(("from", "to", "devices"), rows)
    yield from _more(len(found.moves[_PAIRS:]) + found.moves_left_out, "pair")


def _replayed(found: Replayed, *, overlay: bool) -> Iterator[str]:
    yield ""
    yield (
        f"Replayed: {_many(found.pings, 'ping')} of {_many(found.devices, 'device')}, "
        f"{found.device_hours:,.1f} device-hours{_span(found)}."
    )
    yield (
        f"Crossings: {found.unchanged:,} unchanged, {found.moved:,} moved in time{_shift(found)}, "
        f"{found.added:,} added, {found.gone:,} gone."
    )
    yield "Taken back within 10 minutes: " + f"before {_flaps(found.before)}; after {_flaps(found.after)}."
    if overlay and found.pairs:
        yield "From a fence to itself is a dwell."
    rows = [
        (_name(one.origin), _name(one.target), *(f"{n:,}" for n in (one.unchanged, one.moved, one.added, one.gone)))
        for one in found.pairs[:_PAIRS]
    ]
    yield from _table(("from", "to", "unchanged", "moved", "added", "gone"), rows)
    yield from _more(len(found.pairs[_PAIRS:]) + found.pairs_left_out, "pair")


def _examples(found: Examples) -> Iterator[str]:
    if found.at_once:
        yield ""
        yield "Devices that change at once, for example:"
        moves = [(one.device, _name(one.origin), _name(one.target)) for one in found.at_once[:_EXAMPLES]]
        yield from _table(("device", "from", "to"), moves)
    if found.crossings:
        yield ""
        yield "Crossings that differ, for example:"
        crossings = [
            (one.device, _name(one.origin), _name(one.target), _when(one.before_ms), _when(one.after_ms))
            for one in found.crossings[:_EXAMPLES]
        ]
        yield from _table(("device", "from", "to", "before", "after"), crossings)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they need be; numbers to the right."""
    if not rows:
        return
    wide = [max(len(row[k]) for row in (heads, *rows)) for k in range(len(heads))]
    number = [all(row[k].replace(",", "").isdigit() for row in rows) for k in range(len(heads))]
    for row in (heads, *rows):
        cells = (
            text.rjust(size) if right else text.ljust(size) for text, size, right in zip(row, wide, number, strict=True)
        )
        yield ("  " + "  ".join(cells)).rstrip()


def _more(many: int, what: str) -> Iterator[str]:
    if many:
        yield f"  and {_many(many, f'more {what}')}"


def _flaps(found: Flapping) -> str:
    return (
        f"{found.flaps:,} of {_many(found.crossings, 'crossing')} "
        f"({found.per_crossing:.2%}, {found.per_device_hour:.4f} per device-hour)"
    )


def _span(found: Replayed) -> str:
    return "" if found.since_ms is None else f", {_when(found.since_ms)} to {_when(found.until_ms)}"


def _shift(found: Replayed) -> str:
    if found.moved_median_s is None:
        return ""
    return f" (median {abs(found.moved_median_s):,.0f} s {'earlier' if found.moved_median_s < 0 else 'later'})"


def _name(region: str | None) -> str:
    return _OUTSIDE if region is None else region


def _when(time_ms: int | None) -> str:
    return "-" if time_ms is None else datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
