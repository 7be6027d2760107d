"""A sweep that the Argo UI can start means what its file means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from hera.workflows import models
from typer.testing import CliRunner

from seedbed.argo.template import template_of
from seedbed.cli import app
from seedbed.sweep.workflow import read_sweep, sweep_in

STAGES: dict[str, Any] = {"leaders": {"config": {"role": "leader"}, "grid": {"width": [2, 3]}}}


def started(template: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """The Workflow that Argo makes of a template, as its plan pod reads it."""
    values = {one["name"]: one["value"] for one in template["spec"]["arguments"]["parameters"]} | parameters
    given = [{"name": name, "value": value} for name, value in values.items()]
    return {
        "apiVersion": template["apiVersion"],
        "kind": "Workflow",
        "metadata": template["spec"]["workflowMetadata"],
        "spec": {"arguments": {"parameters": given}, "workflowTemplateRef": {"name": "toy-sweep"}},
        "status": {"storedWorkflowTemplateSpec": template["spec"]},
    }


def test_what_it_starts_is_the_sweep_of_the_file(make_sweep: Callable[..., Path]) -> None:
    file = make_sweep(STAGES, seeds="0-4", laptop={"all": {"config": {"steps": 2}}})
    template = template_of(file)
    models.WorkflowTemplate.model_validate(template)
    read = sweep_in(started(template), "a workflow")
    plain = read_sweep(file)
    assert replace(read, file="", stages=()) == replace(plain, file="", stages=())
    assert [(one.name, one.plan) for one in read.stages] == [(one.name, one.plan) for one in plain.stages]
    changed = sweep_in(started(template, seeds="7", form="laptop", winners="keep"), "a workflow")
    assert (changed.seeds, changed.form, changed.keep_winners) == ("7", "laptop", True)


def test_every_parameter_is_explained_and_printed(make_sweep: Callable[..., Path]) -> None:
    told = CliRunner().invoke(app, ["template", str(make_sweep(STAGES))])
    assert told.exit_code == 0, told.output
    parameters = yaml.safe_load(told.output)["spec"]["arguments"]["parameters"]
    assert [one["name"] for one in parameters] == ["seeds", "form", "winners"]
    assert all(one["description"].endswith(".") for one in parameters)
    assert parameters[1]["enum"] == ["full", "laptop"]
