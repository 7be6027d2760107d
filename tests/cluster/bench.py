"""What the cluster that KUBECONFIG names costs beside the training: `make bench-cluster`, best on one that is idle.

First the seconds that a stage takes beside its trial; then pods per minute for TRIALS trials (300 by default) of one
epoch of a signal teacher, in packs of 20 and each in a pod of its own. Beside them how large the workflow object has
become: above 1 MiB the API server refuses it.
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
CPU = "250m"
"""Cores that a trial's pod asks for: several find room on two."""

SWEEPS = 12
"""Sweeps of one trial that the means are over."""

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
        workflow = ended(cluster, submitted(cluster, trials, pack))
        seconds = time.monotonic() - began
        pods, size = -(-trials // pack), len(json.dumps(workflow, separators=(",", ":")))
        print(
            f"{trials} trials in packs of {pack:2}: {seconds:.0f} s, {60 * pods / seconds:.1f} pods and "
            f"{60 * trials / seconds:.1f} trials a minute, workflow {size / 1024:.0f} KiB, "
            f"{standing_of(workflow).phase.lower()}"
        )
        sys.stdout.flush()


def overheads(cluster: KubernetesApi, store: Store) -> dict[str, float]:
    """Means over sweeps of one trial each, in seconds from a pod's creation.

    Argo's clock has whole seconds: a mean of differences of two rounded times is right where a median is not.
    """
    sweeps = [overheads_of_one(cluster, store) for _ in range(SWEEPS)]
    return {what: statistics.fmean(sweep[what] for sweep in sweeps) for what in sweeps[0]}


def overheads_of_one(cluster: KubernetesApi, store: Store) -> dict[str, float]:
    """What a sweep of one trial takes beside its training."""
    name = submitted(cluster, 1, 1)
    (first_saved,) = watch_checkpoints(cluster, store, name).values()
    nodes = list(nodes_of(ended(cluster, name)).values())
    plan, trial, collect = (
        next(node for node in nodes if node["type"] == "Pod" and node.get("templateName") == template)
        for template in ("plan", "trial", "collect")
    )
    stage = next(node for node in nodes if node.get("templateRef", {}).get("template") == "stage")
    return {
        "a trial's pod, to its first step": first_saved - moment(trial["startedAt"]),
        "a trial's pod": lasted(trial),
        "a plan pod": lasted(plan),
        "a collect pod": lasted(collect),
        "a stage beside its trial": lasted(stage) - lasted(trial),
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


def submitted(cluster: KubernetesApi, trials: int, pack: int) -> str:
    """The name of a workflow of so many trials that were never run."""
    first = int(time.time()) % 1_000_000
    document = document_of(FILE, None, f"{first}-{first + trials - 1}")
    given = document["spec"]["templates"][0]["dag"]["tasks"][0]["arguments"]["parameters"]
    for parameter in given:
        if parameter["name"] == "plan":
            plan = yaml.safe_load(parameter["value"])
            plan["config"]["epochs"] = 1
            parameter["value"] = yaml.safe_dump({**plan, "pack": pack})
    given.append({"name": "cpu", "value": CPU})
    return str(cluster.create(document)["metadata"]["name"])


def ended(cluster: KubernetesApi, name: str) -> Workflow:
    """The workflow, when it has ended."""
    while (found := cluster.workflow(name)) is not None and not standing_of(found).ended:
        time.sleep(2)
    if found is None:
        raise RuntimeError(f"{name} is gone")
    return found


def lasted(node: dict[str, Any]) -> float:
    """Seconds from its start to its end."""
    return moment(node["finishedAt"]) - moment(node["startedAt"])


def moment(text: str) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    main()
