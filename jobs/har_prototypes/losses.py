"""The contrastive losses. f, a, b are projected features (B, D), labels (B,) are 0 … P - 1, prototypes (P, D).

Every one is a mean over the batch. Where pytorch-metric-learning has the piece and can carry a batch of 512, it is
used; its NT-Xent compares each pair with all others, which takes memory of the order of B³, and is written out here.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional


def prototype_nce(f: Tensor, prototypes: Tensor, labels: Tensor, temperature: float | Tensor) -> Tensor:
    """CE(f̂ p̂ᵀ / τ, y): a softmax over the P prototypes, of which P - 1 are the negatives, whatever the batch.

    Zhai & Wu 2019 (normalised softmax). `temperature` may be one for each prototype (P,), as in PCL.
    """
    cosines = functional.normalize(f, dim=1) @ functional.normalize(prototypes, dim=1).T
    return functional.cross_entropy(cosines / temperature, labels)


def concentration(distances: Tensor, counts: Tensor, temperature: float, smoothing: float = 10.0) -> Tensor:
    """Each prototype's φ = Σ‖z − c‖ / (n log(n + α)), clipped to the 10th and 90th percentile, of mean τ: (P,).

    Li et al. 2021 (PCL), eq. 12 and their code. `distances` (P,) are the sums over a class's features, `counts` (P,)
    how many there are; a class without any has the mean of the others.
    """
    counts = counts.to(torch.float64)
    there = counts > 0
    phi = distances.to(torch.float64) / (counts * (counts + smoothing).log()).clamp_min(1e-12)
    phi[~there] = phi[there].mean()
    phi = phi.clamp(phi.quantile(0.1), phi.quantile(0.9))
    return temperature * phi / phi.mean()


def prototype_triplet(f: Tensor, prototypes: Tensor, labels: Tensor, others: Tensor, margin: float) -> Tensor:
    """max(0, ‖f̂ − p̂_y‖ − ‖f̂ − p̂_y'‖ + margin), y' being `others` (B,): in [0, margin + 2]."""
    anchors, directions = functional.normalize(f, dim=1), functional.normalize(prototypes, dim=1)
    return functional.triplet_margin_loss(anchors, directions[labels], directions[others], margin=margin)


def mined_triplet(
    f: Tensor, labels: Tensor, miner: Literal["batch_hard", "semihard"], margin: float
) -> Tensor:
    """The same over triplets mined in the batch, averaged over all of them, those at zero too; 0 without any.

    batch_hard: each feature with its farthest of the class and nearest of another (Hermans et al. 2017). semihard:
    all in which the negative is farther than the positive, by less than the margin (Schroff et al. 2015).
    """
    from pytorch_metric_learning import distances, losses, miners, reducers

    euclidean = distances.LpDistance(normalize_embeddings=True, p=2)
    if miner == "batch_hard":
        mine = miners.BatchHardMiner(distance=euclidean)
    else:
        mine = miners.TripletMarginMiner(margin=margin, type_of_triplets="semihard", distance=euclidean)
    # Its usual reducer leaves triplets at zero out of the mean.
    loss = losses.TripletMarginLoss(margin=margin, distance=euclidean, reducer=reducers.MeanReducer())
    value: Tensor = loss(f, labels, mine(f, labels))
    return value


def roll_triplet(f: Tensor, a: Tensor, margin: float) -> Tensor:
    """max(0, ‖f̂ − â‖ − ‖f̂ − â₊₁‖ + margin): `a` are copies of the same windows, the negative is the next one's."""
    anchors, copies = functional.normalize(f, dim=1), functional.normalize(a, dim=1)
    return functional.triplet_margin_loss(anchors, copies, copies.roll(1, dims=0), margin=margin)


def barlow(
    a: Tensor,
    b: Tensor,
    off_diagonal: float,
    scale: Literal["1/D", "1"] = "1",
    deviation: Literal["biased", "unbiased"] = "biased",
) -> Tensor:
    """Σ(1 − Cᵢᵢ)² + λ Σ_{i≠j} Cᵢⱼ², C = z̃ᵃᵀ z̃ᵇ / B of features standardised over the batch; over D if so scaled.

    Zbontar et al. 2021. A feature that is constant in the batch counts as zero.
    """
    correction = 1 if deviation == "unbiased" else 0
    standard = []
    for z in (a, b):
        spread = z.std(0, correction=correction)
        standard.append((z - z.mean(0)) / torch.where(spread > 0, spread, torch.ones_like(spread)))
    correlation = standard[0].T @ standard[1] / len(a)
    diagonal = correlation.diagonal()
    others = correlation.square().sum() - diagonal.square().sum()
    loss = (1 - diagonal).square().sum() + off_diagonal * others
    return loss / a.shape[1] if scale == "1/D" else loss


def nt_xent(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Each copy shall find the other among the 2B - 1 (Chen et al. 2020, eq. 1), averaged over all 2B."""
    both = functional.normalize(torch.cat([a, b]), dim=1)
    cosines = (both @ both.T / temperature).fill_diagonal_(-math.inf)
    partners = torch.arange(len(both), device=both.device).roll(len(a))
    return functional.cross_entropy(cosines, partners)


def supervised_contrast(f: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Windows of a class shall find each other (Khosla et al. 2020, L_out); one alone in its class counts as zero."""
    from pytorch_metric_learning.losses import SupConLoss

    value: Tensor = SupConLoss(temperature=temperature)(f, labels)
    return value


def siamese(f_a: Tensor, f_b: Tensor, z_a: Tensor, z_b: Tensor) -> Tensor:
    """−½ cos(f_a, z_b) − ½ cos(f_b, z_a), no gradient through z (Chen & He 2021): in [-1, 1]."""
    one = functional.cosine_similarity(f_a, z_b.detach(), dim=1)
    other = functional.cosine_similarity(f_b, z_a.detach(), dim=1)
    return -(one + other).mean() / 2
