"""Distillation from several teachers into one student.

Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network" (2015), with one Kullback-Leibler
term for each teacher. B is the batch, C the classes; logits are (B, C) throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor
from torch.nn import functional

KlReduction = Literal["mean", "batchmean"]


def distillation_loss(
    student_logits: Tensor,
    targets: Tensor,
    teacher_logits: Mapping[str, Tensor],
    alpha: Mapping[str, float],
    kd_weight: float,
    temperature: float,
    kl_reduction: KlReduction,
) -> Tensor:
    """The loss of one batch, a scalar: (1 − λ) CE + λ T² Σ_m α_m KL_m over teachers m, with λ = kd_weight.

    `targets` (B,) are class indices; `alpha` is each teacher's share. No gradient reaches a teacher.
    """
    if alpha.keys() != teacher_logits.keys():
        raise ValueError(f"alpha weighs {sorted(alpha)}, and the teachers are {sorted(teacher_logits)}")
    student_log = functional.log_softmax(student_logits / temperature, dim=1)
    kl = {
        name: _kl(student_log, teacher_logits[name], temperature, kl_reduction)
        # Sorted here too: autograd adds up the gradients of terms in the order in which they were made.
        for name in sorted(teacher_logits)
    }
    return combine(functional.cross_entropy(student_logits, targets), kl, alpha, kd_weight, temperature)


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


def _kl(student_log: Tensor, teacher_logits: Tensor, temperature: float, reduction: KlReduction) -> Tensor:
    teacher_log = functional.log_softmax(teacher_logits.detach() / temperature, dim=1)
    of_a_sample = functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
    divisor = {"batchmean": 1, "mean": student_log.shape[1]}
    return of_a_sample / divisor[reduction]
