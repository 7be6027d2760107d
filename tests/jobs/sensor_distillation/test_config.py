"""The family's knobs: which exist where, what is refused and in which words, and how teachers' shares are completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sensor_distillation import family
from jobs.sensor_distillation.config import (
    DistilledStudent,
    GafTeacher,
    MtfTeacher,
    SignalTeacher,
    Student,
)
from seedbed.config import Config, ConfigError
from seedbed.errors import InvalidConfig, InvalidSweep
from seedbed.identity import trial_id
from seedbed.planning import SweepPlan, plan_sweep
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep

MODALITIES = ("signal", "gaf", "gadf", "mtf", "stack")


def teacher(modality: str, **settings: Any) -> Config:
    return family.plan({"role": "teacher", "modality": modality, **settings}, {})


TEACHERS = {modality: teacher(modality) for modality in MODALITIES}


def student(settings: Mapping[str, Any], modalities: Sequence[str] = ()) -> Any:
    return family.plan({"role": "student", **settings}, {name: TEACHERS[name] for name in modalities})


def alpha(settings: Mapping[str, Any], modalities: Sequence[str]) -> dict[str, float]:
    shares: dict[str, float] = student(settings, modalities).alpha
    return shares


def refused(settings: Mapping[str, Any], inputs: Mapping[str, Config] | None = None) -> str:
    with pytest.raises(ConfigError) as raised:
        family.plan(settings, inputs or {})
    return str(raised.value)


@pytest.mark.parametrize(
    ("settings", "modalities", "expected"),
    [
        ({"role": "teacher", "modality": "signal"}, (), SignalTeacher),
        ({"role": "teacher", "modality": "gaf"}, (), GafTeacher),
        ({"role": "teacher", "modality": "gadf", "image_size": 16}, (), GafTeacher),
        ({"role": "teacher", "modality": "mtf", "bins": 4}, (), MtfTeacher),
        ({"role": "student"}, (), Student),
        ({"role": "student"}, ("gaf",), DistilledStudent),
        ({"role": "student", "alpha": {"gaf": 0.1}, "temperature": 2}, ("gaf", "signal"), DistilledStudent),
    ],
)
def test_role_modality_and_teachers_say_which_knobs_there_are(
    settings: dict[str, Any], modalities: tuple[str, ...], expected: type[Config]
) -> None:
    config = family.plan(settings, {name: TEACHERS[name] for name in modalities})
    assert type(config) is expected
    assert family.read(config.model_dump(mode="json")) == config


def test_the_defaults_are_those_of_the_study() -> None:
    config = student({}, ["gaf"])
    assert (config.kd_weight, config.temperature, config.kl_reduction) == (0.7, 4.0, "mean")
    assert (config.learning_rate, config.momentum, config.weight_decay) == (0.05, 0.9, 1e-4)
    assert (config.epochs, config.batch_size) == (200, 64)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            {"role": "teacher", "modality": "signal", "image_size": 32},
            "image_size: has no effect in a teacher that reads the signal; it exists only in "
            "a teacher that reads Gramian angular fields or a teacher that reads Markov transition fields or "
            "a teacher that reads both angular fields and the transition field, one above the other",
        ),
        (
            {"role": "student", "temperature": 4},
            "temperature: has no effect in a student without teachers; it exists only in a student with teachers",
        ),
        ({"role": "student", "kd_weight": 0.7}, "kd_weight: has no effect in a student without teachers; "),
        ({"role": "student", "kl_reduction": "mean"}, "kl_reduction: has no effect in a student without"),
        (
            {"role": "teacher", "modality": "gaf", "bins": 8},
            "bins: has no effect in a teacher that reads Gramian angular fields; "
            "it exists only in a teacher that reads Markov transition fields",
        ),
        ({"role": "student", "modality": "gaf"}, "modality: has no effect in a student without teachers; "),
        ({"role": "teacher", "modality": "gaf", "alpha": {}}, "alpha: has no effect in a teacher that"),
        ({"role": "teacher", "modality": "mtf", "bin": 8}, "bin: no such setting; did you mean 'bins'?"),
        ({"role": "student", "epoch": 8}, "epoch: no such setting; did you mean 'epochs'?"),
        ({"role": "teacher", "modality": "gap"}, "modality: found 'gap'; did you mean 'gaf'?"),
        ({"role": "teacher"}, "modality: is required and not set; known: signal, gaf, gadf, mtf, stack"),
        ({"role": "techer"}, "role: found 'techer'; did you mean 'teacher'?"),
        ({}, "role: is required and not set; known: teacher, student"),
        ({"role": "student", "epochs": 0}, "epochs: input should be greater than or equal to 1, found 0"),
        ({"role": "student", "epochs": 8.5}, "epochs: "),
        ({"role": "student", "learning_rate": "1e-3"}, "(YAML reads it as text: write 0.001)"),
        ({"role": "student", "momentum": 1}, "momentum: input should be less than 1, found 1"),
        ({"role": "teacher", "modality": "gaf", "image_size": 1}, "image_size: input should be greater"),
        ({"role": "teacher", "modality": "mtf", "bins": 1}, "bins: input should be greater"),
        ({"role": "student", "window": 4}, "window: input should be greater than or equal to 8, found 4"),
    ],
)
def test_a_knob_that_does_nothing_or_does_not_exist_is_refused(
    settings: dict[str, Any], complaint: str
) -> None:
    assert complaint in refused(settings)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            {"network": "wrm16-1"},
            "network: no network is named 'wrm16-1': wrn<depth>-<width> is, as in wrn16-1",
        ),
        ({"network": "wrn17-1"}, "network: a wide residual network has depth 6N + 4 (10, 16, 22, 28, 34, 40"),
        ({"network": "wrn16-0"}, "network: no network is named 'wrn16-0'"),
        ({"data": "wacht"}, "data: no data set is called 'wacht'; did you mean 'watch'?"),
        ({"data": "uci-har"}, "data: no data set is called 'uci-har'; did you mean 'uci_har'?"),
        ({"data": "ucr/../../etc"}, "data: ucr/../../etc: a set's name has letters, digits, - and _ only"),
    ],
)
def test_an_unknown_network_or_data_set_is_refused_with_what_is_known(
    settings: dict[str, Any], complaint: str
) -> None:
    assert complaint in refused({"role": "student", **settings})


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"role": "student", "window": 2000}, "window: 2000 samples; data watch takes 2 to 947"),
        (
            {"role": "student", "data": "ucr/GunPoint", "window": 100},
            "window: 100 has no effect with data ucr/GunPoint, whose windows are fixed",
        ),
        (
            {"role": "teacher", "modality": "gaf", "window": 50, "image_size": 64},
            "image_size: 64 pixels are more than the 50 samples of a window",
        ),
        (
            {"role": "teacher", "modality": "mtf", "image_size": 256},
            "image_size: 256 pixels are more than the 200 samples of a window",
        ),
        (
            {"role": "teacher", "modality": "gaf", "window": 16},
            "image_size: 32 pixels are more than the 16 samples of a window",
        ),
    ],
)
def test_a_window_or_an_image_that_the_data_cannot_give_is_refused_before_training(
    settings: dict[str, Any], complaint: str
) -> None:
    assert refused(settings).startswith(complaint)


def test_one_teacher_needs_no_alpha() -> None:
    assert alpha({}, ["gaf"]) == {"gaf": 1.0}
    assert student({}, ["gaf"]) == student({"alpha": {"gaf": 1}}, ["gaf"])


def test_the_share_that_is_left_out_is_the_rest() -> None:
    assert alpha({"alpha": {"gaf": 0.1}}, ["signal", "gaf"]) == {"gaf": 0.1, "signal": 0.9}
    assert alpha({"alpha": {"gaf": 1}}, ["signal", "gaf"]) == {"gaf": 1.0, "signal": 0.0}
    assert alpha({"alpha": {"gaf": 0.2, "mtf": 0.3}}, ["signal", "gaf", "mtf"])["signal"] == 0.5


def test_shares_that_are_all_given_are_normalised() -> None:
    assert alpha({"alpha": {"gaf": 1, "signal": 3}}, ["signal", "gaf"]) == {"gaf": 0.25, "signal": 0.75}
    assert alpha({"alpha": {"gaf": 0.5, "signal": 0}}, ["signal", "gaf"]) == {"gaf": 1.0, "signal": 0.0}


@pytest.mark.parametrize(
    ("shares", "modalities", "path", "complaint"),
    [
        ({"gaf": 0, "signal": 0}, ["gaf", "signal"], ("alpha",), "every share is zero"),
        ({"gaf": 0}, ["gaf"], ("alpha",), "every share is zero"),
        ({}, [], ("alpha",), "there is no teacher: none is among the inputs"),
        (
            {"gaf": 1.2},
            ["gaf", "signal"],
            ("alpha",),
            "the shares add up to 1.2 and leave nothing for signal",
        ),
        (
            {},
            ["gaf", "signal"],
            ("alpha",),
            "the shares of gaf and signal are not set; only one can be the rest, as with {gaf: 0.5}",
        ),
        (
            {"gaf": 0.5},
            ["gaf", "signal", "mtf"],
            ("alpha",),
            "the shares of signal and mtf are not set; only one",
        ),
        (
            {"gaf": 0.5, "mtf": 0.5},
            ["gaf", "signal"],
            ("alpha", "mtf"),
            "no input has this modality; the teachers are: gaf, signal",
        ),
        ({"gaf": 0.5}, [], ("alpha", "gaf"), "no input has this modality; the teachers are: none"),
        ({"gaf": -0.1}, ["gaf", "signal"], ("alpha", "gaf"), "greater than or equal to 0, found -0.1"),
        ({"gaf": -1, "signal": -1}, ["gaf", "signal"], ("alpha", "gaf"), "equal to 0, found -1"),
        ({"gaf": "0.1"}, ["gaf", "signal"], ("alpha", "gaf"), "expected a number, found the text '0.1'"),
        ({"gaf": True}, ["gaf", "signal"], ("alpha", "gaf"), "found True"),
        ({"gaf": None}, ["gaf", "signal"], ("alpha", "gaf"), "found None"),
        (0.5, ["gaf", "signal"], ("alpha",), "found 0.5"),
        ("half", ["gaf", "signal"], ("alpha",), "found 'half'"),
        (None, ["gaf"], ("alpha",), "found None"),
        ({"gaf": float("inf"), "signal": 1}, ["gaf", "signal"], (), "not plain settings"),
        ({"gaf": float("nan"), "signal": 1}, ["gaf", "signal"], (), "not plain settings"),
    ],
)
def test_shares_that_mean_nothing_are_refused_where_they_stand(
    shares: Any, modalities: list[str], path: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        student({"alpha": shares}, modalities)
    assert raised.value.path == path
    assert complaint in raised.value.complaint


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("gaf", TEACHERS["signal"], "inputs.gaf: selects a trial whose modality is signal, expected gaf"),
        ("gfa", TEACHERS["gaf"], "inputs.gfa: no teacher's modality is called so; did you mean 'gaf'?"),
        ("gaf", TEACHERS["gadf"], "inputs.gaf: selects a trial whose modality is gadf, expected gaf"),
        (
            "teacher",
            TEACHERS["gaf"],
            "inputs.teacher: no teacher's modality is called so; known: signal, gaf, gadf, mtf, stack",
        ),
        ("gaf", student({}), "inputs.gaf: selects a student, expected a gaf teacher"),
    ],
)
def test_an_input_of_another_modality_than_its_name_is_refused(
    name: str, source: Config, complaint: str
) -> None:
    assert complaint in refused({"role": "student"}, {name: source})


def test_a_teacher_builds_on_no_teacher() -> None:
    complaint = refused({"role": "teacher", "modality": "signal"}, {"gaf": TEACHERS["gaf"]})
    assert complaint == "inputs.gaf: only a student builds on other trials"


@pytest.mark.parametrize(
    ("theirs", "mine", "complaint"),
    [
        ({"data": "uci_har"}, {}, "data: found 'watch', but the gaf teacher was trained with 'uci_har'"),
        ({"window": 400}, {}, "window: found None, but the gaf teacher was trained with 400"),
        ({}, {"window": 400}, "window: found 400, but the gaf teacher was trained with None"),
        ({"split_seed": 1}, {"split_seed": 2}, "split_seed: found 2, but the gaf teacher was trained with 1"),
    ],
)
def test_a_teacher_of_other_windows_is_refused(
    theirs: dict[str, Any], mine: dict[str, Any], complaint: str
) -> None:
    assert refused({"role": "student", **mine}, {"gaf": teacher("gaf", **theirs)}) == complaint


def test_a_teacher_may_be_another_network_trained_in_another_way() -> None:
    strong = teacher("gaf", network="wrn28-3", epochs=300, image_size=48, learning_rate=0.1)
    assert isinstance(family.plan({"role": "student"}, {"gaf": strong}), DistilledStudent)


def identity(settings: Mapping[str, Any], modalities: Sequence[str]) -> str:
    return trial_id(
        family=family.name,
        role="student",
        revision=1,
        config=student(settings, modalities),
        seed=0,
        data="data",
        inputs={name: [(f"the {name} teacher", "best")] for name in modalities},
    )


def test_the_rest_written_out_is_the_same_trial() -> None:
    short = identity({"alpha": {"gaf": 0.1}}, ["gaf", "signal"])
    assert short == identity({"alpha": {"gaf": 0.1, "signal": 0.9}}, ["gaf", "signal"])
    assert short == identity({"alpha": {"signal": 0.9, "gaf": 0.1}}, ["signal", "gaf"])
    assert short == identity({"alpha": {"signal": 9, "gaf": 1}}, ["signal", "gaf"])
    thirds = ({"gaf": 1, "signal": 2}, {"gaf": 0.1, "signal": 0.2}, {"signal": 0.6, "gaf": 0.3})
    assert len({identity({"alpha": shares}, ["gaf", "signal"]) for shares in thirds}) == 1
    assert short != identity({"alpha": {"gaf": 0.9}}, ["gaf", "signal"])


some_shares = st.dictionaries(st.sampled_from(MODALITIES), st.floats(0, 10), min_size=1).filter(
    lambda shares: sum(shares.values()) > 1e-6
)


@given(some_shares)
def test_normalised_shares_sum_to_one_and_know_no_order(shares: dict[str, float]) -> None:
    normalised = alpha({"alpha": shares}, list(shares))
    assert sum(normalised.values()) == pytest.approx(1, abs=1e-11)
    expected = {name: share / sum(shares.values()) for name, share in shares.items()}
    assert normalised == pytest.approx(expected, abs=1e-11)
    identities = {
        identity({"alpha": dict(order)}, [name for name, _ in reversed(order)])
        for order in permutations(shares.items())
    }
    assert len(identities) == 1


@given(st.floats(0, 1))
def test_a_share_and_its_rest_are_one_trial_for_any_share(share: float) -> None:
    short = student({"alpha": {"gaf": share}}, ["gaf", "signal"])
    assert short.alpha["gaf"] + short.alpha["signal"] == pytest.approx(1, abs=1e-11)
    again = student({"alpha": short.alpha}, ["signal", "gaf"])
    assert again == short


@given(st.integers(0, 1000))
def test_the_rest_of_a_decimal_share_may_be_written_in_decimals(thousandths: int) -> None:
    share, rest = thousandths / 1000, (1000 - thousandths) / 1000
    short = identity({"alpha": {"gaf": share}}, ["gaf", "signal"])
    assert short == identity({"alpha": {"signal": rest, "gaf": share}}, ["gaf", "signal"])


TEACHING = {"config": {"role": "teacher", "window": 400}, "grid": {"modality": ["gaf", "signal"]}}
LEARNING = {
    "depends": "teachers",
    "config": {"role": "student", "window": 400},
    "inputs": {
        name: {"stage": "teachers", "where": {"modality": name}} for name in ("gaf", "signal")
    },
}  # fmt: skip


def plan(make_sweep: MakeSweep, teachers: dict[str, Any], students: dict[str, Any]) -> SweepPlan:
    stages = {"teachers": {**TEACHING, **teachers}, "students": {**LEARNING, **students}}
    return plan_sweep(read_sweep(make_sweep(stages, family="sensor_distillation")))


def test_two_points_that_mean_the_same_shares_are_refused_and_both_are_named(make_sweep: MakeSweep) -> None:
    shares: dict[str, Any] = {"half": {"gaf": 0.5}, "one to one": {"gaf": 1, "signal": 1}}
    labels = {name: {"config": {"alpha": alpha}} for name, alpha in shares.items()}
    with pytest.raises(InvalidSweep) as raised:
        plan(make_sweep, {}, {"grid": {"shares": labels}})
    assert str(raised.value).endswith(
        "[students].plan.grid: shares=half seed=0 and shares=one to one seed=0 are the same trial"
    )


def test_a_share_on_an_axis_is_the_one_that_the_trial_has(make_sweep: MakeSweep) -> None:
    thirds = {"grid": {"alpha.gaf": [0.1, 0.5], "alpha.signal": [0.9, 0.5]}}
    with pytest.raises(InvalidSweep) as raised:
        plan(make_sweep, {}, thirds)
    assert (
        "[students].plan.grid.alpha.gaf: 0.1 becomes 0.166666666667 in the trial alpha.gaf=0.1 alpha."
        in str(raised.value)
    )
    agreeing = [{"alpha.gaf": [share], "alpha.signal": [1 - share]} for share in (0.1, 0.5)]
    assert len(plan(make_sweep, {}, {"grid": agreeing}).stages["students"].points) == 2


def test_different_shares_are_different_trials_and_share_their_teachers(make_sweep: MakeSweep) -> None:
    planned = plan(make_sweep, {}, {"grid": {"alpha.gaf": [0.1, 0.9]}})
    students = planned.stages["students"].trials
    assert len({trial.id for trial in students}) == 6
    used = {ref.trial for trial in students for refs in trial.inputs.values() for ref in refs}
    assert used == {trial.id for trial in planned.stages["teachers"].trials}


@pytest.mark.parametrize(
    ("teachers", "students", "complaint"),
    [
        ({}, {"grid": {"alpha.gaf": [0.1, 1.1]}}, "[students].plan.grid.alpha.gaf: the shares add up to 1.1"),
        ({}, {"grid": {"alpha.mtf": [0.1]}}, "[students].plan.grid.alpha.mtf: no input has this modality"),
        ({}, {}, "[students].plan.config.alpha: the shares of gaf and signal are not set"),
        (
            {"config": {"role": "teacher", "window": 200}},
            {"grid": {"alpha.gaf": [0.1]}},
            "[students].plan.config.window: found 400, but the gaf teacher was trained with 200",
        ),
        (
            {"config": {"role": "teacher", "window": 5000}},
            {"grid": {"alpha.gaf": [0.1]}},
            "[teachers].plan.config.window: 5000 samples; data watch takes",
        ),
        (
            {},
            {
                "grid": {"alpha.gaf": [0.1]},
                "inputs": {
                    "gaf": {"stage": "teachers", "where": {"modality": "signal"}},
                    "signal": {"stage": "teachers", "where": {"modality": "signal"}},
                },
            },
            "[students].plan.inputs.gaf: selects a trial whose modality is signal, expected gaf",
        ),
    ],
)
def test_a_sweep_names_the_place_of_what_it_gets_wrong(
    make_sweep: MakeSweep, teachers: dict[str, Any], students: dict[str, Any], complaint: str
) -> None:
    with pytest.raises((InvalidConfig, InvalidSweep)) as raised:
        plan(make_sweep, teachers, students)
    assert complaint in str(raised.value)
