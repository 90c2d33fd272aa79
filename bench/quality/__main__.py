"""`python -m bench.quality`: the table of all rules on all suites, beside the published figures."""

import importlib
import json
from collections.abc import Iterable
from pathlib import Path

import click

from bench.quality import peers, reliability
from bench.quality.ours import ours
from bench.quality.peers import Judge
from bench.quality.suites import SEEDS, Suite, suites
from bench.quality.table import Result, block, held_back, judged
from geofence.hysteresis import PRESETS, Rule

TRACKS = Path(__file__).resolve().parents[2] / ".." / "shared" / "tracks"

PEERS: dict[str, Judge] = {
    "raw switching": peers.raw,
    "three in a row": peers.three_in_a_row,
    "AccuracyBased": peers.accuracy_based,
    "dwell 120 s": peers.dwell,
    "P1": peers.plain,
}


@click.command()
@click.option("--tracks", type=click.Path(path_type=Path), default=TRACKS, help="Folder of the recordings.")
@click.option("--only", multiple=True, help="Only suites whose group or name contains this; may be repeated.")
@click.option("--rule", "extra", multiple=True, help="A further rule: a preset, or MODULE:NAME of a judge.")
@click.option("--preset", default="balanced", show_default=True, help="Our rule's preset.")
@click.option(
    "--through",
    type=click.Choice(["step", "core", "replay"]),
    default="step",
    show_default=True,
    help="Judge our rule by its step alone (quick), the whole core, or the replay command.",
)
@click.option("--no-peers", is_flag=True, help="Beside ours, only raw switching.")
@click.option("--seeds", default="-".join(map(str, (SEEDS[0], SEEDS[-1]))), show_default=True, help="Of regions.")
@click.option("--draws", default=400, show_default=True, help="Draws of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per rule and suite.")
@click.option("--reliability", "diagram", type=click.Path(path_type=Path), help="File for the diagram.")
def main(
    tracks: Path,
    only: tuple[str, ...],
    extra: tuple[str, ...],
    preset: str,
    through: str,
    no_peers: bool,
    seeds: str,
    draws: int,
    as_json: bool,
    diagram: Path | None,
) -> None:
    """Judge our rule, and those of others, on recordings and simulated people."""
    rules: dict[str, Judge] = {"raw switching": peers.raw} if no_peers else dict(PEERS)
    rules[f"ours, {preset}"] = _ours(preset, through)
    rules.update(_further(extra))
    chosen = [suite for suite in suites(_found(tracks), seeds=_seeds(seeds)) if _wanted(suite, only)]
    if not chosen:
        raise click.UsageError(f"no suite has {' or '.join(only)} in its name")
    results: list[Result] = []
    for suite in chosen:
        rows = judged(suite, rules, draws=draws)
        results += rows
        for line in [json.dumps(row.record()) for row in rows] if as_json else [block(suite, rows), ""]:
            click.echo(line)
    if not as_json:
        click.echo(held_back())
    if diagram is not None:
        _diagram(results, f"ours, {preset}", diagram)


def _found(tracks: Path) -> Path | None:
    if (tracks / "fixes.csv.gz").exists():
        return tracks
    click.echo(f"no fixes.csv.gz in {tracks}: simulated people only; see --tracks", err=True)
    return None


def _seeds(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last or first).isdigit() and int(first) <= int(last or first)):
        raise click.BadParameter(f"{text!r} is not FIRST-LAST, such as 101-103", param_hint="--seeds")
    return tuple(range(int(first), int(last or first) + 1))


def _wanted(suite: Suite, only: Iterable[str]) -> bool:
    words = list(only)
    return not words or any(word in f"{suite.group}: {suite.name}" for word in words)


def _ours(preset: str, through: str) -> Judge:
    if through == "step":
        return ours(Rule.preset(preset))
    product = importlib.import_module("bench.quality.product")
    judge: Judge = product.through_core(Rule.preset(preset)) if through == "core" else product.through_replay(preset)
    return judge


def _further(names: Iterable[str]) -> dict[str, Judge]:
    """Rules by name: a preset of ours, or a judge in some module."""
    rules: dict[str, Judge] = {}
    for name in names:
        if name in PRESETS:
            rules[f"ours, {name}"] = ours(Rule.preset(name))
            continue
        module, _, attribute = name.partition(":")
        rules[name] = getattr(importlib.import_module(module), attribute)
    return rules


def _diagram(results: Iterable[Result], rule: str, path: Path) -> None:
    groups = {}
    for group in ("recordings", "simulated", "still"):
        tallies = [row.tally for row in results if row.suite.group == group and row.rule == rule]
        rows = reliability.bins(*reliability.stated(tallies))
        if rows:
            groups[group] = rows
    if not groups:
        raise click.ClickException(f"{rule} states no confidence: there is nothing to draw")
    reliability.draw(groups, path, title=f"Reliability of stated confidence ({rule})")
    click.echo(f"wrote {path}", err=True)


if __name__ == "__main__":
    main()
