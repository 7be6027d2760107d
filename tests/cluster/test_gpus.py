"""Trials that want a GPU take turns at those there are, and say so while they wait."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.conftest import Sweep, kubectl, seedbed, until

RESOURCE = "nvidia.com~1gpu"


def offer(gpus: int) -> None:
    """Let every node offer so many GPUs, for scheduling; there need be none."""
    for node in kubectl("get", "nodes", "--output", "name").split():
        change = [{"op": "add", "path": f"/status/capacity/{RESOURCE}", "value": str(gpus)}]
        kubectl("patch", node, "--subresource", "status", "--type", "json", "--patch", json.dumps(change))


@pytest.fixture
def no_gpus() -> Iterator[None]:
    offer(0)
    yield
    offer(0)


@pytest.mark.usefixtures("no_gpus")
def test_with_two_gpus_two_trials_run_at_a_time_and_with_none_they_wait(submit: Callable[..., Sweep]) -> None:
    sent = submit(name="gpus", plan={"config": {"epochs": 9}}, seeds=3, gpus="1")
    until(
        lambda: "Insufficient nvidia.com/gpu" in seedbed("status", "--on", "argo").stdout, "word of waiting"
    )
    assert [node["phase"] for node in sent.pods("trial")] == ["Pending"] * 3
    offer(2)
    most = 0
    until(
        lambda: (phases := [node["phase"] for node in sent.pods("trial")]) and "Running" in phases, "a start"
    )
    while any(node["phase"] in ("Pending", "Running") for node in sent.pods("trial")):
        most = max(most, sum(node["phase"] == "Running" for node in sent.pods("trial")))
    assert most == 2
    assert sent.ends() == "Succeeded"
