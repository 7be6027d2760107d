"""The first loss, gradient, weight or activation that is not finite, and at which step and where it was."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch

from seedbed.health.step import Step, is_finite, qualified
from seedbed.health.watch import total
from seedbed.results import Event

LOSS = "the loss"


@dataclass
class NonFinite:
    """Watches one sum over all weights; only when that is not finite is it asked where.

    What an optimizer did with a gradient that is not finite is seen in the weights, at the same step, while the
    gradients still stand beside them. A gradient that reached no weight (skipped by a loss scaler) is no fault.
    Running statistics are looked at in full steps, and whenever the sum is not finite.
    """

    first_step: int = 0
    """When it began; 0: never."""

    first: str = ""
    """What was not finite then."""

    loss_step: int = 0
    """The first step from then on at which the loss was seen not to be finite."""

    def look(self, step: Step) -> Iterator[Event]:
        """Tell the first one, once."""
        if self.first_step and self.loss_step:
            return
        loss = step.observed.get("loss")
        if not self.first_step and not (_all_finite(step) and (not step.full or _statistics_finite(step))):
            self.first = next(culprits(step), "")
            if self.first:
                self.first_step = step.number
                yield Event(kind="not-finite", message=f"{self.first} is not finite at step {step.number}")
        if self.first_step and loss is not None and not math.isfinite(loss):
            self.loss_step = step.number

    def ended(self, step: Step) -> Iterable[Event]:
        """Nothing more."""
        return ()

    def divergence(self, step: int, metric: str) -> str:
        """Why a trial diverged, whose metric was found not to be finite when a step was logged."""
        if not self.first_step:
            return f"diverged at step {step} ({metric} is not finite)"
        began = f"diverged at step {self.first_step}: {self.first} is not finite"
        if self.first == LOSS:
            return began
        what, when = ("the loss", self.loss_step) if self.loss_step else (metric, step)
        at = "in the same step" if when == self.first_step else f"at step {when}"
        return f"{began}; {what} followed {at}"


@torch.no_grad()
def _all_finite(step: Step) -> bool:
    """Whether the weights, the outputs and the loss at hand are all finite; False may be a false alarm."""
    outputs = list(step.outputs.values())
    outputs = outputs if step.full else outputs[-1:]  # what is not finite inside usually shows at the end
    numbers = [total(torch.cat(weights)) for weights in step.weights]
    numbers += [total(output) for output in outputs]
    if (loss := step.observed.get("loss")) is not None:
        numbers.append(loss)
    return all(math.isfinite(number) for number in numbers)


def _statistics_finite(step: Step) -> bool:
    return all(is_finite(buffer) for buffer in step.statistics().values())


def culprits(step: Step) -> Iterator[str]:
    """What is not finite, in the order in which a step computes: activations, loss, gradients, new weights.

    A step goes backward through the gradients, so the last parameter comes first.
    """
    yield from _activations(step)
    loss = step.observed.get("loss")
    if loss is not None and not math.isfinite(loss):
        yield LOSS
    parameters = step.parameters()
    for name, weight in reversed(parameters.items()):
        if weight.grad is not None and not is_finite(weight.grad):
            yield f"the gradient of {name}"
    yield from (f"the weight {name}" for name, weight in parameters.items() if not is_finite(weight))


def _activations(step: Step) -> Iterator[str]:
    """Activations in the order of the modules, known from the outputs at hand and from what they have left in
    a normalisation's running statistics."""
    outputs = {name for name, value in step.outputs.items() if not is_finite(value)}
    inputs: dict[str, str] = {}
    for name, kept in step.statistics().items():
        if not is_finite(kept):
            inputs.setdefault(name.rpartition(".")[0], name)
    for entry, root in step.modules.items():
        for own, _ in root.named_modules():
            name = qualified(entry, own)
            if name in inputs:
                yield f"the input of {name} ({inputs[name].rpartition('.')[2]})"
            if name in outputs:
                yield f"the output of {name}"
