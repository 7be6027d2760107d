"""A cluster by its Argo server, for those who have a token for that and no KUBECONFIG."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import argo_workflows
import urllib3
from argo_workflows.api.workflow_service_api import WorkflowServiceApi

from seedbed.argo.cluster import Workflow, newest_first
from seedbed.errors import ClusterUnavailable, InvalidSweep

TIMEOUT_SECONDS = (20, 60)
"""To connect, and to answer: a busy server takes its time to look over a new workflow."""

RAW: dict[str, Any] = {
    "_content_type": "application/json",
    "_check_return_type": False,
    "_preload_content": False,
    "_request_timeout": TIMEOUT_SECONDS,
}
"""The generated models refuse every workflow that is not finished: plain JSON goes in and out."""


class ArgoServer:
    """Workflows in one namespace, by the Argo server's REST API. Argo's own certificate verifies nowhere."""

    def __init__(self, namespace: str, address: str, token: str, verify: bool = True) -> None:
        self.namespace = namespace
        host = address if "://" in address else f"https://{address}"
        settings = argo_workflows.Configuration(host=host.rstrip("/"))
        settings.verify_ssl = verify
        if not verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was asked for
        bearer = token if not token or token.startswith("Bearer ") else f"Bearer {token}"
        settings.api_key = {"BearerToken": bearer} if bearer else {}
        self._address = host
        self._api = WorkflowServiceApi(argo_workflows.ApiClient(settings))

    def create(self, workflow: Mapping[str, Any]) -> Workflow:
        """Submit a workflow; returns it with its name."""
        with self._reporting():
            body = {"workflow": dict(workflow), "namespace": self.namespace}
            return _plain(self._api.create_workflow(self.namespace, body, **RAW))

    def workflow(self, name: str) -> Workflow | None:
        """The workflow of that name; None when there is none (any more)."""
        with self._reporting():
            try:
                return _plain(self._api.get_workflow(self.namespace, name, **RAW))
            except argo_workflows.ApiException as error:
                if error.status == 404:
                    return None
                raise

    def workflows(self) -> list[Workflow]:
        """All sweeps, the newest first."""
        with self._reporting():
            return newest_first(_plain(self._api.list_workflows(self.namespace, **RAW)).get("items") or [])

    def stop(self, name: str) -> None:
        """Let a workflow's pods save and end, and start no others."""
        with self._reporting():
            self._api.stop_workflow(self.namespace, name, {"name": name, "namespace": self.namespace}, **RAW)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn what the server says into one line for a person."""
        try:
            yield
        except argo_workflows.ApiException as error:
            said = _message(error)
            if error.status == 400:
                raise InvalidSweep(f"the Argo server refuses the workflow: {said}") from None
            hint = "; ARGO_TOKEN holds the token" if error.status in (401, 403) else ""
            raise ClusterUnavailable(f"the Argo server at {self._address} says: {said}{hint}") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            hint = "; ARGO_INSECURE_SKIP_VERIFY=true trusts it" if "CERTIFICATE" in str(reason) else ""
            raise ClusterUnavailable(
                f"the Argo server at {self._address} cannot be reached: {reason}{hint}"
            ) from None


def _plain(answer: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(answer.data)
    return plain


def _message(error: argo_workflows.ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.status} {error.reason}"
