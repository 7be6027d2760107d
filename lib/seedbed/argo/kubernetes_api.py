"""A cluster by its Kubernetes API: no Argo server is needed."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3
from kubernetes import client, config

from seedbed.argo.cluster import API_VERSION, Workflow, newest_first
from seedbed.errors import ClusterUnavailable, InvalidSweep

GROUP, VERSION = API_VERSION.split("/")
PLURAL = "workflows"
TIMEOUT_SECONDS = 20


class KubernetesApi:
    """Workflows in one namespace of the cluster that KUBECONFIG names."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        logging.getLogger("urllib3").setLevel(
            logging.ERROR
        )  # it warns of every retry, in the middle of the view
        try:
            config.load_kube_config()  # type: ignore[no-untyped-call]
        except config.ConfigException as error:
            raise ClusterUnavailable(
                f"no cluster to submit to: {error}; KUBECONFIG names the file that leads to one"
            ) from None
        self._objects: Any = client.CustomObjectsApi()  # custom objects are plain dicts, typed as object
        self._core = client.CoreV1Api()

    def create(self, workflow: Mapping[str, Any]) -> Workflow:
        """Submit a workflow; returns it with its name."""
        with self._reporting("create"):
            created: Workflow = self._objects.create_namespaced_custom_object(
                GROUP,
                VERSION,
                self.namespace,
                PLURAL,
                dict(workflow),
                field_validation="Strict",
                _request_timeout=TIMEOUT_SECONDS,
            )
        return created

    def workflow(self, name: str) -> Workflow | None:
        """The workflow of that name; None when there is none (any more)."""
        with self._reporting("get"):
            try:
                found: Workflow = self._objects.get_namespaced_custom_object(
                    GROUP, VERSION, self.namespace, PLURAL, name, _request_timeout=TIMEOUT_SECONDS
                )
            except client.ApiException as error:
                if error.status == 404:
                    return None
                raise
        return found

    def workflows(self) -> list[Workflow]:
        """All sweeps, the newest first."""
        with self._reporting("list"):
            found = self._objects.list_namespaced_custom_object(
                GROUP, VERSION, self.namespace, PLURAL, _request_timeout=TIMEOUT_SECONDS
            )
        return newest_first(found["items"])

    def stop(self, name: str) -> None:
        """Let a workflow's pods save and end, and start no others."""
        with self._reporting("stop"):
            self._objects.patch_namespaced_custom_object(
                GROUP,
                VERSION,
                self.namespace,
                PLURAL,
                name,
                {"spec": {"shutdown": "Stop"}},
                _request_timeout=TIMEOUT_SECONDS,
            )

    def config_map(self, name: str) -> dict[str, str]:
        """A ConfigMap's entries; empty when there is none."""
        with self._reporting("read the ConfigMap of"):
            found = self._maybe(self._core.read_namespaced_config_map, name)
        return dict(found.data or {}) if found else {}

    def secret(self, name: str) -> dict[str, str]:
        """A Secret's entries; empty when there is none."""
        with self._reporting("read the Secret of"):
            found = self._maybe(self._core.read_namespaced_secret, name)
        entries = (found.data or {}) if found else {}
        return {key: base64.b64decode(value).decode() for key, value in entries.items()}

    def service_address(self, name: str) -> str | None:
        """The cluster's own address of a service; None when there is none."""
        with self._reporting("read the services of"):
            found = self._maybe(self._core.read_namespaced_service, name)
        return str(found.spec.cluster_ip) if found and found.spec else None

    def _maybe(self, read: Any, name: str) -> Any:
        try:
            return read(name, self.namespace, _request_timeout=TIMEOUT_SECONDS)
        except client.ApiException as error:
            if error.status == 404:
                return None
            raise

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        """Turn what the API says into one line for a person."""
        try:
            yield
        except client.ApiException as error:
            said = _message(error)
            if error.status in (400, 422):
                raise InvalidSweep(f"the cluster refuses the workflow: {said}") from None
            if error.status == 404:
                raise ClusterUnavailable(
                    f"namespace {self.namespace} has no Argo workflows ({said}); `make deploy` sets it up"
                ) from None
            raise ClusterUnavailable(f"the cluster does not {verb} workflows: {said}") from None
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise ClusterUnavailable(f"the Kubernetes API cannot be reached: {reason}") from None


def _message(error: client.ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.status} {error.reason}"
