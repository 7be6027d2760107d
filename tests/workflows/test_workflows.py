"""Every sweep in workflows/ and the stage template: Argo knows every field, each can be planned, retries are right."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hera.workflows import models

from seedbed.cli.checking import check_sweep
from seedbed.config import ConfigError
from seedbed.errors import KILLED, RETRIED, SeedbedError
from seedbed.sweep.workflow import read_sweep
from seedbed.sweep.yaml import load_yaml

WORKFLOWS = Path(__file__).parents[2] / "workflows"
SWEEPS = sorted(WORKFLOWS.glob("*.yaml"))
TEMPLATES = [WORKFLOWS / "templates" / "stage.yaml"]


def load(path: Path) -> Any:
    return load_yaml(path.read_text(encoding="utf-8"), str(path))


def unknown_fields(given: Any, understood: Any, path: str = "") -> Iterator[str]:
    """Where a document has a field that the model it was read into has dropped."""
    if isinstance(given, dict):
        for name, value in given.items():
            if name in understood:
                yield from unknown_fields(value, understood[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(given, list):
        for index, (value, read) in enumerate(zip(given, understood, strict=True)):
            yield from unknown_fields(value, read, f"{path}[{index}]")


def kinds_of(error: type[SeedbedError]) -> Iterator[type[SeedbedError]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds_of(kind)


def test_there_are_sweeps_and_a_template_to_check() -> None:
    assert SWEEPS
    assert all(path.is_file() for path in TEMPLATES)


@pytest.mark.parametrize("path", SWEEPS + TEMPLATES, ids=lambda path: path.stem)
def test_argo_knows_every_field(path: Path) -> None:
    document = load(path)
    model = getattr(models, document["kind"]).model_validate(document)
    read_back = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert list(unknown_fields(document, read_back)) == []


def test_a_field_that_argo_does_not_know_would_be_found() -> None:
    document = load(SWEEPS[0])
    document["spec"]["templates"][0]["dag"]["tasks"][0]["dependz"] = "nothing"
    read_back = models.Workflow.model_validate(document).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    assert list(unknown_fields(document, read_back)) == [".spec.templates[0].dag.tasks[0].dependz"]


@pytest.mark.parametrize("path", SWEEPS + TEMPLATES, ids=lambda path: path.stem)
def test_a_file_says_in_sentences_what_it_is_for(path: Path) -> None:
    annotations = load(path)["metadata"]["annotations"]
    assert annotations["workflows.argoproj.io/title"].strip()
    assert annotations["workflows.argoproj.io/description"].strip().endswith(".")


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_sweep_asks_a_question_and_is_called_like_its_file(path: Path) -> None:
    metadata = load(path)["metadata"]
    assert metadata["annotations"]["workflows.argoproj.io/title"].endswith("?")
    assert metadata["labels"]["seedbed/sweep"] == path.stem
    assert metadata["generateName"] == f"{path.stem}-"


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_every_trial_of_a_sweep_can_be_planned_in_both_forms(path: Path) -> None:
    lines = list(check_sweep(path))
    forms = ["full form", "laptop form"] if read_sweep(path).laptop else ["full form"]
    assert [line.split(": ")[1] for line in lines] == forms


def test_what_may_end_otherwise_is_retried_and_nothing_else() -> None:
    found = list(kinds_of(SeedbedError))
    assert ConfigError in found
    temporary = {kind.__name__ for kind in found if kind.exit_code == os.EX_TEMPFAIL}
    assert temporary == {"Interrupted", "StoreUnavailable", "ClusterUnavailable"}
    assert {kind.__name__ for kind in found if kind.exit_code in RETRIED} == temporary
    assert set(RETRIED) == {os.EX_TEMPFAIL, KILLED, 128 + 15}


@pytest.mark.parametrize("name", ["plan", "trial", "collect"])
def test_the_stage_template_retries_the_same_exit_codes(name: str) -> None:
    (template,) = [one for one in load(TEMPLATES[0])["spec"]["templates"] if one["name"] == name]
    rule = template["retryStrategy"]["expression"]
    listed = re.search(r"asInt\(lastRetry.exitCode\) in \[([0-9, ]+)\]", rule)
    alone = re.findall(r"asInt\(lastRetry.exitCode\) == (\d+)", rule)
    assert listed is not None
    assert {int(code) for code in [*listed[1].split(","), *alone]} == set(RETRIED)
