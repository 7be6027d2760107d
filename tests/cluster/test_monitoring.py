"""Prometheus, scraping for real: what the dashboard shows, which alerts fire, and how many series there are."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from seedbed.argo.cluster import nodes_of
from seedbed.results import Result
from tests.cluster.conftest import NAMESPACE, Sweep, kubectl, same_numbers, until
from tests.cluster.test_gpus import offer

COMPONENTS = Path(__file__).parents[2] / "manifests" / "components"
QUERIES = re.findall(r'"expr": (".*")', (COMPONENTS / "monitoring-exporter" / "seedbed.json").read_text())
pytestmark = pytest.mark.alone
QUICK = [(">= 5", ">= 2"), ("> 1800", "> 20"), ("for: 5m", "for: 10s"), ("for: 2m", "for: 10s")]
"""The alerts' patience, cut down to what a test has."""

OUTAGE_SECONDS = 300


class Prometheus:
    """The cluster's Prometheus, asked by way of the API server."""

    def ask(self, what: str, **arguments: str) -> Any:
        path = f"services/prometheus:9090/proxy/api/v1/{what}?{urlencode(arguments)}"
        answer = json.loads(kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/{path}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The samples of an expression now, by their labels."""
        found = self.ask("query", query=expression)["result"]
        return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in found}

    def firing(self) -> set[tuple[str, str]]:
        """The alerts that fire, each with the sweep that it is about."""
        found = self.ask("query", query='ALERTS{alertstate="firing"}')["result"]
        return {(one["metric"]["alertname"], one["metric"].get("sweep", "")) for one in found}

    def firing_of_all(self) -> set[str]:
        """The alerts that fire and are about no one sweep."""
        return {alert for alert, sweep in self.firing() if not sweep}

    def series(self) -> list[dict[str, str]]:
        """All series of ours that it has seen."""
        found: list[dict[str, str]] = self.ask(
            "series", **{"match[]": '{__name__=~"(argo_workflows_)?seedbed_.+"}'}
        )
        return found


def configured_with(config_map: str) -> None:
    """Let Prometheus start anew with that configuration."""
    volume = {
        "spec": {"template": {"spec": {"volumes": [{"name": "config", "configMap": {"name": config_map}}]}}}
    }
    kubectl("patch", "deployment", "prometheus", "--patch", json.dumps(volume))
    kubectl("rollout", "status", "deployment/prometheus", "--timeout", "100s")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with little patience: it scrapes every other second, and alerts fire soon."""
    folder = tmp_path_factory.mktemp("quick")
    rules = (COMPONENTS / "monitoring" / "rules.yaml").read_text()
    for slow, quick in QUICK:
        assert slow in rules
        rules = rules.replace(slow, quick)
    (folder / "rules.yaml").write_text(rules)
    config = (COMPONENTS / "monitoring" / "prometheus.yaml").read_text().replace("15s", "2s")
    (folder / "prometheus.yaml").write_text(config)
    volumes = "jsonpath={.spec.template.spec.volumes[?(@.name=='config')].configMap.name}"
    before = kubectl("get", "deployment", "prometheus", "--output", volumes)
    kubectl("delete", "configmap", "prometheus-quick", "--ignore-not-found")
    kubectl("create", "configmap", "prometheus-quick", f"--from-file={folder}")
    configured_with("prometheus-quick")
    yield Prometheus()
    configured_with(before)
    kubectl("delete", "configmap", "prometheus-quick")


@pytest.fixture
def no_gpus() -> Iterator[None]:
    offer(0)
    yield
    offer(0)


@pytest.mark.usefixtures("no_gpus")
def test_what_goes_wrong_fires_its_alert_and_no_other(
    submit: Callable[..., Sweep], prometheus: Prometheus
) -> None:
    until(lambda: len(prometheus.query('up{job=~"argo|exporter"} == 1')) == 2, "answers of both")
    sent = submit("trouble")
    until(lambda: len(sent.results()) == 2, "the two trials of the first stage")
    kubectl("delete", "pod", sent.running_pod(), "--wait=false")
    attempts = 'seedbed_sweep_attempts{sweep="trouble",stage="retried"}'
    until(lambda: 2.0 in prometheus.query(attempts).values(), "the second attempt")

    at_work = 'seedbed:trials_at_work{family="sensor_distillation",stage="retried"}'
    until(lambda: prometheus.query(at_work), "a trial at work")
    for query in map(json.loads, QUERIES):
        until(lambda asked=query: prometheus.query(asked), f"an answer to {query}", 60)  # type: ignore[misc]

    trials = 'sum by (state) (seedbed_sweep_trials{sweep="trouble"}) > 0'
    over = {(("state", "diverged"),): 1.0, (("state", "finished"),): 2.0, (("state", "waiting"),): 1.0}
    until(lambda: prometheus.query(trials) == over, "three results, and one trial that waits")
    expected = {"SeedbedGpuPodsPending", "SeedbedTrialRetriedTooOften", "SeedbedTrialsDiverging"}
    until(
        lambda: prometheus.query('seedbed_sweep_idle_seconds{sweep="trouble"} > 60'),
        "a minute without a step",
    )
    assert prometheus.firing() == {(alert, "trouble") for alert in expected}

    offer(1)
    assert sent.ends() == "Succeeded"
    until(lambda: not prometheus.firing(), "the end of all alerts", 120)
    ends = [node for node in nodes_of(sent.workflow()).values() if node["name"].endswith(".onExit.notify")]
    assert [node["phase"] for node in ends] == ["Succeeded"]  # nobody is told, as no Secret names anybody


def test_a_bad_night_is_told_and_costs_no_result(
    submit: Callable[..., Sweep], here: Callable[..., dict[str, Result]], prometheus: Prometheus
) -> None:
    """The workflow controller starts anew, then the store is gone for minutes, and the exporter with it."""
    sent = submit(name="bad-night", plan={"config": {"epochs": 72}})
    sent.running_pod()
    kubectl("rollout", "restart", "deployment/workflow-controller", "--namespace", "argo")
    kubectl("rollout", "status", "deployment/workflow-controller", "--namespace", "argo", "--timeout", "100s")
    sent.running_pod()
    kubectl("scale", "statefulset", "store", "--replicas", "0")
    back = time.monotonic() + OUTAGE_SECONDS
    until(lambda: prometheus.firing_of_all() == {"SeedbedStoreUnreachable"}, "word of the store alone", 120)
    kubectl("scale", "deployment", "exporter", "--replicas", "0")
    until(lambda: prometheus.firing_of_all() == {"SeedbedExporterDown"}, "word of the exporter alone", 120)
    kubectl("scale", "deployment", "exporter", "--replicas", "1")
    expected = here(sent)
    time.sleep(max(0.0, back - time.monotonic()))
    kubectl("scale", "statefulset", "store", "--replicas", "1")
    assert sent.ends() == "Succeeded"
    until(lambda: not prometheus.firing(), "the end of all alerts", 120)
    same_numbers(sent.results(), expected)


def test_series_do_not_grow_with_trials_or_seeds(
    submit: Callable[..., Sweep], prometheus: Prometheus
) -> None:
    kinds, names = [], set[str]()
    for seeds in (1, 4):
        sent = submit(name="cardinality", plan={"config": {"epochs": 16, "batch_size": 24}}, seeds=seeds)
        assert sent.ends() == "Succeeded"
        names |= {sent.name, *sent.results()}
        ours = [
            one
            for one in prometheus.series()
            if "cardinality" in one.values() or one.get("stage") == "teachers"
        ]
        kinds.append({tuple(sorted((key, one[key]) for key in one if key != "instance")) for one in ours})
    assert len(names) == 6
    seen = {dict(one)["__name__"] for one in kinds[0]}
    assert seen >= {"seedbed_progress_ratio", "seedbed_loss", "seedbed_sweep_trials"}
    assert "argo_workflows_seedbed_trial_pods_ended" in seen
    assert kinds[1] <= kinds[0]
    values = {value for one in prometheus.series() for value in one.values()}
    assert not [value for value in values for name in names if name in value]
