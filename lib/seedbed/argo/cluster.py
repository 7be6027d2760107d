"""What a person's machine asks of a cluster, whichever way leads there."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Mapping
from typing import Any, Protocol

Workflow = dict[str, Any]
"""A Workflow as the API gives it: metadata, spec, status. An Argo server leaves out what kind of object it is."""

API_VERSION = "argoproj.io/v1alpha1"

NAMESPACE = "seedbed"
"""Where the manifests put everything; SEEDBED_NAMESPACE names another."""

SWEEP_LABEL = "seedbed/sweep"


class Cluster(Protocol):
    """Workflows in one namespace. Raises ClusterUnavailable when the API is out of reach or refuses the caller."""

    @property
    def namespace(self) -> str:
        """The namespace that it looks at."""

    def create(self, workflow: Mapping[str, Any]) -> Workflow:
        """Submit a workflow; returns it with its name. Raises InvalidSweep with what the API says is wrong."""

    def workflow(self, name: str) -> Workflow | None:
        """The workflow of that name; None when there is none (any more)."""

    def workflows(self) -> list[Workflow]:
        """All sweeps, the newest first."""

    def stop(self, name: str) -> None:
        """Let a workflow's pods save and end, and start no others."""


def open_cluster() -> Cluster:
    """The cluster that the environment names: by ARGO_SERVER an Argo server, else by KUBECONFIG the Kubernetes API."""
    namespace = os.environ.get("SEEDBED_NAMESPACE", NAMESPACE)
    if os.environ.get("ARGO_SERVER"):
        from seedbed.argo.server import ArgoServer

        verify = os.environ.get("ARGO_INSECURE_SKIP_VERIFY") != "true"  # as Argo's own command line has it
        return ArgoServer(namespace, os.environ["ARGO_SERVER"], os.environ.get("ARGO_TOKEN", ""), verify)
    from seedbed.argo.kubernetes_api import KubernetesApi

    return KubernetesApi(namespace)


def nodes_of(workflow: Workflow) -> dict[str, dict[str, Any]]:
    """A workflow's nodes by id; Argo keeps them compressed where they are many."""
    status = workflow.get("status", {})
    packed = status.get("compressedNodes")
    nodes: dict[str, dict[str, Any]] = (
        json.loads(gzip.decompress(base64.b64decode(packed))) if packed else status.get("nodes") or {}
    )
    return nodes


def newest_first(workflows: list[Workflow]) -> list[Workflow]:
    """Workflows that are sweeps, by the time of their creation."""
    sweeps = [one for one in workflows if SWEEP_LABEL in one["metadata"].get("labels", {})]
    return sorted(sweeps, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True)
