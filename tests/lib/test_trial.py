"""The life of a trial: it resumes exactly, keeps what its best step had, and its streams are its own."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from seedbed.codec import load_tensors
from seedbed.errors import BadData, CheckpointCorrupt, Interrupted, InvalidConfig
from seedbed.results import Result, read_result
from seedbed.store import Store, open_store
from seedbed.streams import stream_key
from seedbed.trial import Trial
from tests.lib.trials import at_step, run, stop_after, toy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def left_behind(store: Store, folder: str) -> dict[str, bytes]:
    """All that a finished trial leaves, resume checkpoints and the result's clock aside."""
    keys = [
        key for key in store.list(folder) if "/checkpoint/" not in key and not key.endswith("result.json")
    ]
    return {key: store.read(key) or b"" for key in keys}


@pytest.mark.parametrize("step", range(1, 13))
def test_a_trial_stopped_at_any_step_ends_with_the_same_bits(tmp_path: Path, step: int) -> None:
    trial = toy()
    whole, parts = (open_store(str(tmp_path / name)) for name in ("whole", "parts"))
    uninterrupted = run(whole, trial)
    with pytest.raises(Interrupted, match=f"saved step {step} and stopped on request"):
        run(parts, trial, "a", stop_after(step))
    resumed = run(parts, trial, "b")
    assert resumed.metrics == uninterrupted.metrics
    assert resumed.files == uninterrupted.files
    assert left_behind(parts, trial.folder) == left_behind(whole, trial.folder)


def test_a_trial_stopped_twice_goes_on_from_the_newest_checkpoint(store: Store, tmp_path: Path) -> None:
    trial = toy()
    for attempt, step in (("a", 3), ("b", 8)):
        with pytest.raises(Interrupted):
            run(store, trial, attempt, stop_after(step))
    assert run(store, trial, "c").files == run(open_store(str(tmp_path / "whole")), trial).files


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trial = toy()
    for attempt, step in (("a", 3), ("b", 8)):
        with pytest.raises(Interrupted):
            run(store, trial, attempt, stop_after(step))
    newest = sorted(store.list(f"{trial.folder}/checkpoint"))[-1]
    store.write(newest, (store.read(newest) or b"")[:-10])
    assert run(store, trial, "c").files == run(open_store(str(tmp_path / "whole")), trial).files
    assert newest.rpartition("/")[2] in caplog.text


def test_a_checkpoint_of_another_trial_or_under_another_step_changes_nothing(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trial, other = toy(rate=0.01), toy(rate=0.02)
    for one, step in ((trial, 4), (other, 6)):
        with pytest.raises(Interrupted):
            run(store, one, "a", stop_after(step))
    (own,), (foreign,) = (store.list(f"{one.folder}/checkpoint") for one in (trial, other))
    here = f"{trial.folder}/checkpoint"
    store.write(f"{here}/{foreign.rpartition('/')[2]}", store.read(foreign) or b"")
    whole = run(open_store(str(tmp_path / "whole")), trial)
    assert run(store, trial, "b").files == whole.files
    assert f"a checkpoint of trial {other.id} lies in the folder of {trial.id}" in caplog.text

    moved = open_store(str(tmp_path / "moved"))
    moved.write(f"{here}/{9:012d}-a.ckpt", store.read(own) or b"")
    assert run(moved, trial, "b").files == whole.files


def test_a_checkpoint_of_another_torch_is_not_gone_on_from(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trial = toy()
    with monkeypatch.context() as patched:
        patched.setattr("seedbed.provenance.torch_minor", lambda: "1.0")
        with pytest.raises(Interrupted):
            run(store, trial, "a", stop_after(6))
    steps: list[int] = []

    def watch(opened: Trial[Any]) -> None:
        resume = opened.resume
        opened.resume = lambda state: steps.append(resume(state)) or steps[0]  # type: ignore[method-assign, func-returns-value]

    run(store, trial, "b", watch)
    assert steps == [0]


def test_a_state_without_the_model_whose_weights_are_left_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(opened: Trial[Any]) -> None:
        def resume(state: Any) -> int:
            return Trial.resume(opened, {"net": state["model"], "optimizer": state["optimizer"]})

        monkeypatch.setattr(opened, "resume", resume)

    with pytest.raises(ValueError, match=r"no module 'model', whose weights the trial leaves; found: net$"):
        run(store, toy(), "a", rename)


def test_a_finished_trial_is_not_trained_again(store: Store) -> None:
    first = run(store, toy())

    def refuse(_: Trial[Any]) -> None:
        raise AssertionError("trained a second time")

    assert run(store, toy(), "b", refuse) == first


CHANGED = r"^data toy: changed since it was planned: found another edition!, expected made-up$"


@pytest.fixture
def data_are(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the toy's data have this fingerprint from now on."""
    toys = importlib.import_module("jobs.toy")
    found = ["made-up"]
    monkeypatch.setattr(toys, "family", replace(toys.family, fingerprint=lambda _: found[-1]))
    return found.append


def test_a_trial_does_not_begin_on_other_data_than_it_was_planned_with(
    store: Store, data_are: Callable[[str], None]
) -> None:
    def refuse(_: Trial[Any]) -> None:
        raise AssertionError("began")

    data_are("another edition!, as its whole fingerprint goes on")
    with pytest.raises(BadData, match=CHANGED):
        run(store, toy(), "a", refuse)


def test_data_that_change_while_a_trial_trains_leave_it_without_a_result_and_with_its_checkpoint(
    store: Store, tmp_path: Path, data_are: Callable[[str], None]
) -> None:
    trial = toy()
    with pytest.raises(Interrupted):
        run(store, trial, "a", stop_after(6))
    kept = list(store.list(trial.folder))
    with pytest.raises(BadData, match=CHANGED):
        run(store, trial, "b", at_step(8, lambda _: data_are("another edition!")))
    assert list(store.list(trial.folder)) == kept, "neither a result nor what stands beside one"
    data_are("made-up")
    assert run(store, trial, "c").files == run(open_store(str(tmp_path / "whole")), trial).files


def test_nothing_is_saved_of_a_trial_whose_data_changed_before_it_read_them(
    store: Store, data_are: Callable[[str], None]
) -> None:
    def change(trial: Trial[Any]) -> None:
        data_are("another edition!")
        stop_after(3)(trial)

    with pytest.raises(BadData, match=CHANGED):
        run(store, toy(), "a", change)
    assert not list(store.list(toy().folder))


def test_what_somebody_else_finished_meanwhile_is_not_written_again(store: Store, tmp_path: Path) -> None:
    trial, written = toy(), dict[Path, int]()

    def beside(_: Trial[Any]) -> None:
        run(store, trial, "b")
        left = [path for path in (tmp_path / "runs" / trial.folder).rglob("*") if path.is_file()]
        written.update({path: path.stat().st_mtime_ns for path in left})

    result = run(store, trial, "a", beside)
    assert result == read_result(store, trial.folder)
    assert len(written) > 5
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_best_and_last_are_what_they_say(store: Store) -> None:
    result = run(store, toy())
    log = [json.loads(line) for line in (store.read(f"{toy().folder}/log.jsonl") or b"").splitlines()]
    best = min(log, key=lambda entry: (entry["val/loss"], entry["step"]))
    assert result.best_step == best["step"] != result.last_step == 12
    assert result.metrics["test/loss@best"] == best["test/loss"]
    assert result.metrics["test/loss@last"] == log[-1]["test/loss"]
    folder = toy().folder
    for when in ("best", "last"):
        with np.load(io.BytesIO(store.read(f"{folder}/predictions/test@{when}.npz") or b"")) as kept:
            outputs = kept["outputs"]
        weights = load_tensors(store.read(f"{folder}/weights/{when}.safetensors") or b"", when)
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        model.load_state_dict(weights)
        assert model.eval()(torch.ones(1, 4)).shape == outputs.shape
    best_file, last_file = (store.read(f"{folder}/weights/{when}.safetensors") for when in ("best", "last"))
    assert best_file != last_file


def test_a_diverged_trial_is_a_result_with_the_step_and_the_metric(store: Store) -> None:
    result = run(store, toy(mishap="nan"))
    assert (result.status, result.metrics) == ("diverged", {})
    assert result.events[0].message == "diverged at step 6 (train/loss is not finite)"
    with pytest.raises(BadData, match="diverged, so that nothing can build on it"):
        run(store, toy(leader=toy(mishap="nan")))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_baseline_that_is_not_finite_is_named(store: Store, value: float) -> None:
    def guess(opened: Trial[Any]) -> None:
        opened.baseline("majority", {"test/loss": 1.0, "test/accuracy": value})

    with pytest.raises(
        ValueError, match=f"baseline majority: test/accuracy is {value}, expected a finite number"
    ):
        run(store, toy(), "a", guess)


def test_the_result_says_where_it_came_from(store: Store) -> None:
    trial = toy(seed=3)
    result = run(store, trial)
    assert (result.trial, result.seed, result.config) == (trial.id, 3, trial.config)
    assert result.split["samples"] == {"train": 2, "validation": 1, "test": 1}
    assert result.split["names"]["train"] == ["a", "b"]
    assert result.baselines == {"nothing": {"test/loss": 1.0}}
    assert result.packages["torch"] == torch.__version__.split("+")[0]
    assert read_result(store, trial.folder) == result


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda data: data[:100], "not a whole result (100 bytes"),
        (lambda data: b"", "not a whole result (0 bytes"),
        (
            lambda data: data.replace(b'"seed": 0', b'"seed": 1'),
            "does not match its checksum (edited or damaged)",
        ),
        (lambda data: b"[]", "not a whole result"),
    ],
)
def test_a_damaged_result_is_told_and_left_where_it_is(store: Store, damage: Any, complaint: str) -> None:
    trial = toy()
    run(store, trial)
    key = f"{trial.folder}/result.json"
    damaged = damage(store.read(key))
    store.write(key, damaged)
    with pytest.raises(BadData) as raised:
        run(store, trial, "b")
    assert complaint in str(raised.value)
    assert store.place(key) in str(raised.value)
    assert store.read(key) == damaged


def test_a_result_under_another_trials_name_is_refused(store: Store) -> None:
    run(store, toy())
    store.write(f"{toy(seed=1).folder}/result.json", store.read(f"{toy().folder}/result.json") or b"")
    with pytest.raises(BadData, match=f"it is the result of trial {toy().id}"):
        read_result(store, toy(seed=1).folder)


def test_damaged_weights_are_refused_by_whoever_builds_on_them(store: Store) -> None:
    run(store, toy())
    key = f"{toy().folder}/weights/best.safetensors"
    data = bytearray(store.read(key) or b"")
    data[-1] ^= 1
    store.write(key, bytes(data))
    with pytest.raises(BadData, match=r"weights/best\.safetensors: its content does not match the checksum"):
        run(store, toy(leader=toy()))


def test_what_is_computed_once_is_not_computed_again_and_damage_to_it_is_told(store: Store) -> None:
    run(store, toy())
    source = run_follower_inputs(store)
    first = source.once("logits", {"data": "x"}, lambda: {"logits": np.arange(3.0)})
    again = source.once("logits", {"data": "x"}, lambda: {"logits": np.zeros(3)})
    other = source.once("logits", {"data": "y"}, lambda: {"logits": np.ones(3)})
    assert first["logits"].tolist() == again["logits"].tolist() == [0, 1, 2]
    assert other["logits"].tolist() == [1, 1, 1]
    for key in list(store.list(f"{source.folder}/artifacts")):
        store.write(key, (store.read(key) or b"")[:-1])
    with pytest.raises(CheckpointCorrupt, match="artifacts/logits"):
        source.once("logits", {"data": "x"}, lambda: {"logits": np.zeros(3)})


def run_follower_inputs(store: Store) -> Any:
    opened: list[Trial[Any]] = []
    run(store, toy(leader=toy()), "b", opened.append)
    return opened[0].input("leader")


def test_an_input_that_is_not_there_is_told_with_those_that_are(store: Store) -> None:
    run(store, toy())

    def ask(opened: Trial[Any]) -> None:
        opened.input("laeder")

    with pytest.raises(InvalidConfig, match=r"has no input 'laeder'; did you mean 'leader'\?"):
        run(store, toy(leader=toy()), "b", ask)
    with pytest.raises(InvalidConfig, match="has no input 'laeder'; none is known here"):
        run(store, toy(seed=1), "b", ask)


def test_streams_depend_on_seed_role_and_name_and_on_nothing_else() -> None:
    keys = {stream_key(seed, role, name) for seed in (0, 1) for role in ("a", "b") for name in ("x", "y")}
    assert len(keys) == 8
    assert all(0 <= key < 2**63 for key in keys)
    assert stream_key(0, "teacher", "order/0") == 836053969293279009


def test_two_points_with_one_seed_start_alike_and_seeds_differ(store: Store) -> None:
    def first_weights(trial: Any) -> dict[str, torch.Tensor]:
        kept: dict[str, torch.Tensor] = {}

        def watch(opened: Trial[Any]) -> None:
            initialise = opened.initialise

            def spy(model: nn.Module) -> None:
                initialise(model)
                kept.update({name: value.clone() for name, value in model.state_dict().items()})

            opened.initialise = spy  # type: ignore[method-assign]

        run(store, trial, "a", watch)
        return kept

    one, other, reseeded = (first_weights(toy(**about)) for about in ({}, {"rate": 0.02}, {"seed": 1}))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not any(torch.equal(one[name], reseeded[name]) for name in one if name.endswith("weight"))


@pytest.mark.parametrize(
    ("splits", "complaint"),
    [
        ({"train": ([1], ["s7"]), "test": ([2], ["s7"])}, "s7 is in this trial's train and test data"),
        ({"train": ([1], [7]), "validation": ([2], [7])}, "7 is in this trial's train and validation data"),
    ],
)
def test_a_unit_in_two_splits_is_refused(store: Store, splits: Any, complaint: str) -> None:
    def leak(opened: Trial[Any]) -> None:
        opened.splits(**splits)

    with pytest.raises(BadData) as raised:
        run(store, toy(), "a", leak)
    assert complaint in str(raised.value)


def test_a_trial_is_not_tested_on_what_its_teacher_has_seen(store: Store) -> None:
    run(store, toy())

    def leak(opened: Trial[Any]) -> None:
        opened.splits(train=([1], ["d"]), test=([2], ["a"]))

    with pytest.raises(BadData, match=r"a is in the test data, and leader \w+ has it in its train data"):
        run(store, toy(leader=toy()), "b", leak)


def test_a_step_cannot_be_logged_twice(store: Store) -> None:
    def log_again(opened: Trial[Any]) -> None:
        opened.log(1, {"val/loss": 1.0})
        with pytest.raises(ValueError, match="step 1 is logged after step 1"):
            opened.log(1, {"val/loss": 1.0})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(store, toy(), "a", log_again)


def test_a_live_view_is_shown_nothing_of_the_test_split(store: Store) -> None:
    from seedbed.attempt import Attempt, run_attempt

    told: list[dict[str, Any]] = []
    run_attempt(store, toy(), Attempt("a"), report=told.append)
    shown = {name for progress in told for name in progress.get("metrics", {})}
    assert shown == {"train/loss", "val/loss", "train/sum", "params"}


def test_results_are_valid_json_for_any_reader(store: Store) -> None:
    run(store, toy())
    plain = json.loads(store.read(f"{toy().folder}/result.json") or b"")
    assert set(plain) == {*Result.model_fields, "checksum"}
