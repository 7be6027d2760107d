"""Real, tiny trials: they learn, go on exactly, and differ only in what they are told to differ in.

Two passes over 72 made-up windows: three steps each, a fraction of a second a trial.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from jobs.har_prototypes.config import Prototypes
from jobs.har_prototypes.data import load_data
from jobs.har_prototypes.evaluation import guess_scores, trivial_guesses
from jobs.har_prototypes.losses import prototype_nce
from jobs.har_prototypes.models import PrototypeNetwork
from jobs.har_prototypes.prototypes import class_means, most_alike
from jobs.har_prototypes.train import learning_rate
from seedbed.codec import load_tensors
from seedbed.errors import Interrupted
from seedbed.planning import PlannedTrial
from seedbed.results import Result
from seedbed.store import Store, open_store
from tests.jobs.har_prototypes.trials import STEPS_AN_EPOCH, log_of, planned
from tests.lib.trials import run, stop_after

KINDS = (
    "proto_nce",
    "triplet",
    "triplet_mined",
    "triplet_roll",
    "barlow",
    "barlow_class",
    "ntxent",
    "supcon",
    "simsiam",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def weights(store: Store, trial: PlannedTrial, which: str = "last") -> dict[str, torch.Tensor]:
    return load_tensors(store.read(f"{trial.folder}/weights/{which}.safetensors") or b"", which)


# Learning


def test_it_learns_made_up_things(store: Store) -> None:
    trial = planned(windows=None, epochs=6, dim=32, learning_rate=5e-3, normalize="zscore")
    result = run(store, trial)
    log = log_of(store, trial)
    assert log[-1]["train/accuracy"] > 0.8
    assert log[-1]["train/ce"] < 0.6 * log[0]["train/ce"]
    assert log[-1]["train/contrast"] < 0.6 * log[0]["train/contrast"]
    assert result.metrics["test/f1@best"] > 2 * result.baselines["majority"]["test/f1"]


def first_batch(seed: int) -> tuple[PrototypeNetwork, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    return PrototypeNetwork(Prototypes(), 9, 6), torch.randn(32, 9, 128), torch.randint(6, (32,))


def total_loss(model: PrototypeNetwork, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    outputs = model(x)
    contrast = prototype_nce(model.project(outputs.pooled), model.prototypes(), labels, 0.05)
    return functional.cross_entropy(outputs.logits, labels) + 0.25 * contrast


def test_the_first_loss_is_that_of_guessing() -> None:
    """ln 6 + w L_c = 2.70 on random windows, in the mean: they are alike to an untrained network, and L_c varies."""
    with torch.no_grad():
        values = [float(total_loss(*first_batch(seed))) for seed in range(30)]
    assert np.mean(values) == pytest.approx(2.70, abs=0.15)


def test_it_can_learn_anything_by_heart() -> None:
    model, x, labels = first_batch(0)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for _ in range(50):
        optimizer.zero_grad()
        total_loss(model, x, labels).backward()
        optimizer.step()
    assert bool((model(x).logits.argmax(1) == labels).all())


def test_the_step_size_falls_along_half_a_cosine() -> None:
    config = Prototypes(epochs=7)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=7)
    for epoch in range(7):
        assert learning_rate(config, epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        schedule.step()


# Every kind of trial


@pytest.mark.parametrize("kind", KINDS)
def test_every_loss_is_trained_on_and_reaches_the_projection(store: Store, kind: str) -> None:
    trial, alone = planned(epochs=1, contrast={"kind": kind}), planned(epochs=1, contrast=None)
    run(store, trial)
    run(store, alone)
    (entry,) = log_of(store, trial)
    assert entry["train/loss"] == pytest.approx(entry["train/ce"] + 0.25 * entry["train/contrast"], rel=1e-5)
    assert entry["train/contrast"] != 0
    (other,) = log_of(store, alone)
    assert other["train/loss"] == other["train/ce"]
    assert entry["test/loss"] != other["test/loss"]


@pytest.mark.parametrize(
    "settings",
    [
        {"contrast": {"kind": "proto_nce", "concentration": True}},
        {"contrast": {"kind": "triplet_mined", "miner": "semihard"}},
        {"contrast": {"kind": "barlow", "scale": "1", "deviation": "unbiased", "projection": "bn"}},
        {"start": {"kind": "mean_random_net"}},
        {"start": {"kind": "mean_same_weights", "space": "projected"}},
        {"start": {"kind": "mean_after_warmup", "epochs": 1}},
        {"augment": {"mask": 0.2}},
        {"reduce_to": 8, "heads": 8},
        {"attention_dropout": 0.2},
        {"normalize": "zscore"},
        {"cbam": False},
    ],
)
def test_every_knob_makes_another_trial(store: Store, settings: dict[str, Any]) -> None:
    usual: dict[str, Any] = (
        {"contrast": {"kind": settings["contrast"]["kind"]}} if "contrast" in settings else {}
    )
    trial, other = planned(**settings), planned(**usual)
    assert trial.id != other.id
    assert run(store, trial).metrics["test/loss@last"] != run(store, other).metrics["test/loss@last"]


def test_without_weight_the_loss_beside_changes_nothing_but_what_it_alone_teaches(store: Store) -> None:
    mute, alone = planned(contrast={"kind": "proto_nce", "weight": 0.0}), planned(contrast=None)
    run(store, mute)
    run(store, alone)
    theirs = weights(store, alone)
    mine = {name: value for name, value in weights(store, mute).items() if not name.startswith("projection")}
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())


def test_points_with_the_same_seed_start_alike_and_others_do_not(store: Store) -> None:
    trials = [planned(epochs=1), planned(epochs=1, contrast={"kind": "barlow"}), planned(1, epochs=1)]
    one, same, other = (run(store, trial) for trial in trials)
    assert one.initial_weights == same.initial_weights != other.initial_weights
    assert one.streams["order"] == same.streams["order"] != other.streams["order"]


# Going on exactly


WHOLE = {
    "contrast": {"kind": "barlow", "views": {"mask": 0.1}},
    "augment": {},
    "start": {"kind": "mean_after_warmup", "epochs": 1},
    "attention_dropout": 0.1,
}


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        (WHOLE, range(1, 2 * STEPS_AN_EPOCH + 1)),
        ({"contrast": {"kind": "proto_nce", "concentration": True}}, (2, 3, 4, 5)),
        ({"contrast": {"kind": "triplet"}, "start": {"kind": "mean_random_net"}}, (2, 4)),
        ({"contrast": {"kind": "barlow_class"}}, (4,)),
        ({"block": "encoder"}, (4,)),
    ],
    ids=["barlow", "concentration", "triplet", "barlow_class", "encoder"],
)
def test_stopped_at_any_step_it_leaves_the_same_files(
    settings: dict[str, Any], steps: range | tuple[int, ...], tmp_path: Path
) -> None:
    trial = planned(**settings)
    whole = run(open_store(str(tmp_path / "whole")), trial)
    for step in steps:
        parts = open_store(str(tmp_path / f"{step}"))
        with pytest.raises(Interrupted, match=f"saved step {step} and stopped on request"):
            run(parts, trial, "a", stop_after(step))
        resumed: Result = run(parts, trial, "b")
        assert resumed.files == whole.files, step
        assert resumed.metrics == whole.metrics
    assert {"log.jsonl", "weights/best.safetensors", "artifacts/features.npz"} <= set(whole.files)


# How prototypes begin


def test_class_means_are_of_training_windows_alone() -> None:
    torch.manual_seed(0)
    config = Prototypes(data="made", dim=16)
    data = load_data(config)
    model = PrototypeNetwork(config, 9, 6)
    found = class_means(model, data, "pooled", attend=False)
    model.eval()
    with torch.no_grad():
        pooled = model(torch.from_numpy(data.inputs[data.train]), attend=False).pooled
    labels = torch.from_numpy(data.labels(data.train))
    for label in range(6):
        torch.testing.assert_close(found[label], pooled[labels == label].mean(0), rtol=1e-4, atol=1e-5)
    inputs = data.inputs.copy()
    inputs[data.split.parts["validation"]] = 1e3
    other = dataclasses.replace(data, inputs=inputs)
    assert torch.equal(class_means(model, other, "pooled", attend=False), found)


def start_of(store: Store, **settings: Any) -> np.ndarray[Any, Any]:
    trial = planned(epochs=2, **settings)
    run(store, trial)
    kept = store.read(f"{trial.folder}/artifacts/prototypes-at-start.npy") or b""
    found: np.ndarray[Any, Any] = np.load(io.BytesIO(kept), allow_pickle=False)
    return found


def test_means_of_an_untrained_network_point_nearly_the_same_way(store: Store) -> None:
    xavier = start_of(store)
    starts = {
        kind: start_of(store, start={"kind": kind}) for kind in ("mean_random_net", "mean_same_weights")
    }
    assert most_alike(torch.from_numpy(xavier)) < 0.8
    for means in starts.values():
        assert most_alike(torch.from_numpy(means)) > 0.9
        np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1, rtol=1e-5)
    one, other = starts.values()
    assert not np.allclose(one, other, atol=0.05), "another network has other means"


def test_after_a_warm_up_without_the_loss_prototypes_are_set_anew(store: Store) -> None:
    trial = planned(epochs=3, start={"kind": "mean_after_warmup", "epochs": 2})
    run(store, trial)
    log = log_of(store, trial)
    assert [entry["train/contrast"] == 0 for entry in log] == [True, True, False]
    alone = planned(epochs=3, contrast=None)
    run(store, alone)
    assert [entry["val/loss"] for entry in log[:2]] == [
        entry["val/loss"] for entry in log_of(store, alone)[:2]
    ]
    assert log[2]["train/prototype_cosine"] > log[1]["train/prototype_cosine"]


# What a trial leaves


def test_cost_and_baselines_stand_beside_the_metrics(store: Store) -> None:
    trial = planned(dim=64, epochs=1)
    result = run(store, trial)
    assert result.metrics["model/params@best"] == 68_756
    assert result.metrics["model/flops@last"] > 1e6
    assert set(result.baselines) == {"majority", "nearest class mean"}
    for values in result.baselines.values():
        assert set(values) == {"test/accuracy", "test/f1", "test/macro_f1"}
    assert not [name for name in result.metrics if "latency" in name], "it would differ from run to run"


def test_trivial_guesses_are_taken_from_training_windows() -> None:
    data = load_data(Prototypes(data="made", protocol="notes"))
    guesses = trivial_guesses(data)
    labels = data.labels(data.split.parts["test"])
    commonest = np.bincount(data.labels(data.train)).argmax()
    assert set(guesses["majority"]) == {commonest}
    share = float(np.mean(labels == commonest))
    reached = guess_scores(guesses["majority"], labels)
    assert reached["accuracy"] == pytest.approx(share)
    assert reached["f1"] == pytest.approx(share * 2 * share / (1 + share))
    assert guess_scores(guesses["nearest class mean"], labels)["f1"] > 2 * reached["f1"]


def test_f1_is_weighted_and_macro_f1_is_not() -> None:
    labels, guesses = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    reached = guess_scores(guesses, labels)
    of_0, of_1 = 2 * 2 / (2 + 3), 2 * 1 / (2 + 1)
    assert reached["f1"] == pytest.approx((3 * of_0 + of_1) / 4)
    assert reached["macro_f1"] == pytest.approx((of_0 + of_1) / 2)
    assert guess_scores(labels, labels) == {"accuracy": 1.0, "f1": 1.0, "macro_f1": 1.0}


def test_artifacts_are_of_the_best_step(store: Store) -> None:
    trial = planned(epochs=3, windows=None)
    result = run(store, trial)
    data = load_data(Prototypes(**trial.config))
    test = data.split.parts["test"]
    kept = dict(np.load(io.BytesIO(store.read(f"{trial.folder}/artifacts/features.npz") or b"")))
    assert kept["features"].shape == (len(test), 16)
    assert kept["ids"].tolist() == data.windows.ids[test].tolist()
    np.testing.assert_allclose(np.linalg.norm(kept["prototypes"], axis=1), 1, rtol=1e-5)
    best = weights(store, trial, "best")["prototypes.weight"]
    np.testing.assert_allclose(kept["prototypes"], functional.normalize(best, dim=1).numpy(), rtol=1e-5)

    rows = list(
        csv.DictReader((store.read(f"{trial.folder}/artifacts/classes.csv") or b"").decode().splitlines())
    )
    assert [row["class"] for row in rows] == list(data.windows.classes)
    taken = np.array([[int(row[f"taken for {name}"]) for name in data.windows.classes] for row in rows])
    assert taken.sum() == len(test)
    assert np.trace(taken) / taken.sum() == pytest.approx(result.metrics["test/accuracy@best"])
    weighted = sum(float(row["f1"]) * int(row["windows"]) for row in rows) / len(test)
    assert weighted == pytest.approx(result.metrics["test/f1@best"], abs=1e-5)


@pytest.mark.parametrize(
    ("protocol", "units", "told"),
    [
        ("subject", 4, "made, test subjects 9, 10, 11, 12 (72 windows)"),
        ("notes", 4, "validated on windows that overlap training windows"),
        ("merged", 72, "made, 72 windows of persons that are trained on too"),
    ],
)
def test_a_result_says_who_was_tested(store: Store, protocol: str, units: int, told: str) -> None:
    result = run(store, planned(epochs=1, protocol=protocol))
    assert told in result.description
    assert result.split["units"]["test"] == units
    assert result.split["samples"] == {"train": 72, "validation": min(72, VALIDATION[protocol]), "test": 72}


VALIDATION = {"subject": 72, "notes": 58, "merged": 69}


def test_the_best_epoch_is_chosen_on_validation(store: Store) -> None:
    trial = planned(epochs=4)
    result = run(store, trial)
    log = log_of(store, trial)
    best = max(log, key=lambda entry: (entry["val/f1"], -entry["step"]))
    assert result.best_step == best["step"]
    assert result.metrics["test/f1@best"] == best["test/f1"]
    assert all(math.isfinite(value) for entry in log for value in entry.values())
