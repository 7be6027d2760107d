"""Rules, alerts, runbooks and dashboard, held against promtool and against each other.

It needs promtool and kubectl, and so is part of `make test-cluster`: pytest takes up this file only where it is named.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPONENTS = ROOT / "manifests" / "components"
RULES = COMPONENTS / "monitoring" / "rules.yaml"
CASES = Path(__file__).with_name("alerts.yaml")
DASHBOARD = COMPONENTS / "monitoring-exporter" / "seedbed.json"
RUNBOOKS = ROOT / "docs" / "runbooks"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def promtool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


ALERTS = {
    rule["alert"]: rule for group in load(RULES)["groups"] for rule in group["rules"] if "alert" in rule
}


def test_every_rule_does_what_the_cases_say() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    promtool("test", "rules", str(CASES))


def test_prometheus_takes_its_configuration() -> None:
    promtool("check", "config", "--lint-fatal", str(COMPONENTS / "monitoring" / "prometheus.yaml"))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: str) -> None:
    cases = [
        case
        for group in load(CASES)["tests"]
        for case in group.get("alert_rule_test", [])
        if case["alertname"] == alert
    ]
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_leads_to_its_runbook(alert: str) -> None:
    page = ROOT / ALERTS[alert]["annotations"]["runbook"]
    assert page == RUNBOOKS / f"{alert}.md"
    headings = re.findall(r"^#+ .*", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [f"# {alert}", "## What it means", "## What to look at", "## What to do"]


def test_every_runbook_has_its_alert() -> None:
    assert {path.stem for path in RUNBOOKS.iterdir()} == set(ALERTS)


def test_those_with_the_operator_get_the_same_rules() -> None:
    assert load(COMPONENTS / "monitoring-operator" / "prometheusrule.yaml")["spec"] == load(RULES)


@pytest.mark.parametrize("query", re.findall(r'"expr": (".*")', DASHBOARD.read_text(encoding="utf-8")))
def test_a_query_of_the_dashboard_is_one(query: str) -> None:
    promtool("promql", "--experimental", "format", json.loads(query))


def test_the_component_for_the_operator_renders(tmp_path: Path) -> None:
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "seedbed",
        "components": ["components/monitoring-operator"],
    }
    shutil.copytree(COMPONENTS, tmp_path / "components")
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    command = ["kubectl", "kustomize", str(tmp_path)]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kinds = [document["kind"] for document in yaml.safe_load_all(rendered)]
    assert kinds.count("PodMonitor") == 3
    assert {"PrometheusRule", "Deployment", "ConfigMap"} <= set(kinds)
