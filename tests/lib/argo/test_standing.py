"""How a workflow stands, from nodes as Argo 3.7.18 wrote them."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from seedbed.argo.cluster import newest_first, nodes_of
from seedbed.argo.standing import by_message, folder_of, standing_of

LABEL = "teachers modality=gaf network=wrn16-1 seed=2"
NO_CPU = "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu"
MISSPELT = "workflow kd-1: tasks[teachers].plan.config.epoch: no such setting; did you mean 'epochs'?"


def node(name: str, kind: str, phase: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"name": f"kd-1.{name}", "type": kind, "phase": phase, "message": message, **more}


def workflow(nodes: dict[str, dict[str, Any]], phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {
            "name": "kd-1",
            "labels": {"seedbed/sweep": "kd", "workflows.argoproj.io/phase": phase},
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "status": {"phase": phase, "nodes": nodes},
    }


def trial(number: int, phase: str, message: str) -> dict[str, Any]:
    inputs = {"parameters": [{"name": "pack", "value": "65da"}, {"name": "label", "value": LABEL}]}
    return node(f"teachers.trial({number}:label:x)", "Pod", phase, message, inputs=inputs)


def test_a_pod_that_cannot_be_scheduled_says_for_what_it_waits() -> None:
    why = f"{NO_CPU}. no new claims to deallocate, preemption: 0/1 nodes are available."
    found = standing_of(
        workflow({"1": trial(0, "Pending", why), "2": trial(1, "Pending", "PodInitializing")})
    )
    assert [(note.node, note.message) for note in found.waiting] == [(LABEL, NO_CPU)]
    assert not found.ended


def test_of_several_attempts_the_last_one_is_told() -> None:
    nodes = {
        "r": node(
            "teachers.plan",
            "Retry",
            "Failed",
            "retryStrategy.expression evaluated to false",
            children=["a", "b"],
        ),
        "a": node("teachers.plan(0)", "Pod", "Failed", "main: Error (exit code 75): the store is away"),
        "b": node("teachers.plan(1)", "Pod", "Failed", f"main: Error (exit code 78): {MISSPELT}"),
        "d": node("teachers", "DAG", "Failed"),
        "o": node("teachers.trial", "Skipped", "Omitted", "omitted: depends condition not met"),
    }
    (note,) = standing_of(workflow(nodes, "Failed")).failed
    assert (note.node, note.message, note.exit_code) == ("teachers.plan", MISSPELT, 78)


def test_a_trial_that_succeeds_in_its_second_attempt_has_not_failed() -> None:
    nodes = {
        "r": node("teachers.trial(0:label:x)", "Retry", "Succeeded", children=["a", "b"]),
        "a": node("teachers.trial(0:label:x)(0)", "Pod", "Error", "pod deleted"),
        "b": node("teachers.trial(0:label:x)(1)", "Pod", "Succeeded"),
    }
    assert standing_of(workflow(nodes, "Succeeded")).failed == []


def test_a_trial_that_is_tried_again_has_not_failed_yet() -> None:
    nodes = {
        "r": node("teachers.trial(0:label:x)", "Retry", "Running", children=["a", "b"]),
        "a": node("teachers.trial(0:label:x)(0)", "Pod", "Error", "pod deleted"),
        "b": node("teachers.trial(0:label:x)(1)", "Pod", "Running"),
    }
    assert standing_of(workflow(nodes)).failed == []


def test_an_out_of_memory_kill_has_no_words_of_its_own() -> None:
    nodes = {"a": node("teachers.collect(0)", "Pod", "Failed", "main: OOMKilled (exit code 137)")}
    (note,) = standing_of(workflow(nodes, "Failed")).failed
    assert (note.message, note.exit_code) == ("main: OOMKilled (exit code 137)", 137)


def test_many_nodes_are_kept_compressed() -> None:
    nodes = {"1": trial(0, "Pending", NO_CPU)}
    packed = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    assert nodes_of({"status": {"phase": "Running", "compressedNodes": packed}}) == nodes
    assert nodes_of({}) == {}


def test_what_says_the_same_is_one_line() -> None:
    found = standing_of(workflow({str(n): trial(n, "Pending", NO_CPU) for n in range(3)}))
    assert by_message(found.waiting) == {NO_CPU: [LABEL] * 3}


def test_sweeps_are_listed_newest_first_and_others_not_at_all() -> None:
    one, two, other = (workflow({}) for _ in range(3))
    two["metadata"] = {**two["metadata"], "name": "kd-2", "creationTimestamp": "2026-01-02T00:00:00Z"}
    other["metadata"] = {**other["metadata"], "labels": {}}
    assert [found["metadata"]["name"] for found in newest_first([one, other, two])] == ["kd-2", "kd-1"]
    assert folder_of(two) == "sweeps/kd/kd-2"
