"""The distillation losses: the study's log, the limits, and which runs must be the same to the last bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import permutations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from jobs.sensor_distillation.losses import (
    KlReduction,
    TeacherWeights,
    combine,
    distillation_kl,
    distillation_loss,
    standardised,
)
from jobs.sensor_distillation.weighting import by_confidence, by_entropy

CLASSES = 14
ALPHA = {"gaf": 0.5, "pi": 0.2, "signal": 0.3}
TARGETS = torch.arange(64) % CLASSES


def logits(seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(64, CLASSES, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 3


def teachers(dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    return {name: logits(seed, dtype) for seed, name in enumerate(ALPHA, start=1)}


def loss_and_gradient(
    loss_of: Callable[[Tensor], Tensor], dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    student = logits(0, dtype).requires_grad_()
    loss = loss_of(student)
    (gradient,) = torch.autograd.grad(loss, student)
    return loss.detach(), gradient


def distilled(
    teacher_logits: Mapping[str, Tensor],
    alpha: Mapping[str, float],
    *,
    kd_weight: float = 0.7,
    temperature: float = 4.0,
    kl_reduction: KlReduction = "mean",
    teacher_weights: TeacherWeights = "alpha",
    logit_std: bool = False,
) -> tuple[Tensor, Tensor]:
    return loss_and_gradient(
        lambda student: distillation_loss(
            student,
            TARGETS,
            teacher_logits,
            alpha,
            kd_weight,
            temperature,
            kl_reduction,
            teacher_weights,
            logit_std,
        ),
        next(iter(teacher_logits.values())).dtype,
    )


def same_bits(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(left, right, strict=True))


@pytest.mark.parametrize(
    ("ce", "image", "signal", "total"),
    [
        (0.203328446, 0.030385526, 0.005458672, 0.205889881),
        (0.194453508, 0.030236121, 0.005104329, 0.199947342),
    ],
)
def test_terms_combine_to_the_totals_in_the_log_of_the_study(
    ce: float, image: float, signal: float, total: float
) -> None:
    terms = {
        "image": torch.tensor(image, dtype=torch.float64),
        "signal": torch.tensor(signal, dtype=torch.float64),
    }
    loss = combine(torch.tensor(ce, dtype=torch.float64), terms, {"image": 0.3, "signal": 0.7}, 0.7, 4)
    assert loss.item() == pytest.approx(total, abs=1e-7)


def test_the_loss_is_the_formula_of_its_parts() -> None:
    student, by_name = logits(0, torch.float64), teachers(torch.float64)
    kl = sum(
        share
        * (softened(by_name[name]) * (softened(by_name[name]) / softened(student)).log()).sum(1).mean()
        / CLASSES
        for name, share in ALPHA.items()
    )
    expected = 0.3 * functional.cross_entropy(student, TARGETS) + 0.7 * 16 * kl
    torch.testing.assert_close(distilled(by_name, ALPHA)[0], expected, rtol=1e-12, atol=0)


def softened(z: Tensor) -> Tensor:
    return (z / 4).softmax(dim=1)


def test_without_distillation_it_is_cross_entropy_to_the_last_bit() -> None:
    plain = loss_and_gradient(lambda student: functional.cross_entropy(student, TARGETS))
    broken_teacher = {"gaf": torch.full((64, CLASSES), math.nan)}

    assert same_bits(distilled(teachers(), ALPHA, kd_weight=0), plain)
    assert same_bits(distilled(broken_teacher, {"gaf": 1.0}, kd_weight=0), plain)


def test_distillation_alone_does_not_see_the_labels() -> None:
    def alone(targets: Tensor) -> tuple[Tensor, Tensor]:
        return loss_and_gradient(
            lambda student: distillation_loss(
                student, targets, {"gaf": logits(1)}, {"gaf": 1.0}, 1, 4, "batchmean"
            )
        )

    only_kl = loss_and_gradient(lambda student: 16 * distillation_kl(student, logits(1), 4, "batchmean"))
    assert same_bits(alone(TARGETS), only_kl)
    assert same_bits(alone(TARGETS), alone(TARGETS.flip(0)))


def test_cross_entropy_that_is_not_finite_does_not_reach_distillation_alone() -> None:
    kl = {"gaf": torch.tensor(0.5)}
    assert combine(torch.tensor(math.inf), kl, {"gaf": 1.0}, 1, 4) == 8


@pytest.mark.parametrize("only", ALPHA)
def test_a_one_hot_alpha_is_that_teacher_alone_to_the_last_bit(only: str) -> None:
    one_hot = {name: float(name == only) for name in ALPHA}
    others_broken = {
        name: values if name == only else torch.full_like(values, math.nan)
        for name, values in teachers().items()
    }
    alone = distilled({only: teachers()[only]}, {only: 1.0})

    assert same_bits(distilled(teachers(), one_hot), alone)
    assert same_bits(distilled(others_broken, one_hot), alone)


def test_the_order_of_the_teachers_changes_no_bit() -> None:
    by_name = teachers()
    first, *others = (
        distilled({name: by_name[name] for name in order}, {name: ALPHA[name] for name in reversed(order)})
        for order in permutations(ALPHA)
    )
    assert all(same_bits(first, other) for other in others)


def test_the_order_of_the_terms_changes_no_bit() -> None:
    kl = {"gaf": torch.tensor(1.0), "pi": torch.tensor(1e8), "signal": torch.tensor(-1e8)}
    shares = dict.fromkeys(kl, 1.0)
    totals = {
        combine(torch.tensor(0.0), {name: kl[name] for name in order}, shares, 1, 1).item()
        for order in permutations(kl)
    }
    assert len(totals) == 1


@pytest.mark.parametrize("reduction", ["mean", "batchmean"])
def test_equal_logits_have_no_divergence_and_no_gradient(reduction: KlReduction) -> None:
    def divergence(teacher: Tensor) -> tuple[Tensor, Tensor]:
        return loss_and_gradient(
            lambda student: distillation_kl(student, teacher, 4, reduction), torch.float64
        )

    same, slightly_other = logits(0, torch.float64), logits(0, torch.float64)
    slightly_other[5, 3] += 0.1

    value, gradient = divergence(same)
    assert value == 0
    assert gradient.abs().max() < 1e-17
    value, gradient = divergence(slightly_other)
    assert value > 1e-9
    assert gradient[5].abs().max() > 1e-8


def test_shifting_a_sample_s_logits_changes_nothing() -> None:
    student, teacher = logits(0, torch.float64), logits(1, torch.float64)
    shift = torch.linspace(-5, 5, 64, dtype=torch.float64).unsqueeze(1)
    moved = distillation_kl(student + shift, teacher - 2 * shift, 4, "mean")
    torch.testing.assert_close(moved, distillation_kl(student, teacher, 4, "mean"), rtol=1e-12, atol=0)


def test_the_reductions_differ_by_the_number_of_classes() -> None:
    student, teacher = logits(0, torch.float64), logits(1, torch.float64)
    hinton = distillation_kl(student, teacher, 4, "batchmean")
    assert distillation_kl(student, teacher, 4, "mean") == hinton / CLASSES
    student_log, probabilities = (student / 4).log_softmax(1), softened(teacher)
    torch.testing.assert_close(hinton, functional.kl_div(student_log, probabilities, reduction="batchmean"))


@pytest.mark.parametrize(("temperature", "tolerance"), [(1e3, 2e-3), (1e4, 2e-4), (1e5, 2e-5)])
def test_hot_distillation_tends_to_matching_centred_logits(temperature: float, tolerance: float) -> None:
    student, teacher = logits(0, torch.float64), logits(1, torch.float64)
    gap = teacher - student
    centred = gap - gap.mean(dim=1, keepdim=True)
    limit = centred.square().sum(dim=1).mean().item() / (2 * CLASSES)
    hot = temperature**2 * distillation_kl(student, teacher, temperature, "batchmean").item()
    assert hot == pytest.approx(limit, rel=tolerance)


def test_several_teachers_pull_like_one_with_their_mixed_probabilities() -> None:
    by_name = teachers(torch.float64)
    mixture = torch.stack([share * softened(by_name[name]) for name, share in ALPHA.items()]).sum(dim=0)
    value, gradient = distilled(by_name, ALPHA, kd_weight=1, kl_reduction="batchmean")
    mixed_value, mixed_gradient = loss_and_gradient(
        lambda student: 16 * functional.kl_div((student / 4).log_softmax(1), mixture, reduction="batchmean"),
        torch.float64,
    )
    assert (gradient - mixed_gradient).abs().max() < 1e-16
    assert value > mixed_value + 0.1, "the values differ by the teachers' disagreement"


def test_no_gradient_reaches_a_teacher() -> None:
    teacher = logits(1).requires_grad_()
    student = logits(0).requires_grad_()
    distillation_loss(student, TARGETS, {"gaf": teacher}, {"gaf": 1.0}, 0.7, 4, "mean").backward()
    assert student.grad is not None
    assert teacher.grad is None


def test_weights_for_other_teachers_are_refused_in_words() -> None:
    with pytest.raises(
        ValueError, match=r"alpha weighs \['gaf', 'pi'\], and the teachers are \['gaf', 'signal'\]"
    ):
        distilled({"gaf": logits(1), "signal": logits(2)}, {"gaf": 0.5, "pi": 0.5})


# Weights of each sample


@pytest.mark.parametrize("how", ["entropy", "confidence"])
def test_each_sample_s_divergence_has_its_own_weight(how: TeacherWeights) -> None:
    by_name = teachers(torch.float64)
    each = by_entropy(by_name) if how == "entropy" else by_confidence(by_name, TARGETS)
    student = logits(0, torch.float64)
    total = 0.0
    for name, theirs in by_name.items():
        for index in range(64):
            one = slice(index, index + 1)
            kl = distillation_kl(student[one], theirs[one], 4, "mean").item()
            total += each[name][index].item() * kl / 64
    expected = 0.3 * functional.cross_entropy(student, TARGETS).item() + 0.7 * 16 * total
    assert distilled(by_name, ALPHA, teacher_weights=how)[0].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("how", ["entropy", "confidence"])
def test_teachers_that_agree_are_one_teacher_however_they_are_weighed(how: TeacherWeights) -> None:
    same = dict.fromkeys(ALPHA, logits(1, torch.float64))
    value, gradient = distilled(same, ALPHA, teacher_weights=how)
    expected, same_gradient = distilled({"gaf": logits(1, torch.float64)}, {"gaf": 1.0})
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=0)
    assert (gradient - same_gradient).abs().max() < 1e-16


def test_an_average_is_equal_shares_to_the_last_bit() -> None:
    equal = dict.fromkeys(ALPHA, 1 / 3)
    assert same_bits(distilled(teachers(), equal, teacher_weights="average"), distilled(teachers(), equal))


def test_weights_of_each_sample_do_not_see_alpha() -> None:
    one_hot = {"gaf": 1.0, "pi": 0.0, "signal": 0.0}
    weighed = distilled(teachers(), ALPHA, teacher_weights="entropy")
    assert same_bits(weighed, distilled(teachers(), one_hot, teacher_weights="entropy"))
    assert not same_bits(weighed, distilled(teachers(), ALPHA, teacher_weights="confidence"))


# Standardised logits


def test_standardised_distillation_is_the_formula_of_its_parts() -> None:
    student, teacher = logits(0, torch.float64), logits(1, torch.float64)
    mine, theirs = (z / z.std(dim=1, keepdim=True) for z in (student, teacher))
    p, q = (2 * theirs).softmax(dim=1), (2 * mine).softmax(dim=1)
    kl = (p * (p / q).log()).sum(dim=1).mean() / CLASSES
    expected = 0.3 * functional.cross_entropy(mine, TARGETS) + 0.7 * 16 * kl
    found, _ = distilled({"gaf": teacher}, {"gaf": 1.0}, logit_std=True)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)


def test_standardised_distillation_does_not_see_the_scale_of_logits() -> None:
    def loss(student_scale: float, teacher_scale: float) -> float:
        by_name = {name: teacher_scale * values for name, values in teachers(torch.float64).items()}
        return distillation_loss(
            student_scale * logits(0, torch.float64), TARGETS, by_name, ALPHA, 0.7, 4, "mean", logit_std=True
        ).item()

    assert loss(7, 0.2) == pytest.approx(loss(1, 1), rel=1e-10)


def test_logits_that_are_all_equal_have_a_gradient() -> None:
    flat = torch.zeros(2, CLASSES, requires_grad=True)
    standardised(flat).square().sum().backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()
