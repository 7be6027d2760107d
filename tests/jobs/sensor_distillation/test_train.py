"""Real, tiny trials: teachers and students train, resume exactly, and differ only in what they are told to differ in.

Two passes over the windows of `watch` at 400 samples: ten steps each, a second or so a trial.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from jobs.sensor_distillation import config as configs
from jobs.sensor_distillation import family, teachers
from jobs.sensor_distillation.config import Training
from jobs.sensor_distillation.datasets import open_dataset
from jobs.sensor_distillation.inputs import BATCH, load_data
from jobs.sensor_distillation.teachers import build_network, compute_logits
from jobs.sensor_distillation.train import learning_rate
from seedbed.config import read_config
from seedbed.data import CACHE_VARIABLE, DATA_VARIABLE
from seedbed.errors import Interrupted
from seedbed.planning import PlannedTrial
from seedbed.results import Result
from seedbed.store import Store, open_store
from seedbed.trial import Trial
from tests.jobs.sensor_distillation.trials import (
    STEPS_AN_EPOCH,
    copy_of,
    finished,
    log_of,
    planned,
    predictions,
    read,
    student,
    teacher,
    weights,
)
from tests.lib.trials import run, stop_after

SIGNAL = teacher("signal")
GAF = teacher("gaf", image_size=16)


BOTH = student(SIGNAL, GAF, alpha={"gaf": 0.3})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _shared_cache(_clean_environment: None, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Path]:
    """A store in which both teachers have finished and no student has asked them anything."""
    folder = tmp_path_factory.mktemp("taught") / "runs"
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(DATA_VARIABLE, raising=False)
        patched.setenv(CACHE_VARIABLE, str(cache))
        for trial in (SIGNAL, GAF):
            run(open_store(str(folder)), trial)
        yield folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, taught: Path) -> Result:
    """A student with both teachers that nobody stopped."""
    return run(copy_of(taught, tmp_path_factory.mktemp("whole")), BOTH)


@pytest.fixture
def store(taught: Path, tmp_path: Path) -> Store:
    """A copy of the taught store for this test alone."""
    return copy_of(taught, tmp_path)


# What teachers may and may not change


def test_a_student_that_gives_its_teachers_no_weight_is_the_student_alone_to_the_bit(store: Store) -> None:
    alone, deaf = student(), student(SIGNAL, GAF, alpha={"gaf": 0.3}, kd_weight=0)
    assert alone.id != deaf.id
    assert run(store, deaf).files == run(store, alone).files
    assert log_of(store, deaf) == log_of(store, alone)


def test_a_teacher_with_the_whole_share_is_the_only_teacher_to_the_bit(store: Store) -> None:
    only = run(store, student(GAF))
    one_hot = run(store, student(SIGNAL, GAF, alpha={"gaf": 1}))
    assert one_hot.files == only.files
    assert one_hot.metrics == only.metrics


def test_teachers_and_their_shares_change_the_student(store: Store, whole: Result) -> None:
    trials = [student(), student(SIGNAL), student(GAF), student(SIGNAL, GAF, alpha={"gaf": 0.9})]
    weights = [run(store, trial).files["weights/last.safetensors"] for trial in trials]
    assert len({*weights, whole.files["weights/last.safetensors"]}) == 5


def test_the_order_in_which_teachers_are_named_changes_nothing(store: Store, whole: Result) -> None:
    turned = student(GAF, SIGNAL, alpha={"signal": 0.7, "gaf": 0.3})
    assert list(turned.inputs) != list(BOTH.inputs)
    assert turned.id == BOTH.id
    assert run(store, turned).files == whole.files


# Going on exactly


def stopped_and_resumed(store: Store, trial: PlannedTrial, step: int) -> Result:
    with pytest.raises(Interrupted, match=f"saved step {step} and stopped on request"):
        run(store, trial, "a", stop_after(step))
    return run(store, trial, "b")


@pytest.mark.parametrize("step", [1, 4, STEPS_AN_EPOCH - 1, STEPS_AN_EPOCH, STEPS_AN_EPOCH + 1, 15, 19, 20])
def test_a_student_stopped_at_any_step_leaves_the_same_files(store: Store, whole: Result, step: int) -> None:
    resumed = stopped_and_resumed(store, BOTH, step)
    assert resumed.files == whole.files
    assert {"log.jsonl", "weights/best.safetensors", "predictions/test@last.npz"} <= set(resumed.files)
    assert resumed.metrics == whole.metrics
    assert resumed.last_step == 2 * STEPS_AN_EPOCH


def test_an_image_teacher_stopped_within_an_epoch_leaves_the_same_files(store: Store, tmp_path: Path) -> None:
    resumed = stopped_and_resumed(open_store(str(tmp_path / "parts")), GAF, 13)
    assert resumed.files == finished(store, GAF).result.files


# Teachers' logits


def refuse(*_: Any) -> Any:
    raise AssertionError("computed again")


def test_teachers_logits_are_computed_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {key: store.read(key) for key in store.list(f"trials/{family.name}")}
    run(store, BOTH)
    monkeypatch.setattr(teachers, "compute_logits", refuse)
    run(store, student(SIGNAL, GAF, seed=1, alpha={"gaf": 0.9}, kd_weight=0.5))
    run(store, student(SIGNAL, network="wrn10-2"))
    assert {key: store.read(key) for key in before} == before
    kept = [key for key in store.list(f"trials/{family.name}") if "/artifacts/" in key]
    assert sorted(key.split("/")[2] for key in kept) == sorted([SIGNAL.id, GAF.id])


def test_other_windows_are_other_logits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run(store, student(SIGNAL, epochs=1))
    monkeypatch.setattr(teachers, "compute_logits", refuse)
    elsewhere = teacher("signal", split_seed=1, epochs=1)
    run(store, elsewhere)
    with pytest.raises(AssertionError, match="computed again"):
        run(store, student(elsewhere, split_seed=1, epochs=1))


def test_a_teacher_answers_in_evaluation_mode_and_without_gradients(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[nn.Module] = []
    modes: list[tuple[bool, bool]] = []

    def spy(config: Training, data: Any) -> nn.Module:
        network = build_network(config, data)
        asked.append(network)
        network.register_forward_hook(
            lambda module, *_: modes.append((module.training, torch.is_grad_enabled()))
        )
        return network

    monkeypatch.setattr(teachers, "build_network", spy)
    run(store, BOTH)
    assert len(asked) == 2
    assert set(modes) == {(False, False)}
    for network, trial in zip(asked, (GAF, SIGNAL), strict=True):
        kept = weights(store, trial, "best")
        assert all(torch.equal(value, kept[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("trial", [SIGNAL, GAF], ids=["signal", "gaf"])
def test_a_teachers_logits_are_its_outputs_on_the_students_training_windows_in_their_order(
    store: Store, trial: PlannedTrial
) -> None:
    mine, theirs = load_data(read(BOTH)), load_data(read(trial))
    given = torch.from_numpy(compute_logits(finished(store, trial), mine, torch.device("cpu"))["logits"])
    network = build_network(read(trial), theirs)
    network.load_state_dict(weights(store, trial, "best"))
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(theirs.view.read(mine.split.train)))
    assert given.shape == (len(mine.split.train), mine.classes)
    torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-5)


# Seeds


def beginning(store: Store, trial: PlannedTrial) -> tuple[dict[str, torch.Tensor], list[int], list[int]]:
    """First weights, and the orders of the first two epochs."""
    kept: dict[str, torch.Tensor] = {}
    orders: dict[str, list[int]] = {}

    def watch(opened: Trial[Any]) -> None:
        initialise, generator = opened.initialise, opened.generator

        def spy(model: nn.Module) -> None:
            initialise(model)
            kept.update({name: value.clone() for name, value in model.state_dict().items()})

        def listen(name: str) -> torch.Generator:
            orders[name] = torch.randperm(616, generator=generator(name)).tolist()
            return generator(name)

        opened.initialise = spy  # type: ignore[method-assign]
        opened.generator = listen  # type: ignore[method-assign]

    run(store, trial, "a", watch)
    return kept, orders["order/0"], orders["order/1"]


def test_the_same_trial_gives_the_same_bits(store: Store, whole: Result) -> None:
    assert run(store, BOTH).files == whole.files


def test_another_seed_starts_elsewhere_and_sees_the_same_split(store: Store) -> None:
    one, other = student(), student(seed=1)
    weights, first, second = beginning(store, one)
    reseeded, other_first, _ = beginning(store, other)
    drawn = [name for name, value in weights.items() if value.ndim > 1]
    assert len(drawn) > 5
    assert not any(torch.equal(weights[name], reseeded[name]) for name in drawn)
    assert len({tuple(order) for order in (first, second, other_first)}) == 3
    results = [finished(store, trial).result for trial in (one, other)]
    assert results[0].split == results[1].split
    assert results[0].files["split.json"] == results[1].files["split.json"]
    assert results[0].log_digest != results[1].log_digest


def test_students_with_one_seed_start_alike_and_not_like_their_teacher(store: Store) -> None:
    weights, *orders = beginning(store, student())
    taught, *taught_orders = beginning(store, student(SIGNAL, kd_weight=0.9))
    assert all(torch.equal(weights[name], taught[name]) for name in weights)
    assert orders == taught_orders
    teachers_own, *teachers_orders = beginning(store, teacher("signal", epochs=2, momentum=0.8))
    assert not torch.equal(weights["stem.weight"], teachers_own["stem.weight"])
    assert orders != teachers_orders


# The schedule


def rates(epochs: int) -> list[float]:
    config = read_config(configs.Student, {"role": "student", "epochs": epochs})
    assert isinstance(config, Training)
    return [learning_rate(config, epoch) for epoch in range(epochs)]


@pytest.mark.parametrize(
    ("epochs", "lengths"), [(200, (11, 55, 67, 67)), (300, (16, 84, 100, 100)), (18, (1, 5, 6, 6))]
)
def test_the_learning_rate_falls_where_the_studys_does(epochs: int, lengths: tuple[int, ...]) -> None:
    steps = zip((0.05, 0.01, 0.001, 0.0001), lengths, strict=True)
    expected = [rate for rate, length in steps for _ in range(length)]
    assert rates(epochs) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("epochs", [*range(1, 40), 100, 300])
def test_the_learning_rate_begins_at_the_first_step_size_and_never_rises(epochs: int) -> None:
    found = rates(epochs)
    assert found[0] == 0.05
    assert all(later <= earlier for earlier, later in itertools.pairwise(found))
    assert set(found) <= {0.05, 0.01, 0.001, 0.0001}
    if epochs >= 9:
        assert found.count(0.0001) == epochs - 2 * epochs // 3


def test_the_learning_rate_of_the_laptop_form_goes_through_all_four_step_sizes() -> None:
    assert rates(8) == pytest.approx([0.05, 0.01, 0.001, 0.001, 0.001, 0.0001, 0.0001, 0.0001], rel=1e-12)


def test_the_optimizer_gets_the_rate_of_its_epoch(store: Store) -> None:
    seen: list[float] = []

    def watch(opened: Trial[Any]) -> None:
        checkpoint = opened.checkpoint

        def spy(step: int, state: Any) -> None:
            seen.append(state["optimizer"].param_groups[0]["lr"])
            checkpoint(step, state)

        opened.checkpoint = spy  # type: ignore[method-assign]

    run(store, student(epochs=3), "a", watch)
    assert seen == [rate for rate in rates(3) for _ in range(STEPS_AN_EPOCH)]
    assert len(set(seen)) == 3


# What a result says


def test_no_subject_is_in_two_parts_and_every_subject_is_in_one(store: Store) -> None:
    parts = finished(store, SIGNAL).units()
    assert set(parts) == {"train", "validation", "test"}
    subjects = [subject for names in parts.values() for subject in names]
    assert len(subjects) == len(set(subjects)) == 10
    assert all(parts.values())
    assert finished(store, SIGNAL).result.split["names"] == parts


def test_the_majority_baseline_is_what_a_guess_reaches(store: Store) -> None:
    windows, parts = open_dataset("watch", 400).load(), finished(store, SIGNAL).units()
    by_part = {
        name: [int(label) for unit, label in zip(windows.units, windows.labels, strict=True) if unit in units]
        for name, units in parts.items()
    }
    counts = Counter(by_part["train"])
    majority = min(label for label, count in counts.items() if count == max(counts.values()))  # two tie here
    reached = by_part["test"].count(majority) / len(by_part["test"])
    assert finished(store, SIGNAL).result.baselines == {"majority": {"test/accuracy": reached}}
    assert 0 < reached < 0.5


@pytest.mark.parametrize("trial", [SIGNAL, GAF], ids=["signal", "gaf"])
@pytest.mark.parametrize("name", ["test@best", "test@last", "val@best", "val@last"])
def test_the_reported_accuracy_is_that_of_the_stored_outputs(
    store: Store, trial: PlannedTrial, name: str
) -> None:
    kept, (split, when) = predictions(store, trial, name), name.split("@")
    windows, result = open_dataset("watch", 400).load(), finished(store, trial).result
    label_of = dict(zip(windows.ids, windows.labels, strict=True))
    units = finished(store, trial).units()[{"val": "validation"}.get(split, split)]
    assert kept["targets"].tolist() == [label_of[sample] for sample in kept["ids"]]
    assert set(kept["units"]) == set(units)
    assert len(kept["ids"]) == sum(unit in units for unit in windows.units)
    assert np.mean(kept["outputs"].argmax(1) == kept["targets"]) == result.metrics[f"{split}/accuracy@{when}"]


def test_the_best_epoch_is_chosen_by_validation_and_the_earliest_counts(store: Store) -> None:
    for trial in (SIGNAL, GAF):
        log, result = log_of(store, trial), finished(store, trial).result
        best = max(log, key=lambda entry: (entry["val/accuracy"], -entry["step"]))
        assert result.best_step == best["step"]
        assert result.metrics["test/accuracy@best"] == best["test/accuracy"]
        assert [entry["step"] for entry in log] == [STEPS_AN_EPOCH, 2 * STEPS_AN_EPOCH]


@pytest.mark.parametrize("trial", [SIGNAL, GAF], ids=["signal", "gaf"])
@pytest.mark.parametrize("when", ["best", "last"])
def test_stored_weights_give_the_stored_outputs_to_the_bit(
    store: Store, trial: PlannedTrial, when: str
) -> None:
    data = load_data(read(trial))
    network = build_network(read(trial), data)
    network.load_state_dict(weights(store, trial, when))
    assert network.stem.weight.is_contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        batches = data.batches(data.split.test, torch.device("cpu"))
        outputs = torch.cat([network.eval()(batch) for batch in batches])
    assert len(data.split.test) > BATCH
    assert np.array_equal(outputs.numpy(), predictions(store, trial, f"test@{when}")["outputs"])


def test_a_trial_that_diverges_is_a_result(store: Store) -> None:
    result = run(store, student(learning_rate=1e30, epochs=1))
    assert (result.status, result.metrics) == ("diverged", {})
    assert "is not finite" in result.events[0].message


def test_the_description_names_the_data_and_who_is_tested(store: Store) -> None:
    result = finished(store, SIGNAL).result
    tested = sorted(finished(store, SIGNAL).units()["test"], key=int)
    windows = result.split["samples"]["test"]
    assert result.description == f"watch, test subjects {', '.join(tested)} ({windows} windows)"


# A set of the UCR archive's format


@pytest.mark.parametrize("modality", ["signal", "mtf"])
def test_a_set_of_the_ucr_archive_trains_a_teacher(tmp_path: Path, waves: str, modality: str) -> None:
    about = {"role": "teacher", "modality": modality, "data": waves, "network": "wrn10-1"}
    trial, store = planned({**about, "epochs": 36, "batch_size": 8}), open_store(str(tmp_path / "runs"))
    result = run(store, trial)
    assert result.split["samples"] == {"train": 20, "validation": 4, "test": 20}
    assert result.baselines == {"majority": {"test/accuracy": 0.5}}
    assert result.metrics["test/accuracy@last"] >= 0.8
    assert result.description == "ucr/Waves, 20 windows"
    pupil = planned({"role": "student", "data": waves, "network": "wrn10-1", "epochs": 1}, {modality: trial})
    assert run(store, pupil).status == "finished"


@pytest.mark.parametrize(
    ("settings", "size"),
    [({}, 32), ({"image_size": 16}, 16), ({"window": 256}, 64), ({"window": 255}, 32), ({"window": 400}, 64)],
)
@pytest.mark.parametrize("modality", ["gaf", "gadf", "mtf"])
def test_an_images_size_follows_the_window_unless_it_is_set(
    waves: str, modality: str, settings: dict[str, Any], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels, data = (3, "watch") if "window" in settings else (1, waves)
    if data == "watch":
        monkeypatch.delenv(DATA_VARIABLE)
    config: Any = family.plan({"role": "teacher", "modality": modality, "data": data, **settings}, {})
    loaded = load_data(config)
    assert loaded.view.read(loaded.split.test[:5]).shape == (5, channels, size, size)
