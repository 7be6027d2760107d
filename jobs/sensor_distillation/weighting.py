"""How much each teacher has to say about each window, where that is not the same for all windows.

Kwon, Na, Lee & Kim, "Adaptive Knowledge Distillation Based on Entropy" (ICASSP 2020, EBKD), and Zhang, Chen & Wang,
"Confidence-Aware Multi-Teacher Knowledge Distillation" (ICASSP 2022, CA-MKD). Both read the teachers' logits as they
are, without temperature. Weights are positive and add up to one over the teachers of a window.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional


def by_entropy(teacher_logits: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """w_m ∝ 1 − H_m / Σ H of each window, (B,): the surer a teacher, the more. With K teachers their sum is K − 1."""
    names = sorted(teacher_logits)
    entropy = torch.stack([_entropy(teacher_logits[name].detach()) for name in names])
    share = entropy / entropy.sum(dim=0).clamp_min(torch.finfo(entropy.dtype).tiny)
    # Divided by what they add up to, not by K − 1: teachers that are all wholly sure weigh the same.
    return dict(zip(names, (1 - share) / (1 - share).sum(dim=0), strict=True))


def by_confidence(teacher_logits: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
    """w_m = (1 − softmax_m(CE_m)) / (K − 1) of each window, (B,): the nearer a teacher to the label, the more."""
    names = sorted(teacher_logits)
    losses = [
        functional.cross_entropy(teacher_logits[name].detach(), targets, reduction="none") for name in names
    ]
    weights = (1 - torch.stack(losses).softmax(dim=0)) / (len(names) - 1)
    return dict(zip(names, weights, strict=True))


def _entropy(logits: Tensor) -> Tensor:
    log = logits.log_softmax(dim=1)
    return -(log.exp() * log).sum(dim=1)
