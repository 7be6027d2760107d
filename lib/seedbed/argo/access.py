"""How a person's machine reaches the store that a cluster's pods write to."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seedbed.argo.cluster import NAMESPACE
from seedbed.errors import ClusterUnavailable

if TYPE_CHECKING:
    from seedbed.argo.kubernetes_api import KubernetesApi

ENDPOINT = "AWS_ENDPOINT_URL_S3"
IDENTITY = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
KNOCK_SECONDS = 2.0


def cluster_store() -> str:
    """The address of the cluster's store, and in the environment what it takes to read it.

    From the ConfigMap and the reader's Secret that the manifests put there; what the environment says already
    stays. An endpoint inside the cluster is reached by its address where this machine is on that network, else
    through `kubectl port-forward` for as long as this process lives. Raises ClusterUnavailable.
    """
    from seedbed.argo.kubernetes_api import KubernetesApi

    api = KubernetesApi(os.environ.get("SEEDBED_NAMESPACE", NAMESPACE))
    settings = api.config_map("seedbed")
    if "SEEDBED_STORE" not in settings:
        raise ClusterUnavailable(
            f"namespace {api.namespace} has no ConfigMap seedbed with SEEDBED_STORE; `make deploy` sets it up"
        )
    for name in (ENDPOINT, "AWS_REGION"):
        if name in settings:
            os.environ.setdefault(name, settings[name])
    if not any(name in os.environ for name in (*IDENTITY, "AWS_PROFILE")):
        os.environ.update(
            {name: value for name, value in api.secret("seedbed-s3-reader").items() if name in IDENTITY}
        )
    if ENDPOINT in os.environ:
        os.environ[ENDPOINT] = _reachable(os.environ[ENDPOINT], api)
    return settings["SEEDBED_STORE"]


def _reachable(endpoint: str, api: KubernetesApi) -> str:
    """The endpoint as this machine can reach it: itself, unless it is a service inside the cluster."""
    parts = urlsplit(endpoint)
    inside = re.fullmatch(
        rf"([a-z0-9-]+)(\.{re.escape(api.namespace)}(\.svc(\..*)?)?)?", parts.hostname or ""
    )
    address = api.service_address(inside[1]) if inside else None
    if inside is None or address is None:
        return endpoint
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if _answers(address, port):
        return f"{parts.scheme}://{address}:{port}"
    return f"{parts.scheme}://127.0.0.1:{forward(api.namespace, inside[1], port)}"


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=KNOCK_SECONDS):
            return True
    except OSError:
        return False


def forward(namespace: str, service: str, port: int) -> int:
    """A port of this machine that leads to a service's, until this process ends."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise ClusterUnavailable(
            f"the store is inside the cluster ({service}:{port}): kubectl is needed to reach it from here, "
            f"or {ENDPOINT} with an address that can be reached"
        )
    command = [kubectl, "port-forward", "--namespace", namespace, f"service/{service}", f":{port}"]
    tunnel = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    atexit.register(tunnel.terminate)
    line = tunnel.stdout.readline() if tunnel.stdout else ""
    found = re.search(r"127\.0\.0\.1:(\d+)", line)
    if found is None:
        said = tunnel.stderr.read().strip() if tunnel.stderr else ""
        raise ClusterUnavailable(f"kubectl port-forward to {service}:{port}: {said or 'ended'}")
    return int(found[1])
