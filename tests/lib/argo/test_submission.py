"""What is sent to a cluster is the sweep file, and nothing of the cluster's own is sent again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from seedbed.argo.submission import again, document_of
from seedbed.errors import InvalidSweep
from seedbed.planning import plan_sweep
from seedbed.sweep.laptop import in_form, with_seeds
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


CUT = {"all": {"config": {"steps": 2}, "seeds": "0"}, "apart": {"seeds": "7"}}
APART = {"one": {}, "apart": {"seeds": "8-9"}}


@pytest.mark.parametrize(
    ("form", "expected"),
    [("full", {"one": [4, 5], "apart": [8, 9]}), ("laptop", {"one": [4, 5], "apart": [7]})],
)
def test_seeds_that_are_asked_for_are_those_of_either_form_here_and_there(
    make_sweep: Callable[..., Path], form: Any, expected: dict[str, list[int]]
) -> None:
    stages = {name: {"config": {"role": "leader"}, **plan} for name, plan in APART.items()}
    file = make_sweep(stages, laptop=CUT)
    there = sweep_in(as_the_cluster_has_it(document_of(file, form, "4-5")), "there")
    for sweep in (in_form(with_seeds(read_sweep(file), "4-5"), form), in_form(there, there.form)):
        planned = plan_sweep(sweep)
        assert {name: stage.points[0].seeds for name, stage in planned.stages.items()} == expected
        assert {trial.config["steps"] == 2 for trial in planned.trials} == {form == "laptop"}


@pytest.mark.parametrize("laptop", [None, CUT])
def test_what_are_no_seeds_is_refused_before_it_is_sent(
    make_sweep: Callable[..., Path], laptop: dict[str, Any] | None
) -> None:
    stages = {name: {"config": {"role": "leader"}, "seeds": "0"} for name in APART}
    with pytest.raises(InvalidSweep, match=r"--seeds: found 'zzz', expected seeds such as 0-2"):
        document_of(make_sweep(stages, laptop=laptop), "laptop", "zzz")


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
