"""What is sent to a cluster is the sweep file, and nothing of the cluster's own is sent again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from seedbed.argo.submission import again, document_of
from seedbed.sweep.workflow import read_sweep, sweep_in

STAGES: dict[str, Any] = {
    "leaders": {"config": {"role": "leader"}, "grid": {"width": [2, 3]}},
    "others": {"config": {"role": "leader"}, "depends": "leaders"},
}


def parameters(document: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in document["spec"]["arguments"]["parameters"]}


def test_the_file_is_sent_as_it_is(make_sweep: Callable[..., Path]) -> None:
    file = make_sweep(STAGES)
    assert document_of(file, None, None) == yaml.safe_load(file.read_text())


def test_form_and_seeds_replace_the_files_own(make_sweep: Callable[..., Path]) -> None:
    document = document_of(make_sweep(STAGES), "laptop", "5-6")
    assert parameters(document) == {"form": "laptop", "seeds": "5-6"}


def test_a_workflow_that_ended_is_sent_again_without_what_the_cluster_added(
    make_sweep: Callable[..., Path],
) -> None:
    sent = document_of(make_sweep(STAGES, laptop={"all": {"seeds": "0"}}), None, "3")
    ended = as_the_cluster_has_it(sent)
    assert again(ended) == sent
    by_argo_server = {key: value for key, value in ended.items() if key not in ("apiVersion", "kind")}
    assert again(by_argo_server) == sent


def test_the_cluster_s_copy_is_the_same_sweep(make_sweep: Callable[..., Path]) -> None:
    file = make_sweep(STAGES, laptop={"all": {"seeds": "0"}})
    here = read_sweep(file)
    there = sweep_in(as_the_cluster_has_it(document_of(file, None, None)), "there")
    assert (there.name, there.title, there.seeds, there.form) == (
        here.name,
        here.title,
        here.seeds,
        here.form,
    )
    assert there.laptop == here.laptop
    assert [(one.name, one.family, one.plan, one.depends) for one in there.stages] == [
        (one.name, one.family, one.plan, one.depends) for one in here.stages
    ]


def as_the_cluster_has_it(sent: dict[str, Any]) -> dict[str, Any]:
    """With what Argo 3.7.18 and the API server add while it runs."""
    metadata, spec = sent["metadata"], sent["spec"]
    labels = {"workflows.argoproj.io/phase": "Failed", "workflows.argoproj.io/completed": "true"}
    added = {"name": "toy-sweep-abcde", "namespace": "seedbed", "uid": "1", "generation": 9}
    templates = [{**one, "inputs": {}, "outputs": {}, "metadata": {}} for one in spec["templates"]]
    return {
        **sent,
        "metadata": {
            **metadata,
            **added,
            "labels": {**metadata["labels"], **labels},
            "annotations": {**metadata["annotations"], "workflows.argoproj.io/pod-name-format": "v2"},
        },
        "spec": {**spec, "templates": templates, "shutdown": "Stop"},
        "status": {"phase": "Failed", "nodes": {}},
    }
