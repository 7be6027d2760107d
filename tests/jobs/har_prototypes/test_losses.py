"""The contrastive losses: held against pytorch-metric-learning, their limits, and what must not change them."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning import losses as pml
from torch import Tensor
from torch.nn import functional

from jobs.har_prototypes import losses

CLASSES, WIDTH = 6, 32
SEEDS = st.integers(0, 2**31)


def drawn(seed: int, batch: int = 24, width: int = WIDTH) -> tuple[Tensor, Tensor, Tensor]:
    """Features, prototypes and labels, each class there."""
    generator = torch.Generator().manual_seed(seed)
    f = torch.randn(batch, width, generator=generator, dtype=torch.float64)
    prototypes = torch.randn(CLASSES, width, generator=generator, dtype=torch.float64)
    return f, prototypes, torch.arange(batch) % CLASSES


# Softmax over prototypes


@settings(max_examples=30)
@given(seed=SEEDS, temperature=st.sampled_from([0.05, 0.1, 1.0]))
def test_prototype_nce_is_the_normalised_softmax_of_metric_learning(seed: int, temperature: float) -> None:
    f, prototypes, labels = drawn(seed)
    theirs = pml.NormalizedSoftmaxLoss(CLASSES, WIDTH, temperature=temperature).double()
    with torch.no_grad():
        theirs.W.copy_(prototypes.T)
    torch.testing.assert_close(losses.prototype_nce(f, prototypes, labels, temperature), theirs(f, labels))


@pytest.mark.parametrize(
    ("width", "expected"), [(64, (3.64, 2.88, 2.39, 2.08)), (32, (4.76, 3.61, 2.82, 2.30))]
)
def test_on_random_directions_it_is_where_it_should_begin(width: int, expected: tuple[float, ...]) -> None:
    values = [
        [float(losses.prototype_nce(*drawn(seed, 120, width), tau)) for tau in (0.05, 0.07, 0.1, 0.15)]
        for seed in range(40)
    ]
    assert np.mean(values, axis=0) == pytest.approx(expected, rel=0.06)


def test_at_a_high_temperature_all_prototypes_are_alike() -> None:
    assert float(losses.prototype_nce(*drawn(0), 1e9)) == pytest.approx(math.log(CLASSES), abs=1e-6)


@settings(max_examples=30)
@given(seed=SEEDS, scale=st.floats(1e-2, 1e2), order=st.permutations(range(CLASSES)))
def test_lengths_and_the_order_of_classes_change_nothing(seed: int, scale: float, order: list[int]) -> None:
    f, prototypes, labels = drawn(seed)
    before = losses.prototype_nce(f, prototypes, labels, 0.07)
    torch.testing.assert_close(losses.prototype_nce(scale * f, prototypes / scale, labels, 0.07), before)
    new = torch.tensor(order)
    torch.testing.assert_close(losses.prototype_nce(f, prototypes[new], new.argsort()[labels], 0.07), before)


@settings(max_examples=30)
@given(seed=SEEDS)
def test_its_gradient_turns_a_feature_and_never_stretches_it(seed: int) -> None:
    f, prototypes, labels = drawn(seed)
    f.requires_grad_()
    (gradient,) = torch.autograd.grad(losses.prototype_nce(f, prototypes, labels, 0.05), f)
    along = (gradient * f).sum(1) / (gradient.norm(dim=1) * f.norm(dim=1))
    assert along.abs().max() < 1e-9


def test_each_prototype_can_have_a_temperature_of_its_own() -> None:
    f, prototypes, labels = drawn(0)
    alike = torch.full((CLASSES,), 0.07, dtype=torch.float64)
    torch.testing.assert_close(
        losses.prototype_nce(f, prototypes, labels, alike), losses.prototype_nce(f, prototypes, labels, 0.07)
    )
    cosines = functional.normalize(f) @ functional.normalize(prototypes).T
    own = torch.linspace(0.05, 0.1, CLASSES, dtype=torch.float64)
    expected = functional.cross_entropy(cosines / own[None, :], labels)
    torch.testing.assert_close(losses.prototype_nce(f, prototypes, labels, own), expected)


def test_concentration_is_as_published() -> None:
    distances, counts = torch.tensor([8.0, 2.0, 30.0, 9.0, 5.0, 7.0]), torch.tensor([10, 10, 20, 10, 5, 10])
    phi = distances.numpy() / (counts.numpy() * np.log(counts.numpy() + 10))
    phi = phi.clip(np.percentile(phi, 10), np.percentile(phi, 90))
    found = losses.concentration(distances, counts, 0.05)
    np.testing.assert_allclose(found.numpy(), 0.05 * phi / phi.mean(), rtol=1e-6)
    assert float(found.mean()) == pytest.approx(0.05)


def test_a_class_that_has_not_been_seen_is_as_concentrated_as_the_others() -> None:
    seen = losses.concentration(torch.tensor([2.0, 2.0, 0.0]), torch.tensor([4, 4, 0]), 0.07)
    assert seen.tolist() == pytest.approx([0.07] * 3)


# Triplets


@settings(max_examples=30)
@given(seed=SEEDS, margin=st.sampled_from([0.2, 1.0, 3.0]))
def test_a_triplet_with_a_prototype_stays_in_its_bounds(seed: int, margin: float) -> None:
    f, prototypes, labels = drawn(seed)
    value = float(losses.prototype_triplet(f, prototypes, labels, (labels + 1) % CLASSES, margin))
    assert 0 <= value <= margin + 2


def test_a_triplet_with_equal_prototypes_is_the_margin() -> None:
    f, prototypes, labels = drawn(0)
    same = prototypes[:1].expand(CLASSES, -1)
    value = losses.prototype_triplet(f, same, labels, (labels + 1) % CLASSES, 0.7)
    assert float(value) == pytest.approx(0.7, abs=1e-5)


@pytest.mark.parametrize("miner", ["batch_hard", "semihard"])
def test_mined_triplets_are_those_found_by_hand(miner: Literal["batch_hard", "semihard"]) -> None:
    f, _, labels = drawn(3, batch=12)
    apart = torch.cdist(functional.normalize(f), functional.normalize(f))
    margin, values = 0.3, []
    for a in range(len(f)):
        own = [p for p in range(len(f)) if p != a and labels[p] == labels[a]]
        others = [n for n in range(len(f)) if labels[n] != labels[a]]
        pairs = [(p, n) for p in own for n in others]
        if miner == "batch_hard":
            pairs = [(max(own, key=lambda p: apart[a, p]), min(others, key=lambda n: apart[a, n]))]
        else:
            pairs = [(p, n) for p, n in pairs if 0 < apart[a, n] - apart[a, p] <= margin]
        values += [max(0.0, float(apart[a, p] - apart[a, n]) + margin) for p, n in pairs]
    assert values
    assert float(losses.mined_triplet(f, labels, miner, margin)) == pytest.approx(np.mean(values), rel=1e-6)


def test_a_copy_is_nearer_than_the_next_windows_copy() -> None:
    f, _, _ = drawn(0)
    near = float(losses.roll_triplet(f, 2 * f, 0.5))
    far = float(losses.roll_triplet(f, -f, 0.5))
    assert near < 0.5 < far
    anchors = functional.normalize(f)
    expected = (0.5 - (anchors - anchors.roll(1, 0)).norm(dim=1)).clamp_min(0).mean()
    assert near == pytest.approx(float(expected), abs=1e-5)


# Barlow Twins


def by_hand(a: Tensor, b: Tensor, off_diagonal: float, ddof: int = 0) -> float:
    standard = [(z - z.mean(0)) / z.std(0, ddof=ddof) for z in (a.numpy(), b.numpy())]
    correlation = standard[0].T @ standard[1] / len(a)
    diagonal = np.diag(correlation)
    rest = np.sum(correlation**2) - np.sum(diagonal**2)
    return float(np.sum((1 - diagonal) ** 2) + off_diagonal * rest)


@settings(max_examples=30)
@given(seed=SEEDS)
def test_barlow_is_as_published_and_tells_the_two_deviations_apart(seed: int) -> None:
    a, _, _ = drawn(seed)
    b = a + 0.1 * drawn(seed + 1)[0]
    assert float(losses.barlow(a, b, 5e-3)) == pytest.approx(by_hand(a, b, 5e-3), rel=1e-9)
    unbiased = float(losses.barlow(a, b, 5e-3, deviation="unbiased"))
    assert unbiased == pytest.approx(by_hand(a, b, 5e-3, ddof=1), rel=1e-9)
    assert unbiased != pytest.approx(by_hand(a, b, 5e-3), rel=1e-3)
    assert float(losses.barlow(a, b, 5e-3, "1/D")) == pytest.approx(by_hand(a, b, 5e-3) / WIDTH, rel=1e-9)


def test_equal_copies_agree_wholly_with_the_biased_deviation_only() -> None:
    a, _, _ = drawn(0)
    assert float(losses.barlow(a, a, 0.0)) == pytest.approx(0, abs=1e-12)
    expected = WIDTH * (1 - (len(a) - 1) / len(a)) ** 2
    assert float(losses.barlow(a, a, 0.0, deviation="unbiased")) == pytest.approx(expected)


@settings(max_examples=30)
@given(seed=SEEDS, scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_barlow_does_not_see_scale_and_offset(seed: int, scale: float, shift: float) -> None:
    a, _, _ = drawn(seed)
    b, _, _ = drawn(seed + 1)
    torch.testing.assert_close(losses.barlow(a, scale * b + shift, 0.01), losses.barlow(a, b, 0.01))


def test_a_constant_feature_breaks_nothing() -> None:
    a, _, _ = drawn(0)
    a[:, 0] = 1.0
    a.requires_grad_()
    loss = losses.barlow(a, drawn(1)[0], 0.01)
    loss.backward()
    assert a.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(a.grad).all()


# Among the windows of a batch


@settings(max_examples=30)
@given(seed=SEEDS, temperature=st.sampled_from([0.07, 0.5]))
def test_nt_xent_is_that_of_metric_learning(seed: int, temperature: float) -> None:
    a, _, _ = drawn(seed, batch=8)
    b, _, _ = drawn(seed + 1, batch=8)
    pairs = torch.arange(8).repeat(2)
    expected = pml.NTXentLoss(temperature=temperature)(torch.cat([a, b]), pairs)
    torch.testing.assert_close(losses.nt_xent(a, b, temperature), expected)


def test_nt_xent_over_a_large_batch_takes_no_more_than_its_similarities() -> None:
    a, b = torch.randn(512, 8), torch.randn(512, 8)  # the other way, 1024 x 1,046,528 comparisons
    assert torch.isfinite(losses.nt_xent(a, b, 0.07))


@settings(max_examples=30)
@given(seed=SEEDS)
def test_supervised_contrast_is_as_published(seed: int) -> None:
    f, _, labels = drawn(seed, batch=12)
    cosines = (functional.normalize(f) @ functional.normalize(f).T / 0.1).numpy()
    values = []
    for i in range(12):
        others = [j for j in range(12) if j != i]
        total = np.log(np.sum(np.exp(cosines[i, others])))
        values.append(np.mean([total - cosines[i, p] for p in others if labels[p] == labels[i]]))
    assert float(losses.supervised_contrast(f, labels, 0.1)) == pytest.approx(np.mean(values), rel=1e-6)


@settings(max_examples=30)
@given(seed=SEEDS)
def test_siamese_stays_in_its_bounds_and_reaches_them(seed: int) -> None:
    (f_a, *_), (f_b, *_) = drawn(seed), drawn(seed + 1)
    assert -1 <= float(losses.siamese(f_a, f_b, f_b, f_a)) <= 1
    assert float(losses.siamese(f_a, f_b, 3 * f_b, 2 * f_a)) == pytest.approx(-1)
    assert float(losses.siamese(f_a, f_b, -f_b, -f_a)) == pytest.approx(1)


def test_siamese_gives_its_targets_no_gradient() -> None:
    parts: list[Any] = [drawn(seed)[0].requires_grad_() for seed in range(4)]
    losses.siamese(*parts).backward()
    assert [part.grad is None for part in parts] == [False, False, True, True]
