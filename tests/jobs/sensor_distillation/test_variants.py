"""Real, tiny students that start from others, weigh their teachers, or imitate features; stacks; bf16.

One pass over the windows of `watch` at 400 samples: ten steps each, half a second or so a trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from jobs.sensor_distillation import inputs, teachers, train
from jobs.sensor_distillation.config import Training
from jobs.sensor_distillation.inputs import Stack, load_data
from jobs.sensor_distillation.teachers import OnlineTeacher, build_network, compute_logits
from jobs.sensor_distillation.windows import Normalisation
from seedbed.data import CACHE_VARIABLE, DATA_VARIABLE
from seedbed.errors import Interrupted
from seedbed.planning import PlannedTrial
from seedbed.store import Store, open_store
from seedbed.trial import Trial
from tests.jobs.sensor_distillation.trials import (
    STEPS_AN_EPOCH,
    TINY,
    copy_of,
    finished,
    log_of,
    planned,
    read,
    student,
    teacher,
    weights,
)
from tests.lib.trials import run, stop_after

CPU = torch.device("cpu")
ONCE = {**TINY, "epochs": 1}
SIGNAL, GAF = teacher("signal", epochs=1), teacher("gaf", epochs=1, image_size=16)
SCRATCH = student(epochs=1)
SIMILAR = student(SIGNAL, GAF, epochs=1, alpha={"gaf": 0.3}, similarity={"weight": 700})
"""A student whose maps are compared with those of two teachers."""


def begun(*sources: PlannedTrial, **settings: Any) -> PlannedTrial:
    """A student that starts from SCRATCH."""
    by_modality = {source.config["modality"]: source for source in sources}
    return planned({**ONCE, "role": "student", **settings}, {**by_modality, "start": SCRATCH})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _shared_cache(_clean_environment: None, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Path]:
    """A store in which both teachers and a student without teachers have finished."""
    folder = tmp_path_factory.mktemp("taught") / "runs"
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(DATA_VARIABLE, raising=False)
        patched.setenv(CACHE_VARIABLE, str(cache))
        for trial in (SIGNAL, GAF, SCRATCH):
            run(open_store(str(folder)), trial)
        yield folder


@pytest.fixture
def store(taught: Path, tmp_path: Path) -> Store:
    """A copy of the taught store for this test alone."""
    return copy_of(taught, tmp_path)


def resumes_exactly(store: Store, trial: PlannedTrial, folder: Path, taught: Path) -> bool:
    whole = run(store, trial)
    parts = copy_of(taught, folder)
    with pytest.raises(Interrupted):
        run(parts, trial, "a", stop_after(4))
    return run(parts, trial, "b").files == whole.files


# A start


def first_weights(store: Store, trial: PlannedTrial) -> dict[str, Tensor]:
    """The student's weights and buffers before its first step."""
    kept: dict[str, Tensor] = {}

    def watch(opened: Trial[Any]) -> None:
        resume = opened.resume

        def spy(state: Any) -> int:
            kept.update({name: value.clone() for name, value in state["model"].state_dict().items()})
            return resume(state)

        opened.resume = spy  # type: ignore[method-assign]

    run(store, trial, "a", watch)
    return kept


@pytest.mark.parametrize("trial", [begun(), begun(SIGNAL)], ids=["alone", "distilled"])
def test_a_student_starts_as_the_student_it_starts_from(store: Store, trial: PlannedTrial) -> None:
    first, kept = first_weights(store, trial), weights(store, SCRATCH, "best")
    assert first.keys() == kept.keys()
    assert all(torch.equal(first[name], kept[name]) for name in kept)
    assert any("running_var" in name and not torch.equal(kept[name], torch.ones(())) for name in kept)


def test_a_start_is_part_of_what_a_trial_is_and_changes_it(store: Store) -> None:
    plain, annealed = student(SIGNAL, epochs=1), begun(SIGNAL)
    assert plain.config == annealed.config
    assert len({SCRATCH.id, begun().id, plain.id, annealed.id}) == 4
    assert run(store, annealed).log_digest != run(store, plain).log_digest
    assert log_of(store, annealed)[0]["train/loss"] < log_of(store, plain)[0]["train/loss"]


def test_a_student_with_a_start_goes_on_where_it_was_stopped_and_not_from_its_start(
    store: Store, taught: Path, tmp_path: Path
) -> None:
    assert resumes_exactly(store, begun(SIGNAL), tmp_path / "parts", taught)


# Weights of teachers, standardised logits, precision


def test_each_knob_changes_the_student_and_none_breaks_it(store: Store) -> None:
    variants = [
        student(SIGNAL, GAF, epochs=1, alpha={"gaf": 0.5}),
        student(SIGNAL, GAF, epochs=1, teacher_weights="entropy"),
        student(SIGNAL, GAF, epochs=1, teacher_weights="confidence"),
        student(SIGNAL, GAF, epochs=1, alpha={"gaf": 0.5}, logit_std=True),
        student(SIGNAL, GAF, epochs=1, alpha={"gaf": 0.5}, similarity={"weight": 700}),
        student(
            SIGNAL, GAF, epochs=1, alpha={"gaf": 0.5}, similarity={"weight": 700, "merge": "per_teacher"}
        ),
        student(SIGNAL, epochs=1),
        student(SIGNAL, epochs=1, attention={"weight": 10}),
    ]
    results = [run(store, trial) for trial in variants]
    assert {result.status for result in results} == {"finished"}
    assert len({result.files["weights/last.safetensors"] for result in results}) == len(variants)


def test_an_average_is_equal_shares_to_the_bit(store: Store) -> None:
    average = student(SIGNAL, GAF, epochs=1, teacher_weights="average")
    equal = student(SIGNAL, GAF, epochs=1, alpha={"gaf": 0.5})
    assert average.id != equal.id
    assert run(store, average).files == run(store, equal).files


def test_bf16_trains_evaluates_and_teaches_and_is_not_fp32(tmp_path: Path, waves: str) -> None:
    small = {"data": waves, "network": "wrn10-1", "epochs": 1}
    usual = planned({**small, "role": "teacher", "modality": "signal"})
    low = planned({**small, "role": "teacher", "modality": "signal", "precision": "bf16"})
    store = open_store(str(tmp_path / "runs"))
    result, full = run(store, low), run(store, usual)
    assert low.id != usual.id
    assert {value.dtype for value in weights(store, low, "last").values()} <= {torch.float32, torch.int64}
    loss = result.metrics["train/loss@last"]
    assert 0 < abs(loss - full.metrics["train/loss@last"]) < 0.1
    data = load_data(read(low))
    given = compute_logits(finished(store, low), data, CPU)["logits"]
    network = build_network(read(low), data)
    network.load_state_dict(weights(store, low, "best"))
    with torch.no_grad():
        exact = network.eval()(torch.from_numpy(data.view.read(data.split.train))).numpy()
    assert given.dtype == np.float32
    assert 0 < np.abs(given - exact).max() < 0.1 * np.abs(exact).max()
    maps = {"similarity": {"weight": 700}, "attention": {"weight": 1}}
    pupil = planned({**small, "role": "student", "precision": "bf16", **maps}, {"signal": low})
    assert run(store, pupil).status == "finished"


# Teachers' maps


def test_a_teacher_s_maps_are_those_its_logits_are_made_of(store: Store) -> None:
    data = load_data(read(SCRATCH))
    positions = np.array([5, 2, 600, 77])
    for trial in (SIGNAL, GAF):
        online = OnlineTeacher(finished(store, trial), CPU)
        maps = online.maps(data.split.train[positions])
        network = online.network
        with torch.no_grad():
            active = functional.relu(
                network.norm(maps[2].reshape(4, maps[2].shape[1], -1, maps[2].shape[-1]))
            )
            logits = network.classifier(active.mean(dim=(2, 3)))
        expected = compute_logits(finished(store, trial), data, CPU)["logits"][positions]
        np.testing.assert_allclose(logits.numpy(), expected, rtol=1e-4, atol=1e-5)
        assert len(maps) == 3
        assert not any(features.requires_grad or features.is_inference() for features in maps)


def test_a_teacher_whose_maps_are_imitated_stays_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[nn.Module] = []
    modes: set[tuple[bool, bool]] = set()

    def spy(config: Training, data: Any) -> nn.Module:
        network = build_network(config, data)
        asked.append(network)
        network.stem.register_forward_hook(lambda *_: modes.add((network.training, torch.is_grad_enabled())))
        return network

    monkeypatch.setattr(teachers, "build_network", spy)
    run(store, SIMILAR)
    assert len(asked) == 4, "two for the logits, two for the maps"
    assert modes == {(False, False)}
    for network, trial in zip(asked, (GAF, SIGNAL) * 2, strict=True):
        kept = weights(store, trial, "best")
        assert all(torch.equal(value, kept[name]) for name, value in network.state_dict().items())


def test_teachers_see_the_windows_of_the_student_s_batch(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []
    batch = inputs.Data.batch

    def spy(data: inputs.Data, indices: Any, device: torch.device) -> tuple[Tensor, Tensor]:
        asked.append(indices.tolist())
        return batch(data, indices, device)

    monkeypatch.setattr(inputs.Data, "batch", spy)
    run(store, SIMILAR)
    mine, first, second = asked[::3], asked[1::3], asked[2::3]
    assert mine == first == second
    assert len(mine) == STEPS_AN_EPOCH
    assert (
        sorted(index for indices in mine for index in indices)
        == load_data(read(SCRATCH)).split.train.tolist()
    )


def test_similarity_is_added_to_the_loss_of_the_logits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "similarity_loss", lambda student, *_: student[0].sum() * 0 + 0.5)
    monkeypatch.setattr(train, "attention_loss", lambda student, *_: student[0].sum() * 0 + 0.25)
    plain = student(SIGNAL, epochs=1)
    both = student(SIGNAL, epochs=1, similarity={"weight": 4}, attention={"weight": 2})
    run(store, plain)
    run(store, both)
    mine, theirs = log_of(store, both)[0], log_of(store, plain)[0]
    assert mine["train/loss"] == pytest.approx(theirs["train/loss"] + 4 * 0.5 + 2 * 0.25, abs=1e-5)
    assert mine["val/loss"] == pytest.approx(theirs["val/loss"], abs=1e-5)


def test_no_teacher_runs_online_when_no_map_is_imitated_or_when_it_has_no_share(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def spy(trial: Trial[Any]) -> dict[str, OnlineTeacher]:
        found = teachers.online_teachers(trial)
        asked.append(list(found))
        return found

    monkeypatch.setattr(train, "online_teachers", spy)
    run(store, student(SIGNAL, GAF, epochs=1, alpha={"gaf": 0.3}))
    assert asked == []
    run(store, student(SIGNAL, GAF, epochs=1, alpha={"gaf": 0.0}, similarity={"weight": 1}))
    assert asked == [["signal"]]


def test_a_student_that_imitates_maps_goes_on_exactly(store: Store, taught: Path, tmp_path: Path) -> None:
    assert resumes_exactly(store, SIMILAR, tmp_path / "parts", taught)


# Stacked images


def test_a_stack_is_its_parts_one_above_the_other() -> None:
    stacked = load_data(read(teacher("stack", image_size=16, bins=4)))
    parts = [
        load_data(read(teacher("gaf", image_size=16))),
        load_data(read(teacher("gadf", image_size=16))),
        load_data(read(teacher("mtf", image_size=16, bins=4))),
    ]
    chosen = stacked.split.test[:5]
    assert stacked.channels == 3 * parts[0].channels
    expected = np.concatenate([part.view.read(chosen) for part in parts], axis=1)
    assert np.array_equal(stacked.view.read(chosen), expected)


def test_a_teacher_of_stacks_teaches(store: Store) -> None:
    stack = teacher("stack", epochs=1, image_size=16)
    assert run(store, stack).status == "finished"
    assert weights(store, stack, "last")["stem.weight"].shape[1] == load_data(read(stack)).channels
    assert run(store, student(stack, epochs=1, similarity={"weight": 1})).status == "finished"


def test_images_may_be_as_large_as_the_window() -> None:
    data = load_data(read(teacher("stack", image_size=400)))
    assert isinstance(data.view, Stack)
    for part in data.view.parts:  # the scale of all training windows would take long
        part.__dict__["scale"] = Normalisation(np.zeros(3, np.float32), np.ones(3, np.float32))
    assert data.view.read(data.split.test[:2]).shape == (2, data.channels, 400, 400)


def test_how_many_images_are_scaled_at_once_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    def scale() -> Normalisation:
        view: Any = load_data(read(teacher("mtf", image_size=32))).view
        kept: Normalisation = view.scale
        return kept

    whole = scale()
    monkeypatch.setattr(inputs, "PIXELS", 5 * 32**2)
    few = scale()
    assert np.array_equal(whole.mean, few.mean)
    assert np.array_equal(whole.std, few.std)
