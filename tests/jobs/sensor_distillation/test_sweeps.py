"""What the sweeps of this family promise each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.planning import SweepPlan, plan_sweep
from seedbed.sweep import Form
from seedbed.sweep.laptop import in_form
from seedbed.sweep.workflow import read_sweep

WORKFLOWS = Path(__file__).parents[3] / "workflows"
OURS = ("kd-alpha-sweep", "kd-one-teacher")
FORMS: tuple[Form, ...] = ("full", "laptop")


def planned(name: str, form: Form) -> SweepPlan:
    return plan_sweep(in_form(read_sweep(WORKFLOWS / f"{name}.yaml"), form))


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
