"""A loss without a lower bound, and embeddings that grow to feed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch

from seedbed.health.step import Step
from seedbed.results import Event

FALL = 10.0
"""A loss below -FALL times the size of the first (taken as at least 1) has no bottom: bounded ones that start
near zero, such as a negative cosine, stay above."""

GROWTH = 10.0
"""Times the max|z| of the first SETTLING looks."""

SETTLING = 3
"""Looks in which embeddings may grow as they like: from their small first values, unbounded ones (logits, say)
have been seen to grow eighteenfold in a run that was well."""

RISING = 3
"""So many looks, each with a larger max|z| than the one before: what has grown and settled is no runaway."""


@dataclass
class Runaway:
    """The loss that is observed or logged as train/loss, and the embedding, at full steps."""

    first_loss: float | None = None
    first_size: float = 0.0
    looks: int = 0
    sizes: list[float] = field(default_factory=list)
    """max|z| of the last looks."""

    loss_told: bool = False
    size_told: bool = False

    def look(self, step: Step) -> Iterator[Event]:
        """Tell each of the two once."""
        if not step.full:
            return
        if (loss := step.observed.get("loss")) is not None and not self.loss_told:
            yield from self._loss(step.number, float(loss))
        if (embedding := step.observed.get("embedding")) is not None and not self.size_told:
            largest = torch.linalg.vector_norm(embedding.detach().float(), float("inf"))
            yield from self._size(step.number, float(largest))

    def ended(self, step: Step) -> Iterable[Event]:
        """Nothing more."""
        return ()

    def _loss(self, step: int, loss: float) -> Iterator[Event]:
        if self.first_loss is None:
            self.first_loss = loss
        if loss < -FALL * max(abs(self.first_loss), 1.0):
            self.loss_told = True
            message = f"the loss runs away: {loss:.3g} at step {step}, {self.first_loss:.3g} at first"
            yield Event(kind="runaway", message=message)

    def _size(self, step: int, size: float) -> Iterator[Event]:
        self.looks += 1
        if self.looks <= SETTLING:
            self.first_size = max(self.first_size, size)
            return
        self.sizes = [*self.sizes, size][-RISING - 1 :]
        rising = len(self.sizes) > RISING and self.sizes == sorted(set(self.sizes))
        if rising and size > GROWTH * self.first_size > 0:
            self.size_told = True
            message = f"embeddings run away: max|z| {size:.3g} at step {step}, {self.first_size:.3g} at first"
            yield Event(kind="runaway", message=message)
