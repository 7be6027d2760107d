"""Similarity and attention: what they may not depend on, their bounds, and how several teachers are merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import pytest
import torch
from torch import Tensor

from jobs.sensor_distillation.features import (
    Merge,
    attention,
    attention_loss,
    gram,
    similarity_loss,
)

BATCH = 12
ALPHA = {"gaf": 0.3, "signal": 0.7}
MERGES: tuple[Merge, ...] = get_args(Merge)


def maps(seed: int, width: int = 1, *, image: bool = False) -> list[Tensor]:
    """Three stages of a network on a batch, in float64; an image's activations are ten times as large."""
    generator = torch.Generator().manual_seed(seed)
    places = [(8, 8), (4, 4), (2, 2)] if image else [(20,), (10,), (5,)]
    scale = 10 if image else 1
    return [
        scale * torch.randn(BATCH, 4 * width * 2**stage, *size, generator=generator, dtype=torch.float64)
        for stage, size in enumerate(places)
    ]


STUDENT, SIGNAL, IMAGE = maps(0), maps(1, width=3), maps(2, image=True)
TEACHERS = {"signal": SIGNAL, "gaf": IMAGE}


def alone(student: Sequence[Tensor], teacher: Sequence[Tensor], merge: Merge = "raw_gram") -> float:
    return similarity_loss(student, {"signal": teacher}, {"signal": 1.0}, merge).item()


def value_and_gradients(merge: Merge) -> tuple[float, list[Tensor]]:
    student = [features.clone().requires_grad_() for features in STUDENT]
    loss = similarity_loss(student, TEACHERS, ALPHA, merge)
    return loss.item(), list(torch.autograd.grad(loss, student))


def test_similarity_is_the_formula() -> None:
    expected = 0.0
    for mine, theirs in zip(STUDENT, SIGNAL, strict=True):
        rows = []
        for features in (mine, theirs):
            a = features.reshape(BATCH, -1)
            g = torch.tensor([[float(one @ other) for other in a] for one in a], dtype=torch.float64)
            rows.append(g / g.square().sum(dim=1, keepdim=True).sqrt())
        expected += float((rows[0] - rows[1]).square().sum()) / BATCH**2
    assert alone(STUDENT, SIGNAL) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("merge", MERGES)
def test_one_teacher_is_merged_with_nobody(merge: Merge) -> None:
    assert alone(STUDENT, SIGNAL, merge) == pytest.approx(alone(STUDENT, SIGNAL), rel=1e-12)


def test_similarity_does_not_see_rotation_and_scale() -> None:
    turned = []
    for features in STUDENT:
        flat = features.flatten(1)
        generator = torch.Generator().manual_seed(flat.shape[1])
        drawn = torch.randn(flat.shape[1], flat.shape[1], generator=generator, dtype=torch.float64)
        rotation, _ = torch.linalg.qr(drawn)
        turned.append((3.7 * flat @ rotation).reshape(features.shape))
    assert not torch.allclose(turned[0], STUDENT[0])
    assert alone(turned, SIGNAL) == pytest.approx(alone(STUDENT, SIGNAL), rel=1e-12)
    assert alone(SIGNAL, turned) == pytest.approx(alone(SIGNAL, STUDENT), rel=1e-12)


@pytest.mark.parametrize("merge", MERGES)
def test_similarity_does_not_see_the_order_of_the_batch(merge: Merge) -> None:
    order = torch.randperm(BATCH, generator=torch.Generator().manual_seed(5))
    shuffled = {name: [features[order] for features in theirs] for name, theirs in TEACHERS.items()}
    student = [features[order] for features in STUDENT]
    expected = similarity_loss(STUDENT, TEACHERS, ALPHA, merge)
    torch.testing.assert_close(similarity_loss(student, shuffled, ALPHA, merge), expected, rtol=1e-12, atol=0)
    assert similarity_loss(student, TEACHERS, ALPHA, merge) != pytest.approx(expected.item(), rel=1e-3)


@pytest.mark.parametrize("merge", MERGES)
def test_equal_features_are_equally_similar(merge: Merge) -> None:
    student = [features.clone().requires_grad_() for features in STUDENT]
    loss = similarity_loss(student, dict.fromkeys(ALPHA, STUDENT), ALPHA, merge)
    assert loss.item() < 1e-30
    assert all(gradient.abs().max() < 1e-15 for gradient in torch.autograd.grad(loss, student))


def test_a_stage_is_at_most_four_over_the_batch() -> None:
    """That is when all rows are opposite; half of it is reached by windows alike, and alike or opposite in turn."""
    apart = torch.eye(BATCH, dtype=torch.float64)
    signs = torch.where(torch.arange(BATCH) % 2 == 0, 1.0, -1.0).double().unsqueeze(1)
    one, other = torch.ones(BATCH, 1, dtype=torch.float64), signs
    assert alone([one], [apart]) < 4 / BATCH
    assert alone([one], [other]) == pytest.approx(2 / BATCH, rel=1e-12), "half the entries differ in sign"
    for seed in range(20):
        for mine, theirs in zip(maps(seed), maps(seed + 100, image=True), strict=True):
            assert 0 < alone([mine], [theirs]) <= 4 / BATCH


def test_merging_after_normalisation_pulls_like_each_teacher_by_itself() -> None:
    value, gradients = value_and_gradients("normalized_gram")
    separate, same = value_and_gradients("per_teacher")
    assert separate > value * 1.01, "the values differ by the teachers' disagreement"
    assert max((left - right).abs().max() for left, right in zip(gradients, same, strict=True)) < 2e-16


def test_merging_before_normalisation_follows_the_teacher_with_the_larger_activations() -> None:
    _, raw = value_and_gradients("raw_gram")
    _, normalised = value_and_gradients("normalized_gram")
    assert (raw[0] - normalised[0]).abs().max() > 1e-2 * normalised[0].abs().max()
    louder = {**TEACHERS, "gaf": [100 * features for features in IMAGE]}
    led = similarity_loss(STUDENT, louder, ALPHA, "raw_gram").item()
    assert led == pytest.approx(alone(STUDENT, IMAGE), rel=1e-3)
    assert led != pytest.approx(alone(STUDENT, SIGNAL), rel=1e-2)
    fair = similarity_loss(STUDENT, louder, ALPHA, "normalized_gram").item()
    expected = similarity_loss(STUDENT, TEACHERS, ALPHA, "normalized_gram").item()
    assert fair == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("merge", MERGES)
def test_a_teacher_without_a_share_is_left_out(merge: Merge) -> None:
    broken = {"signal": SIGNAL, "gaf": [torch.full_like(features, torch.nan) for features in IMAGE]}
    loss = similarity_loss(STUDENT, broken, {"signal": 1.0, "gaf": 0.0}, merge)
    assert loss.item() == alone(STUDENT, SIGNAL, merge)


@pytest.mark.parametrize("merge", MERGES)
def test_no_gradient_reaches_a_teacher_s_maps(merge: Merge) -> None:
    teacher = [features.clone().requires_grad_() for features in SIGNAL]
    student = [features.clone().requires_grad_() for features in STUDENT]
    similar = similarity_loss(student, {"signal": teacher}, {"signal": 1.0}, merge)
    (similar + attention_loss(student, teacher)).backward()
    assert all(features.grad is None for features in teacher)
    assert all(features.grad is not None for features in student)


def test_a_gram_matrix_is_one_number_a_pair_for_any_architecture() -> None:
    assert {gram(features).shape for features in (*SIGNAL, *IMAGE)} == {(BATCH, BATCH)}


# Attention


def test_attention_is_the_formula() -> None:
    expected = 0.0
    for mine, theirs in zip(STUDENT, SIGNAL, strict=True):
        q, t = (features.square().sum(dim=1) for features in (mine, theirs))
        gaps = [float((a / a.norm() - b / b.norm()).norm()) for a, b in zip(q, t, strict=True)]
        expected += sum(gaps) / BATCH
    assert attention_loss(STUDENT, SIGNAL).item() == pytest.approx(expected, rel=1e-12)


def test_attention_sees_places_and_neither_sign_nor_scale_nor_the_order_of_channels() -> None:
    turned = [-2.5 * features.flip(1) for features in STUDENT]
    torch.testing.assert_close(attention_loss(turned, SIGNAL), attention_loss(STUDENT, SIGNAL))
    moved = [features.flip(2) for features in STUDENT]
    assert attention_loss(moved, SIGNAL) != pytest.approx(attention_loss(STUDENT, SIGNAL).item(), rel=1e-3)


def test_equal_maps_have_no_attention_loss_and_no_gradient() -> None:
    student = [features.clone().requires_grad_() for features in STUDENT]
    loss = attention_loss(student, STUDENT)
    assert loss.item() == 0
    assert all(gradient.abs().max() == 0 for gradient in torch.autograd.grad(loss, student))


def test_attention_has_length_one() -> None:
    assert attention(SIGNAL[0]).shape == (BATCH, 20)
    torch.testing.assert_close(attention(SIGNAL[0]).norm(dim=1), torch.ones(BATCH, dtype=torch.float64))
