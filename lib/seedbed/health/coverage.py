"""Parameters that are left out: in no optimizer, or never moved by it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from seedbed.health.step import Step, listed
from seedbed.results import Event

ENOUGH = 10
"""Steps before a parameter can be said never to move: a schedule may begin at a step size of zero."""


@dataclass
class Coverage:
    """The parameters that want a gradient, of the model and of every module that an optimizer has a part of.

    Modules that no optimizer knows are left alone: teachers, and copies that follow a moving average.
    """

    still: dict[str, int] = field(default_factory=dict)
    """The parameters that have not moved yet, and the CRC-32 of their first value."""

    reached: list[str] = field(default_factory=list)
    """Those of them that a gradient has reached: too small a one to move them. A bias before a batch
    normalisation is such a one in the best of networks."""

    moved: bool = False
    """Whether any parameter has moved."""

    gradients_seen: bool = False
    """Whether gradients stand beside the weights after a step; a family may clear them before."""

    begun: bool = False
    missing: list[str] = field(default_factory=list)
    """The parameters that were told to be in no optimizer."""

    def begin(self, step: Step) -> None:
        """Note where the parameters start, before the first step."""
        self.begun = True
        if step.optimizers:
            self.still = {name: _crc(weight) for name, weight in covered(step).items()}

    def look(self, step: Step) -> Iterator[Event]:
        """Tell, once, which parameters have a gradient that no optimizer uses; note which have moved."""
        if not step.full or not step.optimizers:
            return
        self._strike_moved(step)
        if self.missing:
            return
        optimized = step.optimized()
        self.missing = [
            name
            for name, weight in covered(step).items()
            if weight.grad is not None and id(weight) not in optimized
        ]
        if self.missing:
            message = f"in no optimizer, though with a gradient (step {step.number}): {listed(self.missing)}"
            yield Event(kind="not-optimized", message=message)

    def ended(self, step: Step) -> Iterator[Event]:
        """Tell what never moved."""
        self._strike_moved(step)
        never = [name for name in self.still if name not in self.missing]
        if not never or step.number < ENOUGH:
            return
        if not self.moved:
            yield Event(kind="never-moved", message=f"no parameter moved in {step.number} steps")
            return
        never = [name for name in never if name not in self.reached]
        if never and self.gradients_seen:
            optimized, parameters = step.optimized(), step.parameters()
            outside = [name for name in never if id(parameters[name]) not in optimized]
            why = " (in no optimizer)" if len(outside) == len(never) else ""
            message = f"never moved in {step.number} steps{why}: {listed(never)}"
            yield Event(kind="never-moved", message=message)

    def _strike_moved(self, step: Step) -> None:
        if not self.still:
            return
        now = step.parameters()
        self.gradients_seen = self.gradients_seen or any(weight.grad is not None for weight in now.values())
        left = {name: crc for name, crc in self.still.items() if name in now and _crc(now[name]) == crc}
        self.moved = self.moved or len(left) < len(self.still)
        self.still = left
        self.reached = [name for name in left if name in self.reached or _has_gradient(now[name])]


def covered(step: Step) -> dict[str, nn.Parameter]:
    """The parameters that an optimizer should have, by name."""
    optimized = step.optimized()
    trained = {
        entry: module
        for entry, module in step.modules.items()
        if entry == "model" or any(id(weight) in optimized for weight in module.parameters())
    }
    named = Step(step.number, modules=trained).parameters()
    return {name: weight for name, weight in named.items() if weight.requires_grad and weight.numel()}


def _crc(weight: Tensor) -> int:
    """Of its bits; asked for until it has moved, which most have after one step."""
    return zlib.crc32(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def _has_gradient(weight: Tensor) -> bool:
    return weight.grad is not None and bool(weight.grad.any())
