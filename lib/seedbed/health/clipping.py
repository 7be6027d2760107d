"""Gradient clipping that never clips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seedbed.health.step import Step
from seedbed.results import Event

ENOUGH = 100
"""Steps before it is told: gradients are rarely at their largest in the first ones alone."""


@dataclass
class Clipping:
    """Gradient norms before clipping, and the limit (`grad_norm=`, `clip=`), that a family observes at every step."""

    steps: int = 0
    clipped: int = 0
    limit: float = 0.0
    largest: float = 0.0

    def look(self, step: Step) -> Iterable[Event]:
        """Count; the share is known at the end."""
        norm, limit = step.observed.get("grad_norm"), step.observed.get("clip")
        if norm is not None and limit is not None:
            self.steps += 1
            self.clipped += float(norm) > float(limit)
            self.limit, self.largest = float(limit), max(self.largest, float(norm))
        return ()

    def ended(self, step: Step) -> Iterator[Event]:
        """Tell when no step was clipped: the limit is out of reach, or the clipping is never called."""
        if self.steps >= ENOUGH and not self.clipped:
            message = (
                f"0 of {self.steps} steps were clipped: the largest gradient norm was {self.largest:.3g}, "
                f"the limit is {self.limit:.3g}"
            )
            yield Event(kind="never-clipped", message=message)
