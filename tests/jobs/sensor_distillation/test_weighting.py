"""Teachers weighed for each window: by their entropy and by their confidence in the label."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from jobs.sensor_distillation.weighting import by_confidence, by_entropy

CLASSES = 5
SURE = torch.tensor([[50.0, 0, 0, 0, 0]], dtype=torch.float64)
UNSURE = torch.zeros(1, CLASSES, dtype=torch.float64)
LABEL = torch.tensor([0])


def drawn(count: int) -> tuple[dict[str, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(count)
    names = ("gaf", "mtf", "signal", "gadf")[:count]
    logits = {name: 2 * torch.randn(9, CLASSES, generator=generator, dtype=torch.float64) for name in names}
    return logits, torch.randint(CLASSES, (9,), generator=generator)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_weights_are_positive_and_add_up_to_one_in_each_window(count: int) -> None:
    logits, targets = drawn(count)
    for weights in (by_entropy(logits), by_confidence(logits, targets)):
        assert list(weights) == sorted(logits)
        stacked = torch.stack(list(weights.values()))
        assert stacked.shape == (count, 9)
        assert stacked.min() > 0
        torch.testing.assert_close(stacked.sum(dim=0), torch.ones(9, dtype=torch.float64), rtol=0, atol=1e-15)


def test_entropy_is_the_formula() -> None:
    logits, _ = drawn(3)
    weights = by_entropy(logits)
    for window in range(9):
        entropies = {}
        for name, values in logits.items():
            p = values[window].softmax(dim=0).tolist()
            entropies[name] = -sum(q * math.log(q) for q in p)
        for name, weight in weights.items():
            share = 1 - entropies[name] / sum(entropies.values())
            assert weight[window].item() == pytest.approx(share / 2, rel=1e-12)


def test_confidence_is_the_formula() -> None:
    logits, targets = drawn(3)
    weights = by_confidence(logits, targets)
    for window, label in enumerate(targets.tolist()):
        odds = {
            name: 1 / values[window].softmax(dim=0)[label].item() for name, values in logits.items()
        }  # exp(CE)
        for name, weight in weights.items():
            share = 1 - odds[name] / sum(odds.values())
            assert weight[window].item() == pytest.approx(share / 2, rel=1e-12)


def test_the_surer_teacher_has_more_to_say_even_where_it_is_wrong() -> None:
    weights = by_entropy({"gaf": SURE, "signal": UNSURE})
    assert weights["gaf"].item() == pytest.approx(1, abs=1e-12)
    flipped = by_entropy({"gaf": SURE.flip(1), "signal": UNSURE})
    assert torch.equal(weights["gaf"], flipped["gaf"])


def test_the_teacher_nearer_the_label_has_more_to_say() -> None:
    right = by_confidence({"gaf": SURE, "signal": UNSURE}, LABEL)
    wrong = by_confidence({"gaf": SURE.flip(1), "signal": UNSURE}, LABEL)
    assert right["gaf"].item() == pytest.approx(5 / 6, rel=1e-9), "exp(CE) is 1 and 5"
    assert wrong["gaf"].item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("logits", [SURE * 1e4, SURE, UNSURE])
def test_teachers_that_say_the_same_weigh_the_same(logits: Tensor) -> None:
    alike = {"gaf": logits, "mtf": logits, "signal": logits}
    for weights in (by_entropy(alike), by_confidence(alike, LABEL)):
        assert all(weight.item() == pytest.approx(1 / 3, rel=1e-12) for weight in weights.values())
