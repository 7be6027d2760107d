"""Dead codes and clipping that never clips; metrics at a guess and losses that never fell."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from seedbed.family import Metric
from seedbed.health.learning import at_baseline, plateau
from tests.lib.health.training import train

BOOK = 64


def codes(used: int, size: int = BOOK) -> Any:
    def observe(step: int, outputs: Tensor, loss: Tensor) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(step)
        return {"codes": torch.randint(used, (8, 4), generator=generator), "codebook": size}

    return observe


def test_a_codebook_that_has_collapsed_is_told_after_two_windows() -> None:
    (event,) = train(observe=codes(5))
    assert (event.kind, event.message) == ("dead-codes", "dead codes: 5 of 64 were in use by step 40")


@pytest.mark.parametrize("used", [8, 32, BOOK])
def test_a_codebook_of_which_some_is_unused_is_not_told(used: int) -> None:
    assert train(observe=codes(used)) == []


def test_one_code_of_a_few_is_told_and_a_book_of_one_is_not() -> None:
    assert [event.message for event in train(observe=codes(1, 4))] == [
        "dead codes: 1 of 4 were in use by step 4"
    ]
    assert train(observe=codes(1, 1)) == []


@pytest.mark.parametrize(("norm", "told"), [(0.5, True), (1.5, False)])
def test_clipping_that_never_clips_is_told(norm: float, told: bool) -> None:
    def observe(step: int, outputs: Tensor, loss: Tensor) -> dict[str, float]:
        return {"grad_norm": norm if step == 50 else 0.25, "clip": 1.0}

    events = [event.message for event in train(observe=observe)]
    said = ["0 of 200 steps were clipped: the largest gradient norm was 0.5, the limit is 1"]
    assert events == (said if told else [])
    assert train(observe=observe, steps=99) == []


METRICS = {
    "accuracy": Metric(unit="%"),
    "error": Metric(unit="%", better="lower"),
    "loss": Metric(better="lower"),
}


def metric(name: str) -> Metric:
    return METRICS[name.split("@")[0].split("/")[-1]]


@pytest.mark.parametrize(
    ("name", "value", "guess", "message"),
    [
        # 400 samples, p = 0.2: sd 0.02
        (
            "accuracy",
            0.239,
            0.2,
            "no better than a trivial baseline: test/accuracy@best 0.239 (majority 0.2 ± 0.04)",
        ),
        ("accuracy", 0.241, 0.2, None),
        (
            "accuracy",
            0.1,
            0.2,
            "no better than a trivial baseline: test/accuracy@best 0.1 (majority 0.2 ± 0.04)",
        ),
        ("error", 0.8, 0.8, "no better than a trivial baseline: test/error@best 0.8 (majority 0.8 ± 0.04)"),
        ("error", 0.7, 0.8, None),
        ("loss", 1.0, 1.0, "no better than a trivial baseline: test/loss@best 1 (majority 1)"),
        ("loss", 0.99, 1.0, None),
    ],
)
def test_a_metric_at_a_trivial_guess_is_told(
    name: str, value: float, guess: float, message: str | None
) -> None:
    events = at_baseline(
        {f"test/{name}@best": value, f"test/{name}@last": 0.0},
        {"majority": {f"test/{name}": guess}},
        {"samples": {"test": 400}},
        metric,
    )
    assert [event.message for event in events] == ([message] if message else [])


def plateaus(losses: list[float], accuracy: float, baseline: bool = True) -> list[str]:
    log = [
        {"step": 10 * (epoch + 1), "train/loss": loss, "train/accuracy": accuracy}
        for epoch, loss in enumerate(losses)
    ]
    guesses = {"majority": {"test/accuracy": 0.2}} if baseline else {}
    return [event.message for event in plateau(log, guesses, metric)]


def test_a_loss_that_never_fell_at_the_accuracy_of_a_guess_is_told() -> None:
    assert plateaus([1.0, 0.995] * 5, 0.21) == [
        "plateau: train/loss never fell (1 at step 10, 0.995 at step 100), train/accuracy is 0.21"
    ]


@pytest.mark.parametrize(
    ("losses", "accuracy", "baseline"),
    [
        ([1.0] * 9, 0.2, True),
        ([1.0] * 9 + [0.98], 0.2, True),
        ([1.0, 0.5] + [2.0] * 9, 0.2, True),
        ([1.0] * 20, 0.9, True),
        ([1.0] * 20, 0.2, False),
    ],
    ids=["too few", "falls late", "fell once", "good from the start", "nothing to compare with"],
)
def test_other_flat_losses_are_not_told(losses: list[float], accuracy: float, baseline: bool) -> None:
    assert plateaus(losses, accuracy, baseline) == []
