"""Prometheus and Grafana of docker-compose.yml: they ask the services that there are, and find what they are given."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import ROOT
from test_alerts import BOARD, checked, promtool
from test_compose import SERVICES

PROMETHEUS = ROOT / "deploy/prometheus/prometheus.yml"
GRAFANA = ROOT / "deploy/grafana/provisioning"
ASKED: dict[str, Any] = yaml.safe_load(PROMETHEUS.read_text())
PANELS: list[dict[str, Any]] = json.loads(BOARD.read_text())["panels"]


def provisioned(path: str) -> dict[str, Any]:
    return dict(yaml.safe_load((GRAFANA / path).read_text()))


@checked
def test_prometheus_can_read_what_it_is_given_and_not_what_is_wrong(tmp_path: Path) -> None:
    for file in (PROMETHEUS, PROMETHEUS.with_name("alerts.yml")):
        shutil.copy(file, tmp_path)
    done = promtool("check", "config", PROMETHEUS.name, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / PROMETHEUS.name).write_text(PROMETHEUS.read_text().replace("scrape_interval", "scrape_every"))
    assert promtool("check", "config", PROMETHEUS.name, folder=tmp_path).returncode == 1


def test_prometheus_asks_every_role_where_that_tells_its_health() -> None:
    asked = {
        (name, one["port"]) for job in ASKED["scrape_configs"] for one in job["dns_sd_configs"] for name in one["names"]
    }
    told = {
        (name, int(value.rpartition(":")[2]))
        for name, its in SERVICES.items()
        for variable, value in its.get("environment", {}).items()
        if re.fullmatch(r"GEOFENCE_\w+_HEALTH", variable)
    }
    assert asked == told
    jobs = {job["job_name"] for job in ASKED["scrape_configs"]}
    assert all(re.fullmatch("geofence-(gateway|worker|webhooks)", job) for job in jobs)


def test_prometheus_reads_the_files_that_are_mounted() -> None:
    mounts = dict(reversed(mount.split(":")[:2]) for mount in SERVICES["prometheus"]["volumes"])
    options = dict(word.split("=", 1) for word in SERVICES["prometheus"]["command"])
    config = options["--config.file"]
    assert (ROOT / mounts[config]).resolve() == PROMETHEUS
    for rules in ASKED["rule_files"]:
        assert (ROOT / mounts[str(Path(config).with_name(rules))]).exists()
    assert options["--storage.tsdb.path"] in mounts


def test_grafana_asks_that_prometheus_and_finds_the_dashboard() -> None:
    [source] = provisioned("datasources/geofence.yml")["datasources"]
    host, port = re.fullmatch(r"http://([\w-]+):(\d+)", source["url"]).groups()  # type: ignore[union-attr]
    assert host in SERVICES
    assert f":{port}:{port}" in SERVICES[host]["ports"][0]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    scraped = ASKED["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraped  # $__rate_interval is made from it
    [provider] = provisioned("dashboards/geofence.yml")["providers"]
    mounts = dict(reversed(mount.split(":")[:2]) for mount in SERVICES["grafana"]["volumes"])
    inside = f"{provider['options']['path']}/{BOARD.name}"
    assert (ROOT / mounts[inside]).resolve() == BOARD
    assert SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == inside
    assert (ROOT / mounts["/etc/grafana/provisioning"]).resolve() == GRAFANA


def test_every_panel_takes_its_figures_from_the_data_source_that_is_chosen() -> None:
    listed = {one["name"]: one for one in json.loads(BOARD.read_text())["templating"]["list"]}
    assert (listed["datasource"]["type"], listed["datasource"]["query"]) == ("datasource", "prometheus")
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert listed["layer"]["datasource"] == chosen
    for panel in PANELS:
        targets = panel.get("targets", [])
        assert bool(targets) is (panel["type"] != "row"), panel["title"]
        assert all(target["datasource"] == panel["datasource"] == chosen for target in targets)
        assert len({target["refId"] for target in targets}) == len(targets)
        texts = [panel["title"], *(text for target in targets for text in (target["expr"], target["legendFormat"]))]
        variables = {name for text in texts for name in re.findall(r"\$\{?(\w+)", text)}
        assert variables <= {*listed, "__rate_interval"}


@pytest.mark.parametrize("panel", [one for one in PANELS if one["type"] != "row"], ids=lambda one: one["title"])
def test_every_panel_can_be_drawn(panel: dict[str, Any]) -> None:
    assert panel["type"] in ("stat", "timeseries")
    assert panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        kept = {name.strip() for inside in re.findall(r"by \(([^)]*)\)", target["expr"]) for name in inside.split(",")}
        assert labels <= kept | ({"job", "instance"} if " by (" not in target["expr"] else set())
