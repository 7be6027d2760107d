"""A pod's own Workflow, asked of the Kubernetes API with the pod's own identity.

One GET does not earn the Kubernetes client a place in every family's image.
"""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from seedbed.errors import ClusterUnavailable, InvalidSweep

IDENTITY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts a pod's token, namespace and the API server's certificate authority."""

TIMEOUT_SECONDS = 30


def own_workflow(name: str) -> dict[str, Any]:
    """The Workflow of that name in this pod's namespace; raises as `ask_api` does."""
    return ask_api("apis/argoproj.io/v1alpha1", f"workflows/{name}")


def ask_api(api: str, what: str, accept: str = "application/json") -> dict[str, Any]:
    """What the Kubernetes API has in this pod's namespace, such as `workflows/<name>` of `apis/argoproj.io/v1alpha1`.

    Raises InvalidSweep when it may not be read or is not there, ClusterUnavailable when the API cannot be reached:
    then the same pod, started again, may find it.
    """
    called = what.partition("?")[0].replace("workflows/", "workflow ")
    namespace = (IDENTITY / "namespace").read_text().strip()
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    address = f"https://{host}:{port}/{api}/namespaces/{namespace}/{what}"
    bearer = f"Bearer {(IDENTITY / 'token').read_text().strip()}"
    request = urllib.request.Request(address, headers={"Authorization": bearer, "Accept": accept})
    trust = ssl.create_default_context(cafile=str(IDENTITY / "ca.crt"))
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=trust) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403, 404):
            raise InvalidSweep(f"{called} cannot be read in namespace {namespace}: {error.reason}") from None
        raise ClusterUnavailable(f"the Kubernetes API answered {error.code} for {called}") from None
    except (OSError, ValueError) as error:
        raise ClusterUnavailable(f"the Kubernetes API at {host}:{port} cannot be reached: {error}") from None
    return found
