"""What the cluster that KUBECONFIG names costs beside the training: `make bench-cluster`, best on one that is idle.

First the seconds that a stage takes beside its trials, one trial at a time; then pods per minute for TRIALS trials (300
by default) of one epoch of a signal teacher, about a second, in packs of 20 and each in a pod of its own. Beside them
how large the workflow object has become: above 1 MiB the API server refuses it.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from seedbed.argo.access import cluster_store
from seedbed.argo.cluster import Workflow, nodes_of
from seedbed.argo.kubernetes_api import KubernetesApi
from seedbed.argo.standing import folder_of, standing_of
from seedbed.argo.submission import document_of
from seedbed.runs import read_stages, run_in
from seedbed.store import Store, open_store
from tests.cluster.conftest import kubectl

FILE = Path(__file__).parent / "sweeps" / "teachers.yaml"
ALONE, MANY = "1100m", "250m"
"""Cores that a trial's pod asks for: so many that only one finds room on two cores, and so few that several do."""

LOOK_SECONDS = 0.1


def main() -> None:
    """Measure a stage's overheads, then with packs of 20 and with a pod for each trial."""
    trials = int(os.environ.get("TRIALS", "300"))
    cluster = KubernetesApi("seedbed")
    store = open_store(cluster_store())
    with every_step_saved():
        for what, seconds in overheads(cluster, store).items():
            print(f"{what}: {seconds:.1f} s")
    for pack in (20, 1):
        began = time.monotonic()
        workflow = ended(cluster, submitted(cluster, trials, pack, MANY))
        seconds = time.monotonic() - began
        pods, size = -(-trials // pack), len(json.dumps(workflow))
        print(
            f"{trials} trials in packs of {pack:2}: {seconds:.0f} s, {60 * pods / seconds:.1f} pods and "
            f"{60 * trials / seconds:.1f} trials a minute, workflow {size / 1024:.0f} KiB, "
            f"{standing_of(workflow).phase.lower()}"
        )
        sys.stdout.flush()


def overheads(cluster: KubernetesApi, store: Store) -> dict[str, float]:
    """Medians over the pods of a sweep of four trials, in seconds; Argo's clock has whole ones."""
    name = submitted(cluster, 4, 1, ALONE)
    first_saved = watch_checkpoints(cluster, store, name)
    workflow = ended(cluster, name)
    nodes = list(nodes_of(workflow).values())
    pods = {
        template: [node for node in nodes if node["type"] == "Pod" and node.get("templateName") == template]
        for template in ("plan", "trial", "collect")
    }
    to_step = [first_saved[value_of(node, "pack")] - moment(node["startedAt"]) for node in pods["trial"]]
    (stage,) = [node for node in nodes if node["type"] == "DAG" and node.get("templateName") == "stage"]
    trained = lasted_together(pods["trial"])
    return {
        "a trial's pod, from its start to its first step": statistics.median(to_step),
        "a plan pod": lasted_together(pods["plan"]),
        "a collect pod": lasted_together(pods["collect"]),
        "a stage beside its trials": lasted_together([stage]) - trained,
    }


def watch_checkpoints(cluster: KubernetesApi, store: Store, name: str) -> dict[str, float]:
    """When each trial's first checkpoint was seen, in seconds since 1970; one is written after every step."""
    seen: dict[str, float] = {}
    folders: list[str] = []
    while len(seen) < len(folders) or not folders:
        if not folders:
            workflow = cluster.workflow(name) or {}
            run = run_in(store, folder_of(workflow))
            stages = read_stages(store, run) if run else []
            folders = [trial.folder for stage in stages for trial in stage.trials]
        for folder in folders:
            trial = folder.rpartition("/")[2]
            if trial not in seen and any(True for _ in store.list(f"{folder}/checkpoint")):
                seen[trial] = time.time()
        time.sleep(LOOK_SECONDS)
    return seen


@contextmanager
def every_step_saved() -> Iterator[None]:
    """Let trials write a checkpoint after every step."""
    key = '{"data": {"SEEDBED_CHECKPOINT_SECONDS": %s}}'
    before = kubectl("get", "configmap", "seedbed", "--output", "jsonpath={.data.SEEDBED_CHECKPOINT_SECONDS}")
    kubectl("patch", "configmap", "seedbed", "--type", "merge", "--patch", key % '"0"')
    yield
    kubectl("patch", "configmap", "seedbed", "--type", "merge", "--patch", key % json.dumps(before or None))


def submitted(cluster: KubernetesApi, trials: int, pack: int, cpu: str) -> str:
    """The name of a workflow of so many trials that were never run."""
    first = int(time.time()) % 1_000_000
    document = document_of(FILE, None, f"{first}-{first + trials - 1}")
    given = document["spec"]["templates"][0]["dag"]["tasks"][0]["arguments"]["parameters"]
    for parameter in given:
        if parameter["name"] == "plan":
            plan = yaml.safe_load(parameter["value"])
            plan["config"]["epochs"] = 1
            parameter["value"] = yaml.safe_dump({**plan, "pack": pack})
    given.append({"name": "cpu", "value": cpu})
    return str(cluster.create(document)["metadata"]["name"])


def ended(cluster: KubernetesApi, name: str) -> Workflow:
    """The workflow, when it has ended."""
    while (found := cluster.workflow(name)) is not None and not standing_of(found).ended:
        time.sleep(2)
    if found is None:
        raise RuntimeError(f"{name} is gone")
    return found


def lasted_together(nodes: list[dict[str, Any]]) -> float:
    """Seconds from the start of the first to the end of the last."""
    return max(moment(node["finishedAt"]) for node in nodes) - min(
        moment(node["startedAt"]) for node in nodes
    )


def value_of(node: dict[str, Any], parameter: str) -> str:
    """The value of a node's input."""
    given: list[dict[str, Any]] = node["inputs"]["parameters"]
    return next(str(one["value"]) for one in given if one["name"] == parameter)


def moment(text: str) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    main()
