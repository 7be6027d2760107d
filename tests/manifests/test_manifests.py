"""House rules of manifests/ and workflows/templates/, on every file, so that no review has to."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUSTOMIZATIONS = sorted(
    [*ROOT.glob("manifests/**/kustomization.yaml"), ROOT / "workflows/templates/kustomization.yaml"]
)
OVERLAYS = [path for path in KUSTOMIZATIONS if path.parent.parent.name == "overlays"]
MADE_BY_DEPLOY = {"images.env", "secrets"}

Object = dict[str, Any]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def named_in(kustomization: Object) -> Iterator[str]:
    """The files beside a kustomization that it takes up."""
    yield from (name for name in kustomization.get("resources", []) if not name.startswith(".."))
    yield from (patch["path"] for patch in kustomization.get("patches", []))
    yield from (entry["path"] for entry in kustomization.get("replacements", []))
    for kind in ("configMapGenerator", "secretGenerator"):
        for entry in kustomization.get(kind, []):
            yield from entry.get("files", []) + entry.get("envs", [])


def objects() -> dict[str, Object]:
    """Every object that a kustomization takes up as it is, by its file."""
    found = {}
    for path in KUSTOMIZATIONS:
        for name in load(path).get("resources", []):
            file = path.parent / name
            if file.is_file():
                found[relative(file)] = load(file)
    return found


def pods(document: Object) -> Iterator[tuple[Object, list[Object]]]:
    """Each pod that an object makes: where its own settings are, and its containers."""
    if document["kind"] in ("Deployment", "StatefulSet", "Job", "DaemonSet"):
        pod = document["spec"]["template"]["spec"]
        yield pod, pod["containers"] + pod.get("initContainers", [])
    if document["kind"] == "WorkflowTemplate":
        for template in document["spec"]["templates"]:
            if "container" in template:
                yield template, [template["container"]]


OBJECTS = objects()
WITH_PODS = sorted(name for name, document in OBJECTS.items() if list(pods(document)))


def test_everything_is_looked_at() -> None:
    assert {relative(path.parent) for path in OVERLAYS} == {
        "manifests/overlays/local",
        "manifests/overlays/production",
    }
    assert "manifests/components/store/statefulset.yaml" in WITH_PODS
    assert "workflows/templates/stage.yaml" in WITH_PODS
    assert len(OBJECTS) > 15


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=relative)
def test_a_kustomization_takes_up_what_lies_beside_it_and_nothing_else(path: Path) -> None:
    named = {name.split("/")[0] for name in named_in(load(path))} - MADE_BY_DEPLOY
    beside = {file.name for file in path.parent.iterdir() if file.name != "kustomization.yaml"}
    beside -= {*MADE_BY_DEPLOY, "identities.py", "__pycache__"}
    assert named == beside


@pytest.mark.parametrize("name", [name for name in OBJECTS if name.startswith("manifests/")])
def test_a_file_is_one_object_and_called_like_it(name: str) -> None:
    document = OBJECTS[name]
    kind, called = document["kind"].lower(), document["metadata"]["name"].removeprefix("seedbed-")
    assert Path(name).stem in (f"{kind}-{called}", kind)
    assert "namespace" not in document["metadata"], "overlays say it"


@pytest.mark.parametrize("path", OVERLAYS, ids=relative)
def test_an_overlay_says_only_what_differs(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 30
    assert load(path)["namespace"] == "seedbed"


@pytest.mark.parametrize("name", WITH_PODS)
def test_every_pod_is_what_the_restricted_standard_asks_for(name: str) -> None:
    for pod, containers in pods(OBJECTS[name]):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["serviceAccountName"]
        for container in containers:
            locked = container["securityContext"]
            assert locked["allowPrivilegeEscalation"] is False, container.get("name", name)
            assert locked["readOnlyRootFilesystem"] is True
            assert locked["capabilities"] == {"drop": ["ALL"]}
            assert container["command"], "without one, Argo asks the registry for the image's"


@pytest.mark.parametrize("name", WITH_PODS)
def test_every_container_says_what_it_needs(name: str) -> None:
    for pod, containers in pods(OBJECTS[name]):
        for container in containers:
            patched = "name: main\n    resources:" in pod.get("podSpecPatch", "")
            resources = container.get("resources", {})
            assert patched or {"cpu", "memory"} <= resources["requests"].keys()
            assert patched or "memory" in resources["limits"]


@pytest.mark.parametrize("name", WITH_PODS)
def test_no_image_is_whatever_is_newest(name: str) -> None:
    for _, containers in pods(OBJECTS[name]):
        for container in containers:
            image = container["image"]
            assert image == "any-family" or re.search(r":[^:/]*[0-9{][^:/]*$", image), image
            assert not image.endswith(":latest")


def test_no_secret_is_in_the_repository() -> None:
    assert not [name for name, document in OBJECTS.items() if document["kind"] == "Secret"]
    for path in OVERLAYS:
        for entry in load(path).get("secretGenerator", []):
            assert "literals" not in entry
            for file in entry.get("files", []) + entry.get("envs", []):
                ignored = subprocess.run(
                    ["git", "check-ignore", "--quiet", path.parent / file], cwd=ROOT, check=False
                )
                assert ignored.returncode == 0, f"git would take {relative(path.parent / file)}"


def test_the_namespace_enforces_the_restricted_standard() -> None:
    labels = OBJECTS["manifests/base/namespace.yaml"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_nothing_comes_in_or_goes_out_unless_a_policy_says_so() -> None:
    closed = OBJECTS["manifests/base/networkpolicy-nothing.yaml"]["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    policies = [document for document in OBJECTS.values() if document["kind"] == "NetworkPolicy"]
    for policy in policies:
        for rule in policy["spec"].get("ingress", []) + policy["spec"].get("egress", []):
            assert rule["ports"], policy["metadata"]["name"]


def test_service_accounts_may_do_what_they_need_and_no_more() -> None:
    roles = {
        document["metadata"]["name"]: document["rules"]
        for document in OBJECTS.values()
        if document["kind"] in ("Role", "ClusterRole")
    }
    assert roles == {
        "seedbed-step": [
            {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
        ],
        "seedbed-plan": [{"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["get"]}],
        "seedbed-exporter": [
            {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["list"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        ],
        "seedbed-prometheus": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
    }


def test_what_the_stage_template_names_is_there() -> None:
    there = {(document["kind"], document["metadata"]["name"]) for document in OBJECTS.values()}
    local = load(ROOT / "manifests/overlays/local/kustomization.yaml")
    store = load(ROOT / "manifests/components/store/kustomization.yaml")
    secrets = {entry["name"] for entry in local["secretGenerator"]}
    config_maps = {entry["name"] for entry in store["configMapGenerator"]}
    for template, containers in pods(OBJECTS["workflows/templates/stage.yaml"]):
        assert ("ServiceAccount", template["serviceAccountName"]) in there
        for source in containers[0].get("envFrom", []):
            if "secretRef" in source and not source["secretRef"].get("optional"):
                assert source["secretRef"]["name"] in secrets
            elif "configMapRef" in source:
                assert source["configMapRef"]["name"] in config_maps
