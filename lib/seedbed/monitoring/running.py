"""Which sweeps run in this pod's namespace, and which of their pods wait for a place: what only a cluster knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seedbed.argo.cluster import SWEEP_LABEL
from seedbed.argo.own_workflow import ask_api

WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""A workflow's nodes may be a megabyte; its labels are enough."""


@dataclass(frozen=True)
class Waiting:
    """Pods of a sweep that no node takes: how many, since when the first of them (seconds since 1970)."""

    sweep: str
    resource: str
    """gpu, or other."""
    pods: int
    since: float


@dataclass(frozen=True)
class Running:
    """The sweeps that a namespace runs: run folders in the store by sweep, and what waits."""

    runs: dict[str, list[str]]
    started: dict[str, float]
    """By run folder, in seconds since 1970."""
    waiting: list[Waiting]


def running_here() -> Running:
    """What the Kubernetes API says; raises ClusterUnavailable, and InvalidSweep when it may not be asked."""
    workflows = ask_api(
        "apis/argoproj.io/v1alpha1",
        f"workflows?labelSelector={SWEEP_LABEL},workflows.argoproj.io/completed!%3Dtrue",
        METADATA_ONLY,
    )
    pods = ask_api("api/v1", f"pods?labelSelector={WORKFLOW_LABEL}&fieldSelector=status.phase%3DPending")
    return running_of(workflows["items"] or (), pods["items"] or ())  # Go says null for an empty list


def running_of(workflows: Iterable[dict[str, Any]], pods: Iterable[dict[str, Any]]) -> Running:
    """The same from what the API lists: workflows' metadata, and pods that are pending."""
    runs: dict[str, list[str]] = {}
    started: dict[str, float] = {}
    sweeps = {}
    for workflow in workflows:
        metadata = workflow["metadata"]
        sweep = metadata["labels"][SWEEP_LABEL]
        folder = f"sweeps/{sweep}/{metadata['name']}"
        sweeps[metadata["name"]] = sweep
        runs.setdefault(sweep, []).append(folder)
        started[folder] = _seconds(metadata["creationTimestamp"])
    found: dict[tuple[str, str], list[float]] = {}
    for pod in pods:
        sweep, since = sweeps.get(pod["metadata"]["labels"][WORKFLOW_LABEL]), _unschedulable_since(pod)
        if sweep is not None and since is not None:
            found.setdefault((sweep, _resource(pod)), []).append(since)
    waiting = [Waiting(sweep, resource, len(since), min(since)) for (sweep, resource), since in found.items()]
    return Running(runs, started, waiting)


def _unschedulable_since(pod: dict[str, Any]) -> float | None:
    for condition in pod["status"].get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return _seconds(pod["metadata"]["creationTimestamp"])
    return None


def _resource(pod: dict[str, Any]) -> str:
    """What it asks for that nodes are short of: a GPU by whichever vendor's name, or anything else."""
    for container in pod["spec"]["containers"]:
        for name, count in container.get("resources", {}).get("limits", {}).items():
            if name.endswith("/gpu") and str(count) != "0":
                return "gpu"
    return "other"


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).astimezone(UTC).timestamp()
