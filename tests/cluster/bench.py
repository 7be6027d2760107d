"""Pods per minute on the cluster that KUBECONFIG names: `make bench-cluster`, with TRIALS if 300 are too many.

Each trial is one epoch of a signal teacher, about a second of training. Beside the pods per minute it prints how large
the workflow object has become: above 1 MiB the API server refuses it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import yaml

from seedbed.argo.kubernetes_api import KubernetesApi
from seedbed.argo.standing import standing_of
from seedbed.argo.submission import document_of

FILE = Path(__file__).parent / "sweeps" / "teachers.yaml"
CPU = "250m"


def main() -> None:
    """Measure with packs of 20 and with a pod for each trial."""
    trials = int(os.environ.get("TRIALS", "300"))
    cluster = KubernetesApi("seedbed")
    for pack in (20, 1):
        seconds, size, phase = measure(cluster, trials, pack)
        pods = -(-trials // pack)
        print(
            f"{trials} trials in packs of {pack:2}: {seconds:.0f} s, {60 * pods / seconds:.1f} pods and "
            f"{60 * trials / seconds:.1f} trials a minute, workflow {size / 1024:.0f} KiB, {phase.lower()}"
        )
        sys.stdout.flush()


def measure(cluster: KubernetesApi, trials: int, pack: int) -> tuple[float, int, str]:
    """Seconds that a sweep of so many trials takes, bytes of its workflow at the end, and its phase."""
    first = int(time.time()) % 1_000_000
    document = document_of(FILE, None, f"{first}-{first + trials - 1}")
    given = document["spec"]["templates"][0]["dag"]["tasks"][0]["arguments"]["parameters"]
    for parameter in given:
        if parameter["name"] == "plan":
            plan = yaml.safe_load(parameter["value"])
            plan["config"]["epochs"] = 1
            parameter["value"] = yaml.safe_dump({**plan, "pack": pack})
    given.append({"name": "cpu", "value": CPU})
    name = cluster.create(document)["metadata"]["name"]
    began = time.monotonic()
    while (found := cluster.workflow(name)) is not None and not standing_of(found).ended:
        time.sleep(2)
    if found is None:
        raise RuntimeError(f"{name} is gone")
    return time.monotonic() - began, len(json.dumps(found)), standing_of(found).phase


if __name__ == "__main__":
    main()
