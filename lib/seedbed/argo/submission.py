"""A sweep file on its way to a cluster: the very document, with the form and seeds that were asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from seedbed.argo.cluster import API_VERSION, SWEEP_LABEL, Workflow
from seedbed.sweep.laptop import ANNOTATION, with_seeds
from seedbed.sweep.workflow import sweep_in
from seedbed.sweep.yaml import load_yaml, without_empty


def document_of(
    file: Path, form: str | None, seeds: str | None, keep_winners: bool = False
) -> dict[str, Any]:
    """The workflow in a sweep file; `form`, `seeds` and `keep_winners` replace the file's own parameters.

    `seeds` replace those of the laptop form too: a plan pod cannot know whether the file or a person gave the
    parameter. Raises InvalidSweep for what are no seeds.
    """
    document: dict[str, Any] = load_yaml(file.read_text(encoding="utf-8"), str(file))
    if seeds is not None:
        sweep = sweep_in(document, str(file))
        laptop = with_seeds(sweep, seeds).laptop
        if laptop != sweep.laptop:
            cuts = {name: cut.model_dump(mode="json", exclude_defaults=True) for name, cut in laptop.items()}
            document["metadata"]["annotations"][ANNOTATION] = yaml.safe_dump(cuts)
    winners = "keep" if keep_winners else None
    return _with_parameters(document, {"form": form, "seeds": seeds, "winners": winners})


def again(workflow: Workflow) -> dict[str, Any]:
    """What to submit to go on with a workflow that has ended: itself, without what the cluster added."""
    metadata = workflow["metadata"]
    sweep = metadata["labels"][SWEEP_LABEL]
    kept = {
        "generateName": metadata.get("generateName", f"{sweep}-"),
        "labels": {key: value for key, value in metadata["labels"].items() if not _argos(key)},
        "annotations": {
            key: value for key, value in metadata.get("annotations", {}).items() if not _added(key)
        },
    }
    spec = {key: value for key, value in workflow["spec"].items() if key != "shutdown"}
    return {
        "apiVersion": API_VERSION,
        "kind": "Workflow",
        "metadata": kept,
        "spec": without_empty(spec),
    }


def _with_parameters(document: dict[str, Any], wanted: dict[str, str | None]) -> dict[str, Any]:
    changed = {name: value for name, value in wanted.items() if value is not None}
    arguments = document["spec"].setdefault("arguments", {})
    kept = [one for one in arguments.get("parameters", []) if one["name"] not in changed]
    arguments["parameters"] = kept + [{"name": name, "value": value} for name, value in changed.items()]
    return document


def _argos(label: str) -> bool:
    return label.startswith("workflows.argoproj.io/")


def _added(annotation: str) -> bool:
    """Argo's own notes; title and description are the file's."""
    return annotation.startswith("workflows.argoproj.io/pod-name-format") or "last-applied" in annotation
