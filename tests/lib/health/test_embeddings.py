"""Embeddings that collapse or run away, losses without a bottom, exponents near overflow."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seedbed.health.collapse import spread
from seedbed.health.exponent import margin
from tests.lib.health.training import Observe, kinds, train


def embedded(scale: float = 1.0, *, dimensions: int = 16, rank: int = 16, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(64, rank, generator=generator) @ torch.randn(rank, dimensions, generator=generator)
    return scale * values / math.sqrt(rank) + 3.0


def changing(**at_last: Any) -> Observe:
    """Observes an embedding that is ordinary up to step 100, and something else from then on."""
    return lambda step, outputs, loss: {"embedding": embedded(seed=step, **(at_last if step > 100 else {}))}


@pytest.mark.parametrize(
    ("observe", "why"),
    [
        (changing(scale=1e-4), "of what it was at the start"),
        (changing(scale=0), "they are all the same"),
        (changing(rank=1), "100 % on one component"),
    ],
)
def test_a_collapse_is_told_once_it_is_there_to_stay(observe: Observe, why: str) -> None:
    (event,) = train(observe=observe, steps=400)
    assert event.kind == "collapse"
    assert event.message.startswith(
        "embeddings have collapsed by step 235: "
    )  # the third look after step 100
    assert why in event.message


def test_one_odd_batch_is_no_collapse() -> None:
    def observe(step: int, outputs: Tensor, loss: Tensor) -> dict[str, Tensor]:
        return {"embedding": embedded(0.0 if step % 94 == 0 else 1.0)}

    assert train(observe=observe, steps=600) == []


@pytest.mark.parametrize(
    "observe",
    [
        changing(scale=0.1),
        changing(rank=4),
        lambda step, outputs, loss: {"embedding": embedded(rank=1)},  # low from the start: it is meant to be
        lambda step, outputs, loss: {"embedding": embedded(dimensions=2, rank=1 if step > 9 else 2)},
        lambda step, outputs, loss: {"embedding": outputs},
        lambda step, outputs, loss: {"embedding": outputs[:1]},
    ],
    ids=["tighter", "fewer dimensions", "one class", "flat", "of a healthy run", "a single one"],
)
def test_embeddings_that_merely_change_are_left_in_peace(observe: Observe) -> None:
    assert train(observe=observe, steps=400) == []


def test_the_spread_of_embeddings_is_what_pdist_and_svd_say() -> None:
    z = embedded(dimensions=40, rank=7).double()
    now = spread(z)
    variances = torch.linalg.svdvals(z - z.mean(0)) ** 2
    shares = variances / variances.sum()
    assert now.distance == pytest.approx(torch.pdist(z).mean().item(), rel=1e-9)
    assert now.rank == pytest.approx(torch.distributions.Categorical(shares).entropy().exp().item(), rel=1e-6)
    assert now.top == pytest.approx(shares.max().item(), rel=1e-9)


@given(shift=st.floats(-1e3, 1e3), scale=st.floats(1e-3, 1e3))
def test_the_effective_rank_depends_on_neither_place_nor_size(shift: float, scale: float) -> None:
    z, moved = embedded(rank=5).double(), scale * embedded(rank=5).double() + shift
    assert spread(moved).rank == pytest.approx(spread(z).rank, rel=1e-4)
    assert spread(moved).distance == pytest.approx(scale * spread(z).distance, rel=1e-4)


def test_embeddings_that_keep_growing_are_told_and_those_that_settle_are_not() -> None:
    (event,) = train(observe=lambda step, outputs, loss: {"embedding": embedded() * 1.05**step}, steps=300)
    assert event.kind == "runaway"
    assert event.message.startswith("embeddings run away: max|z| ")
    for settled in (20, 150):
        grown = lambda step, outputs, loss: {"embedding": embedded() * 1.05 ** min(step, settled)}  # noqa: B023, E731
        assert train(observe=grown, steps=400) == []


def test_a_loss_without_a_bottom_is_told() -> None:
    (event,) = train(observe=lambda step, outputs, loss: {"loss": 4.0 - step}, steps=200)
    assert event.message == "the loss runs away: -43 at step 47, 3 at first"


@pytest.mark.parametrize("last", [-29.0, 1e6])
def test_a_loss_that_is_merely_negative_or_large_is_not_told(last: float) -> None:
    assert train(observe=lambda step, outputs, loss: {"loss": 3.0 if step < 9 else last}) == []
    cosine = train(observe=lambda step, outputs, loss: {"loss": 0.001 if step < 9 else -1.0})
    assert cosine == []


def test_exponents_near_overflow_are_told() -> None:
    (event,) = train(observe=lambda step, outputs, loss: {"exponent": torch.tensor([0.0, float(step)])})
    assert event.kind == "exponent-margin"
    assert event.message == "exponents of up to 94 at step 94: 106 % of the largest that exp can take"
    assert train(observe=lambda step, outputs, loss: {"exponent": torch.tensor(79.0)}) == []


@pytest.mark.parametrize("kind", [torch.float16, torch.float32, torch.float64])
def test_exp_overflows_just_above_the_margin(kind: torch.dtype) -> None:
    limit = 1 / margin(torch.ones(1, dtype=torch.float64).to(kind))
    below, above = torch.tensor([limit * 0.99, limit * 1.01], dtype=kind).exp()
    assert torch.isfinite(below)
    assert torch.isinf(above)


def test_a_healthy_run_has_no_events() -> None:
    observe: Observe = lambda step, outputs, loss: {  # noqa: E731
        "loss": loss, "embedding": outputs, "exponent": outputs, "grad_norm": 1.0 + (step % 7), "clip": 5.0,
        "codes": outputs.argmax(1), "codebook": 3,
    }  # fmt: skip
    assert kinds(train(observe=observe, steps=400)) == []
