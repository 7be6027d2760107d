"""A sweep that is started from its template, as the Argo UI's form does."""

from __future__ import annotations

import json
from pathlib import Path

from seedbed.argo.kubernetes_api import KubernetesApi
from seedbed.argo.standing import standing_of
from seedbed.store import Store
from tests.cluster.conftest import SEED, kubectl, seedbed, until

FILE = Path(__file__).parent / "sweeps" / "teachers.yaml"


def test_the_form_starts_the_sweep(cluster: KubernetesApi, store: Store) -> None:
    told = seedbed("template", str(FILE))
    assert told.returncode == 0, told.stderr
    kubectl("apply", "--filename", "-", input=told.stdout)
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "teachers-"},
        "spec": {
            "workflowTemplateRef": {"name": "teachers"},
            "arguments": {"parameters": [{"name": "seeds", "value": str(SEED + 99)}]},
        },
    }
    output = ("--filename", "-", "--output", "jsonpath={.metadata.name}")
    name = kubectl("create", *output, input=json.dumps(workflow))

    def ended() -> bool:
        found = cluster.workflow(name)
        return found is not None and found.get("status", {}).get("phase") in ("Succeeded", "Failed", "Error")

    until(ended, f"the end of {name}")
    found = cluster.workflow(name)
    assert found is not None
    standing = standing_of(found)
    assert (standing.sweep, standing.phase) == ("teachers", "Succeeded"), standing
    assert store.read(f"sweeps/teachers/{name}/teachers/table.md") is not None
    kubectl("delete", "workflowtemplate", "teachers")
