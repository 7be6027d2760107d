"""Pods may do what they need and nothing more."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from seedbed.argo.access import ENDPOINT, cluster_store
from seedbed.argo.kubernetes_api import KubernetesApi
from tests.cluster.conftest import Sweep, kubectl


def test_every_container_is_locked_down(submit: Callable[..., Sweep]) -> None:
    assert (
        kubectl(
            "get",
            "namespace",
            "seedbed",
            "-o",
            r"jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}",
        )
        == "restricted"
    )
    sent = submit(name="locked", plan={"config": {"epochs": 30}})
    pod = json.loads(kubectl("get", "pod", sent.running_pod(), "--output", "json"))["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["serviceAccountName"] == "seedbed-trial"
    for container in [*pod["initContainers"], *pod["containers"]]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"]["drop"] == ["ALL"]
    (main,) = [one for one in pod["containers"] if one["name"] == "main"]
    assert main["securityContext"]["readOnlyRootFilesystem"] is True
    said = json.dumps([main.get("args"), main.get("command"), main.get("env")])
    assert "SECRET" not in said


@pytest.fixture
def client_of(cluster: KubernetesApi) -> Callable[[str], object]:
    address = cluster_store()

    def client(role: str) -> object:
        identity = cluster.secret(f"seedbed-s3-{role}")
        return boto3.client(
            "s3",
            endpoint_url=os.environ[ENDPOINT],
            region_name="us-east-1",
            aws_access_key_id=identity["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=identity["AWS_SECRET_ACCESS_KEY"],
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )

    assert address == "s3://seedbed"
    return client


def test_a_trial_may_not_delete_and_a_reader_may_not_write(client_of: Callable[[str], object]) -> None:
    trial, reader, collect = client_of("trial"), client_of("reader"), client_of("collect")
    place = {"Bucket": "seedbed", "Key": "trials/of-this-test/note"}
    trial.put_object(**place, Body=b"a note")  # type: ignore[attr-defined]
    assert reader.get_object(**place)["Body"].read() == b"a note"  # type: ignore[attr-defined]
    with pytest.raises(ClientError, match="AccessDenied"):
        trial.delete_object(**place)  # type: ignore[attr-defined]
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.put_object(**place, Body=b"another")  # type: ignore[attr-defined]
    collect.delete_object(**place)  # type: ignore[attr-defined]
    with pytest.raises(ClientError, match="NoSuchKey"):
        reader.get_object(**place)  # type: ignore[attr-defined]
