"""What goes wrong in a night costs time, and no number."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from seedbed.argo.cluster import nodes_of
from seedbed.argo.kubernetes_api import KubernetesApi
from seedbed.results import Result
from tests.cluster.conftest import Sweep, kubectl, same_numbers, seedbed, until

EVICTED = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
TIMESLICE_SECONDS = 30

CLUSTER_TOOL = os.environ.get("CLUSTER_TOOL", "")
"""Stops and starts the cluster's own parts; the Makefile says where it is."""


def restart(part: str) -> None:
    """Stop a part of the cluster and start it again, once more where it does not come up."""
    subprocess.run([CLUSTER_TOOL, "restart", part], check=True, capture_output=True, timeout=120)

    def is_up() -> bool:
        subprocess.run([CLUSTER_TOOL, "start", part], check=False, capture_output=True, timeout=120)
        ready = subprocess.run(
            ["kubectl", "get", "--raw", "/readyz"], check=False, capture_output=True, timeout=60
        )
        return ready.returncode == 0

    until(is_up, f"{part} to start")


KILL_THE_LAST = """
kill -9 "$(for process in /proc/[0-9]*; do
  grep -qs "multi[p]rocessing" "$process/cmdline" && echo "${process#/proc/}"
done | sort -n | tail -1)"
"""


def delete(pod: str) -> None:
    kubectl("delete", "pod", pod)


def evict(pod: str) -> None:
    """Say of a pod what the kubelet would, and end it as it would."""
    status = json.dumps({"status": EVICTED})
    kubectl("patch", "pod", pod, "--subresource", "status", "--type", "merge", "--patch", status)
    time.sleep(2)  # until Argo has seen it
    kubectl("delete", "pod", pod)


def kill(pod: str) -> None:
    """End the worker as the kernel would: the process that was forked last."""
    kubectl("exec", pod, "--container", "main", "--", "sh", "-c", KILL_THE_LAST)


PREEMPTIONS = (delete, evict, delete, evict, delete, evict)
"""Of one trial, one after the other: Argo waits four minutes in all before its attempts."""


@pytest.mark.waits
@pytest.mark.parametrize(
    ("accidents", "epochs"), [(PREEMPTIONS, 24), ((kill,), 20)], ids=["preemptions", "kill"]
)
def test_a_trial_goes_on_and_ends_with_the_same_numbers(
    accidents: tuple[Callable[[str], None], ...],
    epochs: int,
    submit: Callable[..., Sweep],
    here: Callable[..., dict[str, Result]],
) -> None:
    sent = submit(name=accidents[0].__name__, plan={"config": {"epochs": epochs}})
    for accident in accidents:
        accident(sent.running_pod())
    assert sent.ends() == "Succeeded"
    (result,) = sent.results().values()
    assert result.attempts > len(accidents)
    same_numbers(sent.results(), here(sent))


@pytest.mark.waits
def test_a_trial_that_takes_longer_than_its_time_slice_goes_on_in_the_next(
    submit: Callable[..., Sweep], here: Callable[..., dict[str, Result]]
) -> None:
    slices = {"timeslice": str(TIMESLICE_SECONDS), "cpu": "1"}  # a core, so that each gets somewhere
    sent = submit(name="sliced", plan={"config": {"epochs": 60}}, **slices)
    assert sent.ends() == "Succeeded"
    (result,) = sent.results().values()
    assert result.attempts >= 2
    same_numbers(sent.results(), here(sent))


@pytest.mark.alone
@pytest.mark.machine
def test_parts_of_the_cluster_that_start_anew_lose_nothing(
    submit: Callable[..., Sweep], here: Callable[..., dict[str, Result]]
) -> None:
    sent = submit(name="restarted", plan={"config": {"epochs": 130}})
    with ThreadPoolExecutor() as aside:
        expected = aside.submit(here, sent)
        # The controllers come last: they give up when the API server goes away while they start.
        for part in ("apiserver", "containerd", "controllers"):
            sent.running_pod()
            restart(part)
        assert sent.ends() == "Succeeded"
        same_numbers(sent.results(), expected.result())


def test_a_trial_that_needs_more_memory_is_not_tried_again_with_the_same(
    submit: Callable[..., Sweep],
) -> None:
    sent = submit(name="memory", plan={"config": {"epochs": 21}}, memory="350Mi")
    assert sent.ends() == "Failed"
    assert len(sent.pods("trial")) == 1
    messages = [str(node.get("message")) for node in sent.pods("trial")]
    assert any("OOMKilled" in message or "out of memory" in message for message in messages), messages


@pytest.mark.waits
def test_a_sweep_that_is_stopped_has_its_table_and_goes_on_later(
    submit: Callable[..., Sweep], cluster: KubernetesApi
) -> None:
    sent = submit(name="stopped", plan={"config": {"epochs": 19}}, seeds=2, at_once=1)
    until(lambda: len(sent.results()) == 1, "the first of two results")
    sent.running_pod()
    assert seedbed("stop", sent.name).returncode == 0
    assert sent.ends() == "Failed"
    told = seedbed("table", "stopped", "--on", "argo", "--full")
    assert "(1/2)" in told.stdout, told.stderr
    went_on = seedbed("resume", sent.name)
    assert went_on.returncode == 0, went_on.stderr
    assert "(2/2)" in went_on.stdout
    attempts = [result.attempts for result in sent.results().values()]
    assert sorted(attempts) == [1, 2]
    workflow = next(
        one for one in cluster.workflows() if one["metadata"]["labels"]["seedbed/sweep"] == "stopped"
    )
    trained = [node for node in nodes_of(workflow).values() if node.get("templateName") == "trial"]
    assert len([node for node in trained if node["type"] == "Pod"]) == 1
