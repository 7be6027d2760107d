"""Tests on a real cluster, into which the Makefile has put images and manifests: `make test-cluster`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from seedbed.argo.access import cluster_store
from seedbed.argo.cluster import Workflow, nodes_of
from seedbed.argo.kubernetes_api import KubernetesApi
from seedbed.argo.standing import standing_of
from seedbed.argo.submission import document_of
from seedbed.attempts import read_attempts
from seedbed.errors import ClusterUnavailable
from seedbed.results import Result, read_result
from seedbed.run_records import StageRecord
from seedbed.runs import read_stages, run_in
from seedbed.store import Store, open_store

SWEEPS = Path(__file__).parent / "sweeps"
SEEDBED = str(Path(sys.executable).with_name("seedbed"))
NAMESPACE = os.environ.get("SEEDBED_NAMESPACE", "seedbed")
PATIENCE_SECONDS = 1200
SMALL = {"cpu": "250m", "memory": "1500Mi"}
"""What a trial's pod asks for, so that those of several tests find room side by side."""

SEED = int(time.time()) % 1_000_000
"""Of this session: what an earlier one has trained would be found and not trained again."""

BY_PERSON = ("KUBECONFIG", "PATH", "HOME", "SEEDBED_NAMESPACE")


def kubectl(*arguments: str, **options: Any) -> str:
    """What kubectl prints."""
    command = ["kubectl", *([] if "--namespace" in arguments else ["--namespace", NAMESPACE]), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return str(done.stdout)


def seedbed(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a person types it."""
    kept = {name: os.environ[name] for name in BY_PERSON if name in os.environ}
    return subprocess.run(
        [SEEDBED, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env={**kept, **environment},
    )


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for something to be true, also while the cluster is away; what it was then."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(ClusterUnavailable):
            if found := condition():
                return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(1)


@pytest.fixture(autouse=True)
def _clean_environment() -> None:
    """In place of the one that all other tests have: here the cluster's settings stay."""


@pytest.fixture(scope="session")
def cluster() -> KubernetesApi:
    """The cluster, with checkpoints often enough for short trials and an Argo that takes steps without a rest."""
    settings = json.dumps({"data": {"SEEDBED_CHECKPOINT_SECONDS": "1"}})
    kubectl("patch", "configmap", "seedbed", "--type", "merge", "--patch", settings)
    kubectl("set", "env", "deployment/workflow-controller", "DEFAULT_REQUEUE_TIME=2s", "--namespace", "argo")
    kubectl("rollout", "status", "deployment/workflow-controller", "--namespace", "argo")
    return KubernetesApi(NAMESPACE)


@pytest.fixture(scope="session")
def store(cluster: KubernetesApi) -> Store:
    """The cluster's store, as a reader."""
    return open_store(cluster_store())


class Sweep:
    """A sweep that was sent to the cluster."""

    def __init__(self, cluster: KubernetesApi, store: Store, file: Path) -> None:
        self.cluster = cluster
        self.store = store
        self.file = file
        created = cluster.create(yaml.safe_load(file.read_text()))
        self.name: str = created["metadata"]["name"]
        self.sweep: str = created["metadata"]["labels"]["seedbed/sweep"]

    def workflow(self) -> Workflow:
        found = self.cluster.workflow(self.name)
        assert found is not None
        return found

    def ends(self) -> str:
        """Its phase when nothing of it runs any more."""
        until(lambda: standing_of(self.workflow()).ended, f"the end of {self.name}")
        return standing_of(self.workflow()).phase

    def pods(self, template: str) -> list[dict[str, Any]]:
        """Its pods of a template that the cluster has, as Argo's nodes."""
        nodes = nodes_of(self.workflow()).values()
        return [node for node in nodes if node["type"] == "Pod" and node.get("templateName") == template]

    def running_pod(self) -> str:
        """The name of a trial's pod that trains now and has saved something by itself."""

        def found() -> str | None:
            mine = f"workflows.argoproj.io/workflow={self.name},seedbed/family"
            listed = json.loads(kubectl("get", "pods", "--selector", mine, "--output", "json"))["items"]
            at_work = [pod["metadata"]["name"] for pod in listed if pod["status"]["phase"] == "Running"]
            return next((str(name) for name in at_work if name in self.hosts_that_saved()), None)

        return str(until(found, f"a pod of {self.name} that trains"))

    def hosts_that_saved(self) -> set[str]:
        """Where the attempts run that have written a checkpoint and not ended."""
        hosts = set()
        for trial in (trial for record in self.records() for trial in record.trials):
            saved = " ".join(self.store.list(f"{trial.folder}/checkpoint"))
            for attempt in read_attempts(self.store, trial.folder):
                if "ended" not in attempt and attempt["attempt"] in saved:
                    hosts.add(attempt["host"])
        return hosts

    def records(self) -> list[StageRecord]:
        """What its stages planned, as far as they have."""
        run = run_in(self.store, f"sweeps/{self.sweep}/{self.name}")
        return [] if run is None else read_stages(self.store, run)

    def results(self) -> dict[str, Result]:
        """The results of all of its trials that have one."""
        trials = [trial for record in self.records() for trial in record.trials]
        found = {trial.id: read_result(self.store, trial.folder) for trial in trials}
        return {name: result for name, result in found.items() if result is not None}


@pytest.fixture
def submit(cluster: KubernetesApi, store: Store, tmp_path: Path) -> Iterator[Callable[..., Sweep]]:
    """Send a sweep of tests/cluster/sweeps, changed: name, seeds, plans of stages, parameters, its pods at once."""
    sent: list[Sweep] = []

    def send(
        file: str | Path = "teachers",
        name: str | None = None,
        form: str | None = None,
        plan: dict[str, Any] | None = None,
        seeds: int = 1,
        at_once: int | None = None,
        **parameters: str,
    ) -> Sweep:
        path = SWEEPS / f"{file}.yaml" if isinstance(file, str) else file
        document = document_of(path, form, f"{SEED}-{SEED + seeds - 1}")
        document = changed(document, name, plan or {}, {**SMALL, **parameters})
        if at_once:
            document["spec"]["parallelism"] = at_once
        written = tmp_path / f"{document['metadata']['labels']['seedbed/sweep']}.yaml"
        written.write_text(yaml.safe_dump(document, sort_keys=False))
        sent.append(Sweep(cluster, store, written))
        return sent[-1]

    yield send
    for sweep in sent:
        if not standing_of(until(sweep.workflow, "the cluster")).ended:
            cluster.stop(sweep.name)
            sweep.ends()


def changed(
    document: dict[str, Any], name: str | None, plan: dict[str, Any], parameters: dict[str, str]
) -> dict[str, Any]:
    """A sweep under another name, every stage's plan and parameters changed alike."""
    if name is not None:
        document["metadata"]["labels"]["seedbed/sweep"] = name
        document["metadata"]["generateName"] = f"{name}-"
    for task in document["spec"]["templates"][0]["dag"]["tasks"]:
        given = task["arguments"]["parameters"]
        for parameter in given:
            if parameter["name"] == "plan":
                before = yaml.safe_load(parameter["value"])
                config = {**before.get("config", {}), **plan.get("config", {})}
                parameter["value"] = yaml.safe_dump({**before, **plan, "config": config})
        given += [{"name": key, "value": value} for key, value in parameters.items()]
    return document


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Result]]:
    """The results of the same sweep on this machine, by trial."""

    def run(sweep: Sweep, form: str = "full", **environment: str) -> dict[str, Result]:
        folder = tmp_path_factory.mktemp("here")
        done = seedbed("submit", str(sweep.file), f"--{form}", "--store", str(folder), **environment)
        assert done.returncode == 0, done.stderr
        store = open_store(str(folder))
        folders = {key.rpartition("/")[0] for key in store.list("trials") if key.endswith("/result.json")}
        found = [read_result(store, folder) for folder in folders]
        return {result.trial: result for result in found if result is not None}

    return run


def same_numbers(one: dict[str, Result], other: dict[str, Result]) -> None:
    """Assert that two sets of results have the same trials with the same metrics, to the bit."""
    assert {name: result.metrics for name, result in one.items()} == {
        name: result.metrics for name, result in other.items()
    }
    assert {name: result.log_digest for name, result in one.items()} == {
        name: result.log_digest for name, result in other.items()
    }
