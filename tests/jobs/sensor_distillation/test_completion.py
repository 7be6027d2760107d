"""What a student may build on and which of its knobs then exist: a start, weights of teachers, features to imitate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from jobs.sensor_distillation import family
from jobs.sensor_distillation.config import (
    Attention,
    DistilledStudent,
    Similarity,
    StackTeacher,
    Student,
    Training,
)
from seedbed.config import Config, ConfigError, differing
from seedbed.errors import InvalidSweep
from seedbed.planning import plan_sweep
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep


def teacher(modality: str, **settings: Any) -> Config:
    return family.plan({"role": "teacher", "modality": modality, **settings}, {})


TEACHERS = {modality: teacher(modality) for modality in ("signal", "gaf", "mtf", "stack")}
START = family.plan({"role": "student"}, {})


def student(modalities: Sequence[str] = (), start: Config | None = None, **settings: Any) -> Any:
    inputs = {name: TEACHERS[name] for name in modalities} | ({} if start is None else {"start": start})
    return family.plan({"role": "student", **settings}, inputs)


def refused(modalities: Sequence[str] = (), start: Config | None = None, **settings: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        student(modalities, start, **settings)
    return str(raised.value)


# A start


def test_a_start_is_no_teacher() -> None:
    assert type(student(start=START)) is Student
    begun = student(["signal", "gaf"], START, alpha={"gaf": 0.3})
    assert begun == student(["signal", "gaf"], alpha={"gaf": 0.3})
    assert student(["gaf"], START).alpha == {"gaf": 1.0}


def test_a_student_may_start_from_a_student_with_teachers_trained_in_another_way() -> None:
    assert type(student(start=student(["gaf"], epochs=3, learning_rate=0.1, precision="bf16"))) is Student


@pytest.mark.parametrize(
    ("start", "settings", "complaint"),
    [
        (
            TEACHERS["signal"],
            {},
            "inputs.start: selects a teacher, expected a student to start from",
        ),
        (
            START,
            {"network": "wrn16-3"},
            "network: found 'wrn16-3', but the student to start from was trained with 'wrn16-1'",
        ),
        (
            START,
            {"window": 400},
            "window: found 400, but the student to start from was trained with None",
        ),
        (START, {"split_seed": 1}, "split_seed: found 1, but the student to start from was trained with 0"),
        (
            START,
            {"alpha": {"start": 1}},
            "alpha.start: no input has this modality; the teachers are: none",
        ),
        (START, {"alpha": {}}, "alpha: there is no teacher: none is among the inputs"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(
    start: Config, settings: dict[str, Any], complaint: str
) -> None:
    assert refused(start=start, **settings) == complaint


def test_a_teacher_starts_from_nothing() -> None:
    with pytest.raises(ConfigError, match=r"inputs\.start: only a student builds on other trials"):
        family.plan({"role": "teacher", "modality": "signal"}, {"start": START})


# Weights of teachers


@pytest.mark.parametrize("how", ["average", "entropy", "confidence"])
def test_teachers_that_are_weighed_need_no_alpha_and_may_have_none(how: str) -> None:
    config = student(["signal", "gaf", "mtf"], teacher_weights=how)
    assert type(config) is DistilledStudent
    assert config.alpha == dict.fromkeys(("signal", "gaf", "mtf"), round(1 / 3, 12))
    assert config.teacher_weights == how
    assert family.read(config.model_dump(mode="json")) == config
    complaint = refused(["signal", "gaf"], teacher_weights=how, alpha={"gaf": 0.3})
    assert complaint == f"alpha: has no effect with teacher_weights {how}, which weighs the teachers"
    assert refused(["gaf"], teacher_weights=how) == f"teacher_weights: {how} has no effect with one teacher"


def test_another_way_to_weigh_teachers_is_refused_with_what_is_known() -> None:
    assert refused(["signal", "gaf"], teacher_weights="entrophy").startswith(
        "teacher_weights: found 'entrophy', expected 'alpha', 'average', 'entropy' or 'confidence'; did you"
    )
    assert "teacher_weights: has no effect in a student without teachers" in refused(teacher_weights="alpha")
    assert refused(["signal", "gaf"], teacher_weights="alpha").startswith("alpha: the shares of")


# Standardised logits


def test_a_temperature_beside_standardised_logits_is_refused() -> None:
    assert refused(["gaf"], logit_std=True, temperature=2) == (
        "temperature: has no effect with logit_std, which divides by the logits' own deviation"
    )
    assert student(["gaf"], logit_std=True, temperature=4) == student(["gaf"], logit_std=True)
    assert student(["gaf"], logit_std=False, temperature=2) == student(["gaf"], temperature=2)


# Features


def test_similarity_and_attention_are_there_when_they_are_named() -> None:
    config = student(["signal"], similarity={"weight": 700}, attention={"weight": 10})
    assert config.similarity == Similarity(weight=700, merge="raw_gram")
    assert config.attention == Attention(weight=10)
    assert family.read(config.model_dump(mode="json")) == config
    assert differing(config)["similarity"] == {"weight": 700.0}
    assert student(["signal"], similarity=None, attention=None) == student(["signal"])


@pytest.mark.parametrize(
    ("modalities", "settings", "complaint"),
    [
        (
            ["gaf"],
            {"attention": {"weight": 1}},
            "attention: attention transfer needs maps of one size; the gaf teacher's are images",
        ),
        (
            ["signal", "stack"],
            {"attention": {"weight": 1}, "alpha": {"signal": 0.5}},
            "attention: attention transfer needs maps of one size; the stack teacher's are images",
        ),
        (
            ["gaf"],
            {"similarity": {"weight": 1, "merge": "per_teacher"}},
            "similarity.merge: has no effect with one teacher",
        ),
        (["gaf"], {"similarity": {}}, "similarity.weight: is required and not set"),
        (["gaf"], {"similarity": {"weight": 0}}, "similarity.weight: input should be greater than 0"),
        (["gaf"], {"similarity": 700}, "similarity: "),
        (["signal"], {"attention": {"weight": -1}}, "attention.weight: input should be greater than 0"),
        ([], {"similarity": {"weight": 1}}, "similarity: has no effect in a student without teachers"),
        ([], {"attention": {"weight": 1}}, "attention: has no effect in a student without teachers"),
    ],
)
def test_features_that_cannot_be_imitated_are_refused_when_they_are_planned(
    modalities: list[str], settings: dict[str, Any], complaint: str
) -> None:
    assert refused(modalities, **settings).startswith(complaint)


# Stacked images and precision


def test_stacked_images_have_a_size_and_bins() -> None:
    large: Mapping[str, Any] = {"data": "watch", "window": 500, "image_size": 500, "bins": 16}
    config = teacher("stack", **large)
    assert isinstance(config, StackTeacher)
    assert (config.image_size, config.bins) == (500, 16)
    with pytest.raises(ConfigError, match="image_size: 501 pixels are more than the 500 samples of a window"):
        teacher("stack", window=500, image_size=501)


@pytest.mark.parametrize(
    ("settings", "pixels"),
    [({"image_size": 41}, 41), ({"image_size": 40}, 0), ({}, 0), ({"data": "ucr/No"}, 0)],
)
@pytest.mark.parametrize("modality", ["gaf", "stack"])
def test_an_image_is_no_larger_than_the_windows_of_a_set_of_ones_own(
    waves: str, modality: str, settings: dict[str, Any], pixels: int
) -> None:
    wanted = {"data": waves, **settings}
    if not pixels:
        teacher(modality, **wanted)
        return
    with pytest.raises(ConfigError) as raised:
        teacher(modality, **wanted)
    assert str(raised.value) == (
        f"image_size: {pixels} pixels are more than the 40 samples of a window of ucr/Waves; set 40 or fewer"
    )


def test_the_default_size_of_an_image_is_refused_too_where_windows_are_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ucr").mkdir()
    for part in ("TRAIN", "TEST"):
        (tmp_path / f"ucr/Short_{part}.tsv").write_text(
            "1" + "\t0.5" * 20 + "\n2" + f"\t{len(part)}" * 20 + "\n"
        )
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    teacher("signal", data="ucr/Short")
    with pytest.raises(
        ConfigError, match=r"^image_size: 32 pixels are more than the 20 samples .* set 20 or"
    ):
        teacher("gaf", data="ucr/Short")
    (tmp_path / "ucr/Short_TRAIN.tsv").write_text("1\tx\n")
    teacher("gaf", data="ucr/Short")  # what is wrong with the file is told where it is read


def test_a_precision_is_recorded_and_the_default_is_not() -> None:
    low = cast(Training, teacher("signal", precision="bf16"))
    assert differing(low)["precision"] == "bf16"
    assert "precision" not in differing(student(precision="fp32"))
    assert refused(precision="fp16").startswith("precision: found 'fp16', expected 'fp32' or 'bf16'")


# In a sweep


def test_a_sweep_anneals_and_varies_what_is_nested(make_sweep: MakeSweep) -> None:
    about = {"window": 400}
    stages: dict[str, Any] = {
        "teachers": {"config": {"role": "teacher", **about}, "grid": {"modality": ["gaf", "signal"]}},
        "scratch": {"config": {"role": "student", **about}},
        "students": {
            "depends": "teachers && scratch",
            "config": {"role": "student", **about, "alpha": {"gaf": 0.3}},
            "grid": {"similarity.weight": [200, 700]},
            "inputs": {
                "gaf": {"stage": "teachers", "where": {"modality": "gaf"}},
                "signal": {"stage": "teachers", "where": {"modality": "signal"}},
                "start": {"stage": "scratch"},
            },
        },
    }
    planned = plan_sweep(read_sweep(make_sweep(stages, family="sensor_distillation"))).stages
    scratch = {trial.seed: trial.id for trial in planned["scratch"].trials}
    assert len({trial.id for trial in planned["students"].trials}) == 6
    for trial in planned["students"].trials:
        assert [ref.trial for ref in trial.inputs["start"]] == [scratch[trial.seed]]
        assert trial.config["alpha"] == {"gaf": 0.3, "signal": 0.7}
        assert trial.config["similarity"]["weight"] in (200, 700)


def test_a_student_takes_one_trial_for_each_teacher(make_sweep: MakeSweep) -> None:
    about = {"window": 400}
    source = {"stage": "teachers", "pick": "all"}
    stages: dict[str, Any] = {
        "teachers": {"config": {"role": "teacher", "modality": "gaf", **about}},
        "students": {
            "depends": "teachers",
            "config": {"role": "student", **about},
            "inputs": {"gaf": source},
        },
    }
    with pytest.raises(InvalidSweep) as raised:
        plan_sweep(read_sweep(make_sweep(stages, family="sensor_distillation")))
    told = (
        "inputs.gaf.pick: all hands on every seed of a point, and a student takes one trial as gaf; expected"
    )
    assert told in str(raised.value)
