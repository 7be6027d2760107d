"""A cluster by its Argo server, for those who have a token for that and no KUBECONFIG.

Four calls of its REST API, by hand: the Python SDK ended with Argo 4.0 (Argo's upgrading guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import urllib3

from seedbed.argo.cluster import Workflow, newest_first
from seedbed.errors import ClusterUnavailable, InvalidSweep

TIMEOUT = urllib3.Timeout(connect=20, read=60)
"""In seconds. A busy server takes its time to look over a new workflow."""


class ArgoServer:
    """Workflows in one namespace, by the Argo server's REST API. Argo's own certificate verifies nowhere."""

    def __init__(self, namespace: str, address: str, token: str, verify: bool = True) -> None:
        self._address = (address if "://" in address else f"https://{address}").rstrip("/")
        self._workflows = f"{self._address}/api/v1/workflows/{quote(namespace)}"
        self.namespace = namespace
        bearer = token if not token or token.startswith("Bearer ") else f"Bearer {token}"
        if not verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was asked for
        self._pool = urllib3.PoolManager(
            headers={"Authorization": bearer} if bearer else {},
            cert_reqs="CERT_REQUIRED" if verify else "CERT_NONE",
            timeout=TIMEOUT,
        )

    def create(self, workflow: Mapping[str, Any]) -> Workflow:
        """Submit a workflow; returns it with its name."""
        body = {"namespace": self.namespace, "workflow": dict(workflow)}
        return self._plain(self._request("POST", body=body))

    def workflow(self, name: str) -> Workflow | None:
        """The workflow of that name; None when there is none (any more)."""
        answer = self._request("GET", f"/{quote(name)}")
        return None if answer.status == 404 else self._plain(answer)

    def workflows(self) -> list[Workflow]:
        """All sweeps, the newest first."""
        return newest_first(self._plain(self._request("GET")).get("items") or [])

    def stop(self, name: str) -> None:
        """Let a workflow's pods save and end, and start no others."""
        body = {"namespace": self.namespace, "name": name}
        self._plain(self._request("PUT", f"/{quote(name)}/stop", body))

    def _request(self, method: str, path: str = "", body: Any = None) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, self._workflows + path, json=body)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            hint = "; ARGO_INSECURE_SKIP_VERIFY=true trusts it" if "CERTIFICATE" in str(reason) else ""
            raise ClusterUnavailable(
                f"the Argo server at {self._address} cannot be reached: {reason}{hint}"
            ) from None

    def _plain(self, answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        """What the server answers; raises what it says instead as one line for a person."""
        if answer.status == 400:
            raise InvalidSweep(f"the Argo server refuses the workflow: {_message(answer)}")
        if answer.status >= 300:
            hint = "; ARGO_TOKEN holds the token" if answer.status in (401, 403) else ""
            raise ClusterUnavailable(f"the Argo server at {self._address} says: {_message(answer)}{hint}")
        try:
            plain: dict[str, Any] = answer.json()
        except ValueError:
            raise ClusterUnavailable(
                f"no Argo server answers at {self._address}, but something else"
            ) from None
        return plain


def _message(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status} {answer.reason}"
