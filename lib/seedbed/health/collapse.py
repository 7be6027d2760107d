"""Embeddings that fall together: into one point, or onto one line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from seedbed.health.step import Step
from seedbed.results import Event

ROWS = 128
"""Up to so many embeddings are looked at."""

POINT = 1e-3
"""Mean distance over the first one: below this they are one point."""

RANK = 2.0
LINE = 0.95
"""Effective rank below, and top component's share above which they are a line. Both, and only if the rank has
halved since the start: a low rank alone is what few classes, or an embedding of few dimensions, begin with."""

IN_A_ROW = 3
"""Looks that have to agree: one batch of a single class looks like a collapse."""

FEWEST = 8
"""Embeddings, and three dimensions: with fewer the measures mean nothing."""


class Spread(NamedTuple):
    """How embeddings lie."""

    distance: float
    """Mean distance between two of them."""

    rank: float
    """Effective rank, exp H(σ² / Σσ²) over the principal components (Roy & Vetterli 2007, of variances)."""

    top: float
    """The first principal component's share of the variance."""


@dataclass
class Collapse:
    """Embeddings (B, d) that a family observes (`embedding=`), at full steps."""

    first_distance: float = 0.0
    first_rank: float = 0.0
    in_a_row: int = 0
    told: bool = False

    def look(self, step: Step) -> Iterator[Event]:
        """Tell the first collapse."""
        embedding = step.observed.get("embedding")
        if embedding is None or not step.full or self.told or not _measurable(embedding):
            return
        now = spread(embedding)
        if not self.first_distance:
            self.first_distance, self.first_rank = now.distance, now.rank
        why = self._why(now)
        self.in_a_row = self.in_a_row + 1 if why else 0
        if self.in_a_row >= IN_A_ROW:
            self.told = True
            yield Event(kind="collapse", message=f"embeddings have collapsed by step {step.number}: {why}")

    def ended(self, step: Step) -> Iterable[Event]:
        """Nothing more."""
        return ()

    def _why(self, now: Spread) -> str:
        if not now.distance:
            return "they are all the same"
        if now.distance < POINT * self.first_distance:
            share = now.distance / self.first_distance
            return f"their mean distance is {share:.1g} of what it was at the start"
        if now.rank < RANK and now.top > LINE and now.rank < self.first_rank / 2:
            share = 100 * now.top
            return (
                f"effective rank {now.rank:.2f} (was {self.first_rank:.1f}), {share:.0f} % on one component"
            )
        return ""


def _measurable(embedding: Tensor) -> bool:
    rows, dimensions = embedding.flatten(1).shape if embedding.dim() > 1 else (0, 0)
    return rows >= FEWEST and dimensions >= 3 and bool(torch.isfinite(embedding).all())


def spread(embedding: Tensor) -> Spread:
    """How the first ROWS of embeddings (B, ...) lie, from their centred Gram matrix in double precision."""
    rows = embedding.detach()[:ROWS].flatten(1).double().cpu()
    rows = rows - rows.mean(0)
    gram = rows @ rows.T
    squared = gram.diagonal()
    distances = (squared[:, None] + squared[None, :] - 2 * gram).clamp_min(0).sqrt()
    count = len(rows)
    variances = torch.linalg.eigvalsh(gram).clamp_min(0)
    total = float(variances.sum())
    if not total:
        return Spread(0.0, 1.0, 1.0)
    shares = variances / total
    entropy = -float(torch.special.xlogy(shares, shares).sum())
    return Spread(float(distances.sum()) / (count * (count - 1)), math.exp(entropy), float(shares.max()))
