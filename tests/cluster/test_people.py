"""What people reach beside the Kubernetes API: the Argo server, and the pages that its UI leads to."""

from __future__ import annotations

import json
import os
import re
import ssl
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from seedbed.argo.access import ENDPOINT, IDENTITY, cluster_store, forward
from seedbed.argo.cluster import nodes_of
from seedbed.argo.server import ArgoServer
from seedbed.argo.standing import standing_of
from tests.cluster.conftest import NAMESPACE, SWEEPS, Sweep, kubectl, seedbed, until

SECURE = "--secure=false"
PERSON = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: person}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: person}
rules:
  - apiGroups: [argoproj.io]
    resources: [workflows]
    verbs: [create, get, list, patch, update]
  - apiGroups: [argoproj.io]
    resources: [workflowtemplates]
    verbs: [get, list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: person}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: person}
subjects: [{kind: ServiceAccount, name: person}]
"""
"""Somebody who may use the Argo server on this namespace and has no KUBECONFIG."""


@pytest.fixture(scope="module")
def argo_server() -> dict[str, str]:
    """The environment of somebody who has the Argo server's address and a token."""
    kubectl("apply", "--filename", "-", input=PERSON)
    started = "jsonpath={.spec.template.spec.containers[0].args}"
    args = kubectl("get", "deployment", "argo-server", "--output", started, "--namespace", "argo")
    scheme = "http" if SECURE in args else "https"
    port = forward("argo", "argo-server", 2746)
    return {
        "ARGO_SERVER": f"{scheme}://127.0.0.1:{port}",
        "ARGO_TOKEN": kubectl("create", "token", "person").strip(),
        "ARGO_INSECURE_SKIP_VERIFY": "true",
    }


def of_the_store() -> dict[str, str]:
    """What leads to the store without a KUBECONFIG."""
    url = cluster_store()
    return {"SEEDBED_STORE": url, **{name: os.environ[name] for name in (ENDPOINT, *IDENTITY)}}


def test_the_argo_server_will_do_where_there_is_no_kubeconfig(
    argo_server: dict[str, str], submit: Callable[..., Sweep]
) -> None:
    alone = {"KUBECONFIG": os.devnull, **argo_server, **of_the_store()}
    refused = seedbed("status", "--on", "argo", **{**alone, "ARGO_TOKEN": "nobody"})
    assert refused.returncode != 0
    assert "ARGO_TOKEN holds the token" in refused.stderr
    done = seedbed("submit", str(SWEEPS / "teachers.yaml"), "--on", "argo", "--seeds", "0", **alone)
    assert done.returncode == 0, done.stderr
    assert "(1/1)" in done.stdout

    long = submit(name="by-server", plan={"config": {"epochs": 26}})
    long.running_pod()
    stopped = seedbed("stop", long.name, **alone)
    assert stopped.returncode == 0, stopped.stderr
    assert long.ends() == "Failed"
    resumed = seedbed("resume", long.name, "--detach", **alone)
    assert resumed.returncode == 0, resumed.stderr
    name = resumed.stdout.split()[0]
    server = ArgoServer(NAMESPACE, argo_server["ARGO_SERVER"], argo_server["ARGO_TOKEN"], verify=False)
    until(lambda: (found := server.workflow(name)) and standing_of(found).ended, f"the end of {name}")
    assert f"{name}  Succeeded" in seedbed("status", "--on", "argo", **alone).stdout


def test_its_links_lead_to_the_report_and_to_what_a_pod_said(
    argo_server: dict[str, str], submit: Callable[..., Sweep]
) -> None:
    sent = submit(name="linked", plan={"config": {"epochs": 3}})
    assert sent.ends() == "Succeeded"
    links = {one["name"]: one for one in asked_of(argo_server, "/api/v1/info")["links"]}
    (report,) = filled_in(links["Report"], sent.workflow())
    assert page(report).startswith("<!doctype html>")
    (said,) = filled_in(links["What it said"], sent.workflow())
    assert "\nattempt " in page(said)
    assert "exit code 0" in page(said)
    assert f"/sweeps/linked/{sent.name}/report.html" in page("/")


def asked_of(argo_server: dict[str, str], path: str) -> Any:
    """What the Argo server answers its UI."""
    request = urllib.request.Request(  # noqa: S310 - its scheme is ours
        argo_server["ARGO_SERVER"] + path, headers={"Authorization": f"Bearer {argo_server['ARGO_TOKEN']}"}
    )
    trusting = ssl._create_unverified_context()  # noqa: S323 - Argo's own certificate
    with urllib.request.urlopen(request, timeout=20, context=trusting) as answer:  # noqa: S310
        return json.loads(answer.read())


def filled_in(link: dict[str, str], workflow: dict[str, Any]) -> list[str]:
    """The paths that a link leads to, filled in as the UI does: for a workflow one, for pods one each that trained."""
    names = [workflow["metadata"]["name"]]
    if link["scope"] == "pod":
        trials = [node for node in nodes_of(workflow).values() if node.get("templateName") == "trial"]
        names = [pod_name(workflow, node) for node in trials if node["type"] == "Pod"]
    path = re.sub("^https?://[^/]+", "", link["url"])
    label = workflow["metadata"]["labels"]["seedbed/sweep"]
    path = path.replace("${workflow.metadata.labels.seedbed/sweep}", label)
    path = path.replace("${workflow.metadata.name}", workflow["metadata"]["name"])
    return [path.replace("${metadata.name}", name) for name in names]


def pod_name(workflow: dict[str, Any], node: dict[str, Any]) -> str:
    """Argo's name for a node's pod: workflow, template, and the number at the end of the node's id."""
    return f"{workflow['metadata']['name']}-{node['templateName']}-{node['id'].rpartition('-')[2]}"


def page(path: str) -> str:
    """A page, asked for by way of the API server."""
    return kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/services/pages:8080/proxy{path}")
