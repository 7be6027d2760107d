"""House rules of workflows/, on every file found there, and what the sweeps of this family promise each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hera.workflows import models

from seedbed.cli.checking import check_sweep
from seedbed.config import ConfigError
from seedbed.errors import SeedbedError
from seedbed.local.backend import KILLED, RETRIED
from seedbed.planning import SweepPlan, plan_sweep
from seedbed.sweep import Form
from seedbed.sweep.laptop import in_form
from seedbed.sweep.workflow import read_sweep
from seedbed.sweep.yaml import load_yaml

WORKFLOWS = Path(__file__).parents[3] / "workflows"
SWEEPS = sorted(WORKFLOWS.glob("*.yaml"))
TEMPLATES = sorted((WORKFLOWS / "templates").glob("*.yaml"))
OURS = ("kd-alpha-sweep", "kd-one-teacher")
FORMS: tuple[Form, ...] = ("full", "laptop")


def load(path: Path) -> Any:
    return load_yaml(path.read_text(encoding="utf-8"), str(path))


def planned(name: str, form: Form) -> SweepPlan:
    return plan_sweep(in_form(read_sweep(WORKFLOWS / f"{name}.yaml"), form))


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
    assert set(OURS) <= {path.stem for path in SWEEPS}
    assert [path.stem for path in TEMPLATES]


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
    assert [line.split(": ")[1] for line in lines] == [f"{form} form" for form in FORMS]


@pytest.mark.parametrize("name", OURS)
def test_the_laptop_form_is_a_small_part_of_the_full_one(name: str) -> None:
    full, laptop = (planned(name, form) for form in FORMS)
    assert list(laptop.stages) == list(full.stages)
    assert len(laptop.trials) < len(full.trials) / 2
    assert max(trial.config["epochs"] for trial in laptop.trials) <= 10


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("full", {"teachers": 24, "scratch": 3, "students": 60}),
        ("laptop", {"teachers": 6, "scratch": 3, "students": 15}),
    ],
)
def test_the_alpha_sweep_has_the_trials_of_the_study(form: Form, expected: dict[str, int]) -> None:
    plan = planned("kd-alpha-sweep", form)
    assert {name: len(stage.trials) for name, stage in plan.stages.items()} == expected
    assert len(plan.trials) == sum(expected.values()) == {"full": 87, "laptop": 24}[form]


def test_the_alpha_sweep_weighs_its_image_teacher_by_name() -> None:
    for trial in planned("kd-alpha-sweep", "full").stages["students"].trials:
        assert set(trial.config["alpha"]) == set(trial.inputs) == {"gaf", "signal"}
        assert trial.config["alpha"]["gaf"] == trial.axes["alpha.gaf"]
        assert (trial.config["temperature"], trial.config["kd_weight"]) == (4.0, 0.7)


@pytest.mark.parametrize("form", FORMS)
def test_the_sweeps_share_their_teachers_and_their_students_without_teachers(form: Form) -> None:
    one, other = (planned(name, form) for name in OURS)
    for stage in ("teachers", "scratch"):
        assert [trial.id for trial in one.stages[stage].trials] == [
            trial.id for trial in other.stages[stage].trials
        ]
    students = {trial.id for trial in one.stages["students"].trials}
    assert students.isdisjoint(trial.id for trial in other.trials)


@pytest.mark.parametrize("name", OURS)
def test_a_student_has_the_teacher_that_its_point_names_with_its_own_seed(name: str) -> None:
    plan = planned(name, "full")
    trials = {trial.id: trial for trial in plan.trials}
    for trial in plan.trials:
        for modality, refs in trial.inputs.items():
            (teacher,) = [trials[ref.trial] for ref in refs]
            assert teacher.seed == trial.seed
            assert (teacher.config["modality"], teacher.config["network"]) == (
                modality,
                trial.axes["teacher"],
            )


def test_what_may_end_otherwise_is_retried_and_nothing_else() -> None:
    found = list(kinds_of(SeedbedError))
    assert ConfigError in found
    temporary = {kind.__name__ for kind in found if kind.exit_code == os.EX_TEMPFAIL}
    assert temporary == {"Interrupted", "StoreUnavailable"}
    assert {kind.__name__ for kind in found if kind.exit_code in RETRIED} == temporary
    assert set(RETRIED) == {os.EX_TEMPFAIL, KILLED, 128 + 15}
