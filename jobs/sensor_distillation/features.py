"""Imitating what teachers see within: which windows are alike, and where along a window there is something.

Tung & Mori, "Similarity-Preserving Knowledge Distillation" (ICCV 2019), and Zagoruyko & Komodakis, "Paying More
Attention to Attention" (ICLR 2017). Maps are what the three stages of a network put out: (B, C, n) for signals,
(B, C, h, w) for images. A loss adds up over the stages, and no gradient reaches a teacher.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Merge = Literal["raw_gram", "normalized_gram", "per_teacher"]

Maps = Sequence[Tensor]
"""One map for each stage."""


def gram(features: Tensor) -> Tensor:
    """G = A Aᵀ (B, B), with A each window's features in a row."""
    rows = features.flatten(1)
    return rows @ rows.T


def similarity_loss(
    student: Maps, teachers: Mapping[str, Maps], alpha: Mapping[str, float], merge: Merge
) -> Tensor:
    """Σ_stages ‖Ĝ_T − Ĝ_S‖²_F / B², with Ĝ a Gram matrix whose rows have length 1; a scalar, at most 4/B a stage.

    Teachers are merged by their shares α: `raw_gram` takes Ĝ_T of Σ α_m G_m (the study's code; the teacher with
    the largest activations leads), `normalized_gram` takes Σ α_m Ĝ_m, and `per_teacher` is Σ α_m ‖Ĝ_m − Ĝ_S‖²,
    whose gradient is that of `normalized_gram`. A teacher whose share is 0 is left out.
    """
    names = [name for name in sorted(teachers) if alpha[name] != 0]
    terms = []
    for stage, features in enumerate(student):
        mine = _with_unit_rows(gram(features))
        grams = {name: gram(teachers[name][stage].detach()) for name in names}
        terms += [share * functional.mse_loss(mine, theirs) for share, theirs in _goals(grams, alpha, merge)]
    return torch.stack(terms).sum()


def attention_loss(student: Maps, teacher: Maps) -> Tensor:
    """Σ_stages ‖Q_S / ‖Q_S‖ − Q_T / ‖Q_T‖‖, averaged over the batch; Q = Σ_c A_c² at each place. A scalar.

    Maps of a stage agree in all but their channels.
    """
    gaps = [
        attention(mine) - attention(theirs.detach()) for mine, theirs in zip(student, teacher, strict=True)
    ]
    return torch.stack([torch.linalg.vector_norm(gap, dim=1).mean() for gap in gaps]).sum()


def attention(features: Tensor) -> Tensor:
    """Where a map is active: (B, places), each row of length 1."""
    return functional.normalize(features.square().sum(dim=1).flatten(1), dim=1)


def _goals(
    grams: Mapping[str, Tensor], alpha: Mapping[str, float], merge: Merge
) -> list[tuple[float, Tensor]]:
    """What the student's matrix is compared with, and the weight of each comparison."""
    if merge == "raw_gram":
        return [(1.0, _with_unit_rows(_weighted(grams, alpha)))]
    normalised = {name: _with_unit_rows(theirs) for name, theirs in grams.items()}
    if merge == "normalized_gram":
        return [(1.0, _weighted(normalised, alpha))]
    return [(alpha[name], theirs) for name, theirs in normalised.items()]


def _weighted(grams: Mapping[str, Tensor], alpha: Mapping[str, float]) -> Tensor:
    return torch.stack([alpha[name] * theirs for name, theirs in grams.items()]).sum(dim=0)


def _with_unit_rows(matrix: Tensor) -> Tensor:
    return functional.normalize(matrix, dim=1)
