"""Alert rules and the dashboard: they hold by promtool, name metrics that there are, and each alert has its page."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from commands import ROOT

from ingest.measure import Kind
from service.cli import cli
from service.metrics_page import measures

RULES, BOARD = ROOT / "deploy/prometheus/alerts.yml", ROOT / "deploy/grafana/geofence.json"
PAGES = ROOT / "docs/operations"
CACHE = Path(os.environ.get("GEOFENCE_CACHE") or Path.home() / ".cache/geofence") / "kafka/promtool/promtool"
PROMTOOL = shutil.which("promtool") or (str(CACHE) if CACHE.exists() else None)
OTHERS = {"process_resident_memory_bytes"}  # of the process itself
checked = pytest.mark.skipif(PROMTOOL is None, reason="no promtool; tests/monitoring/fetch.sh fetches it")


def promtool(*words: str | Path, folder: Path = RULES.parent) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROMTOOL), *words], cwd=folder, capture_output=True, text=True, timeout=30)


def alerts() -> dict[str, dict[str, str]]:
    """Each alert with its severity, sentence and page, read line by line as the rules are written."""
    found: dict[str, dict[str, str]] = {}
    for line in RULES.read_text().splitlines():
        if match := re.match(r"      - alert: (\w+)$", line):
            its = found.setdefault(match[1], {})
        elif match := re.match(r" +summary: (.+)$", line):
            its["summary"] = match[1]
        elif match := re.match(r' +runbook_url: "\{\{ \$externalLabels\.docs \}\}/(.+)\.html"$', line):
            its["page"] = f"docs/{match[1]}.md"
        elif match := re.match(r" +labels: {severity: (\w+)}$", line):
            its["severity"] = match[1]
    return found


def expressions() -> Iterator[str]:
    """Every expression of the dashboard."""
    board = json.loads(BOARD.read_text())
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    yield from (one["definition"] for one in board["templating"]["list"] if "definition" in one)


def known() -> set[str]:
    """Every name that an expression may have."""
    ends = {Kind.COUNTER: ("_total",), Kind.GAUGE: ("",), Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
    return OTHERS | {one.name + end for one in measures() for end in ends[one.kind]}


def named(text: str) -> set[str]:
    return set(re.findall(r"\b(?:geofence|process)_[a-z_0-9]+\b", text))


@checked
def test_the_rules_are_rules_and_fire_where_they_should_and_nowhere_else() -> None:
    for words in (("check", "rules", RULES.name), ("test", "rules", "alerts_test.yml")):
        done = promtool(*words)
        assert done.returncode == 0, done.stdout + done.stderr


@checked
def test_a_rule_that_is_wrong_is_found_out(tmp_path: Path) -> None:
    text = RULES.read_text()
    assert "> 0.05" in text
    (tmp_path / RULES.name).write_text(text.replace("> 0.05", "> 0.95"))
    shutil.copy(RULES.parent / "alerts_test.yml", tmp_path)
    assert promtool("test", "rules", "alerts_test.yml", folder=tmp_path).returncode == 1


def test_each_alert_is_tried_out_and_has_a_severity_a_sentence_and_a_page_that_speaks_of_it() -> None:
    tried = (RULES.parent / "alerts_test.yml").read_text()
    assert len(alerts()) == RULES.read_text().count("alert: ") > 15
    for name, its in alerts().items():
        assert f'alertname="{name}"' in tried
        assert its["severity"] in ("critical", "warning")
        assert its["summary"].strip('"').endswith(".")
        page = (ROOT / its["page"]).read_text()
        assert f"`{name}`" in page
        assert [part for part in ("## What it means", "## How to see it", "## What to do") if part not in page] == []
        assert f"({Path(its['page']).name})" in (PAGES / "README.md").read_text()


def test_every_metric_in_the_rules_the_dashboard_and_the_pages_is_one_that_is_told() -> None:
    pages = "\n".join(page.read_text() for page in PAGES.glob("*.md"))
    for text in (RULES.read_text(), (RULES.parent / "alerts_test.yml").read_text(), *expressions()):
        assert named(text) - known() == set()
    assert named(pages) - known() - {one.exposed for one in measures()} == set()


def labels_of(name: str) -> set[str]:
    """The labels with which a metric is told, and the instance that Prometheus adds."""
    found = {"process_resident_memory_bytes": {"job", "instance"}}
    for one in measures():
        its = {*one.labels, "instance"}
        ends = {"_bucket": its | {"le"}, "_sum": its, "_count": its}
        found |= {one.name + end: labels for end, labels in ends.items()} | {one.exposed: its}
    return found[name]


def test_every_label_is_one_that_its_metric_has_and_what_is_tried_out_has_all_of_them() -> None:
    matched = re.compile(r"\b((?:geofence|process)_[a-z_0-9]+)\{([^}]*)\}")
    for text in (RULES.read_text(), *expressions()):
        for name, inside in matched.findall(text):
            assert set(re.findall(r"(\w+)=", inside)) <= labels_of(name)
        every = set[str]().union(*map(labels_of, named(text)))
        for inside in re.findall(r"by \(([^)]*)\)", text):
            assert {one.strip() for one in inside.split(",")} <= every
    for name, inside in matched.findall((RULES.parent / "alerts_test.yml").read_text()):
        assert set(re.findall(r"(\w+)=", inside)) == labels_of(name)


def test_every_metric_has_a_unit_or_is_a_number_of_things_and_no_counter_says_total_itself() -> None:
    for one in measures():
        assert re.fullmatch(r"geofence_(gateway|worker|webhooks|disk)(_[a-z]+)+", one.name)
        assert not one.name.endswith(("_total", "_ms", "_milliseconds", "_percent", "_count", "_sum"))
        assert not one.meaning.endswith(".")
        assert not {"device", "key", "user", "webhook", "address"} & set(one.labels)
    assert len({one.name for one in measures()}) == len(measures())


def test_the_dashboard_has_its_panels_side_by_side_none_over_another() -> None:
    board = json.loads(BOARD.read_text())
    assert (board["schemaVersion"], board["uid"], board["id"]) == (41, "geofence", None)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert rows[:6] == ["Throughput", "Lag and partitions", "Delays", "Errors", "Versions in force", "Webhooks"]


@checked
def test_every_expression_of_the_dashboard_can_be_read_by_prometheus(tmp_path: Path) -> None:
    texts = [one for one in expressions() if not one.startswith("label_values")]
    plain = [one.replace("$__rate_interval", "1m").replace("$layer", ".*") for one in texts]
    rules = {"groups": [{"name": "board", "rules": [{"record": f"x{n}", "expr": one} for n, one in enumerate(plain)]}]}
    (tmp_path / "board.yml").write_text(json.dumps(rules))
    done = promtool("check", "rules", "board.yml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(plain)} rules found" in done.stdout


def commands_in(page: Path) -> list[list[str]]:
    """The words of each `geofence ...` that stands in a line of its own."""
    lines = re.findall(r"^ {4,}geofence (.+?)(?:  +#.*)?$", page.read_text(), re.MULTILINE)
    return [shlex.split(line.partition(" | ")[0].partition(" > ")[0]) for line in lines]


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_every_command_of_a_page_is_one_that_there_is_with_such_options(page: Path) -> None:
    for words in commands_in(page):
        command: Any = cli
        context = click.Context(cli, info_name="geofence")
        rest = list(words)
        while isinstance(command, click.Group):
            name = rest.pop(0) if rest[0] in command.commands else "create"  # which need not be said
            command = command.get_command(context, name)
            assert command is not None, words
        known_options = {name for one in command.params for name in one.opts}
        assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known_options, words
