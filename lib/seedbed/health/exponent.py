"""How near a loss that exponentiates comes to the largest number its type can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from seedbed.health.step import Step
from seedbed.results import Event

NEAR = 0.9
"""From this share on it is told. exp(0.9 · 88.7) = 5e34: a sum of 7,000 such terms overflows float32, while a
loss whose exponents grow slowly and harmlessly stays below for a long time."""


@dataclass
class Exponent:
    """Exponents that a family observes (`exponent=`), over the largest one that exp can take: 88.7 in float32."""

    told: bool = False

    def look(self, step: Step) -> Iterator[Event]:
        """Tell the first time that it is near; at full steps."""
        exponents = step.observed.get("exponent")
        if exponents is None or self.told or not step.full:
            return
        values = torch.as_tensor(exponents).detach()
        if values.numel() and (share := margin(values)) >= NEAR:
            self.told = True
            message = (
                f"exponents of up to {values.max().item():.3g} at step {step.number}: {100 * share:.0f} % of "
                "the largest that exp can take"
            )
            yield Event(kind="exponent-margin", message=message)

    def ended(self, step: Step) -> Iterable[Event]:
        """Nothing more."""
        return ()


def margin(exponents: Tensor) -> float:
    """The largest exponent over ln(the largest number of its type); at 1 exp overflows."""
    kind = exponents.dtype if exponents.is_floating_point() else torch.float32
    return float(exponents.max()) / math.log(torch.finfo(kind).max)
