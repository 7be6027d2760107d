"""Distillation from several teachers into one student.

Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network" (2015), with one Kullback-Leibler
term for each teacher. B is the batch, C the classes; logits are (B, C) throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor
from torch.nn import functional

from jobs.sensor_distillation.weighting import by_confidence, by_entropy

KlReduction = Literal["mean", "batchmean"]
TeacherWeights = Literal["alpha", "average", "entropy", "confidence"]

STANDARDISED_SCALE = 2
"""What standardised logits are multiplied by before the softmax that the student imitates (the TDA_KD code)."""

TINY_VARIANCE = 1e-12
"""Added under the root, so that a window whose logits are all equal has a gradient."""


def distillation_loss(
    student_logits: Tensor,
    targets: Tensor,
    teacher_logits: Mapping[str, Tensor],
    alpha: Mapping[str, float],
    kd_weight: float,
    temperature: float,
    kl_reduction: KlReduction,
    teacher_weights: TeacherWeights = "alpha",
    logit_std: bool = False,
) -> Tensor:
    """The loss of one batch, a scalar: (1 − λ) CE + λ T² Σ_m α_m KL_m over teachers m, with λ = kd_weight.

    `targets` (B,) are class indices; `alpha` is each teacher's share, unless `teacher_weights` says that each
    window has its own (see weighting.py); `average` is alpha with equal shares. No gradient reaches a teacher.

    With `logit_std` z / std(z) stands for all logits z, and the divergence is that of softmax(2 z / std(z)); T is
    a factor then and no temperature (the TDA_KD code, with T = 4).
    """
    if alpha.keys() != teacher_logits.keys():
        raise ValueError(f"alpha weighs {sorted(alpha)}, and the teachers are {sorted(teacher_logits)}")
    each = _weights_of_each(teacher_weights, teacher_logits, targets)
    softening = temperature
    if logit_std:
        softening = 1 / STANDARDISED_SCALE
        student_logits = standardised(student_logits)
        teacher_logits = {name: standardised(values) for name, values in teacher_logits.items()}
    student_log = functional.log_softmax(student_logits / softening, dim=1)
    kl = {
        name: _kl(student_log, teacher_logits[name], softening, kl_reduction, each.get(name))
        # Sorted here too: autograd adds up the gradients of terms in the order in which they were made.
        for name in sorted(teacher_logits)
    }
    shares = dict.fromkeys(kl, 1.0) if each else alpha
    return combine(functional.cross_entropy(student_logits, targets), kl, shares, kd_weight, temperature)


def _weights_of_each(
    how: TeacherWeights, teacher_logits: Mapping[str, Tensor], targets: Tensor
) -> dict[str, Tensor]:
    """Each teacher's weight in each sample (B,); empty where it is the same in all."""
    match how:
        case "entropy":
            return by_entropy(teacher_logits)
        case "confidence":
            return by_confidence(teacher_logits, targets)
    return {}


def standardised(logits: Tensor) -> Tensor:
    """z / std(z) of each sample, with C − 1 below the root.

    Sun et al., "Logit Standardization in Knowledge Distillation" (CVPR 2024), without the centring, which no
    softmax sees.
    """
    return logits / (logits.var(dim=1, keepdim=True) + TINY_VARIANCE).sqrt()


def combine(
    ce: Tensor, kl: Mapping[str, Tensor], alpha: Mapping[str, float], kd_weight: float, temperature: float
) -> Tensor:
    """(1 − λ) CE + λ T² Σ_m α_m KL_m of scalars, in the order of the teachers' names.

    A term whose weight is 0 is left out, not multiplied by it: so λ = 0 is cross-entropy and a one-hot α is
    a single teacher to the last bit, gradients included, even where what is left out is not finite.
    """
    if kd_weight == 0:
        return ce
    weighted = (alpha[name] * kl[name] for name in sorted(kl) if alpha[name] != 0)
    distilled = kd_weight * temperature**2 * sum(weighted, start=ce.new_zeros(()))
    return distilled if kd_weight == 1 else (1 - kd_weight) * ce + distilled


def distillation_kl(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float, reduction: KlReduction
) -> Tensor:
    """KL(p_t ‖ p_s) of p = softmax(z / T), a scalar.

    `batchmean` is the mean over the batch of a sample's divergence (Hinton); `mean` is that divided by C,
    which `nn.KLDivLoss()` gives by default and the study's authors trained with.
    """
    return _kl(
        functional.log_softmax(student_logits / temperature, dim=1), teacher_logits, temperature, reduction
    )


def _kl(
    student_log: Tensor,
    teacher_logits: Tensor,
    temperature: float,
    reduction: KlReduction,
    weights: Tensor | None = None,
) -> Tensor:
    """The divergence, each sample's times its weight (B,) where there are weights."""
    teacher_log = functional.log_softmax(teacher_logits.detach() / temperature, dim=1)
    if weights is None:
        of_a_sample = functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
    else:
        each = functional.kl_div(student_log, teacher_log, reduction="none", log_target=True).sum(dim=1)
        of_a_sample = (weights * each).mean()
    divisor = {"batchmean": 1, "mean": student_log.shape[1]}
    return of_a_sample / divisor[reduction]
