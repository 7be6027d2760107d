"""A sweep as a WorkflowTemplate: the Argo UI's form then starts it, and asks for its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seedbed.argo.cluster import SWEEP_LABEL
from seedbed.argo.submission import document_of
from seedbed.sweep.workflow import FORMS, WINNERS, read_sweep

PARAMETERS: dict[str, dict[str, Any]] = {
    "seeds": {"description": "The seeds of every point, such as 0-4 or 0,3,7."},
    "form": {"description": "The full sweep, or the one cut down for a laptop.", "enum": list(FORMS)},
    "winners": {
        "description": "Choose each stage's winner by the results, or keep the recorded ones.",
        "enum": list(WINNERS),
    },
}


def template_of(file: Path) -> dict[str, Any]:
    """The WorkflowTemplate of a sweep file, named like the sweep; raises InvalidSweep for a wrong file."""
    sweep = read_sweep(file)
    document = document_of(file, None, None)
    metadata, spec = document["metadata"], document["spec"]
    given = {one["name"]: one["value"] for one in spec["arguments"]["parameters"]}
    values = {"seeds": sweep.seeds, "form": sweep.form, "winners": WINNERS[sweep.keep_winners], **given}
    spec["arguments"]["parameters"] = [
        {"name": name, "value": values[name], **about} for name, about in PARAMETERS.items()
    ]
    annotations = metadata.get("annotations", {})
    labels = {SWEEP_LABEL: sweep.name}
    return {
        "apiVersion": document["apiVersion"],
        "kind": "WorkflowTemplate",
        "metadata": {"name": sweep.name, "labels": labels, "annotations": annotations},
        "spec": {**spec, "workflowMetadata": {"labels": labels, "annotations": annotations}},
    }
