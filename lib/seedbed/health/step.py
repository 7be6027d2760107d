"""What the detectors are shown of a training step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from seedbed.results import Event

EVERY = 47
"""Every so many steps the detectors look at everything. A prime, so that what a family does in turns is not
always met at the same turn."""


@dataclass(frozen=True)
class Step:
    """A step that has just been taken: gradients still stand beside the weights."""

    number: int
    """Steps done, this one included."""

    full: bool = True
    """Whether everything is looked at: at the first step, at every EVERY-th, and at logged ones."""

    modules: Mapping[str, nn.Module] = field(default_factory=dict)
    """The modules of the trial's state, by their name there."""

    optimizers: Sequence[torch.optim.Optimizer] = ()

    observed: Mapping[str, Any] = field(default_factory=dict)
    """What the family said of it, by `trial.observe`."""

    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    """What modules put out in training, in the order in which they ran: the sum () of every one at full
    steps, small outputs as they are at others."""

    weights: Sequence[list[Tensor]] = ()
    """Flat views of all parameters, as they were at the last full step, by device and type."""

    def parameters(self) -> dict[str, nn.Parameter]:
        """All parameters by name; those of the state's "model" without a prefix."""
        return {
            qualified(entry, name): parameter
            for entry, module in self.modules.items()
            for name, parameter in module.named_parameters()
        }

    def statistics(self) -> dict[str, Tensor]:
        """The running statistics of normalisations, named alike. Other buffers may hold anything: masks of -inf."""
        return {
            qualified(entry, name): buffer
            for entry, module in self.modules.items()
            for name, buffer in module.named_buffers()
            if name.endswith(("running_mean", "running_var"))
        }

    def optimized(self) -> set[int]:
        """The identities (`id`) of the parameters that the optimizers update."""
        groups = (group for optimizer in self.optimizers for group in optimizer.param_groups)
        return {id(parameter) for group in groups for parameter in group["params"]}


class Detector(Protocol):
    """Looks at every step for one kind of fault. Its attributes are plain values: checkpoints carry them."""

    def look(self, step: Step) -> Iterable[Event]:
        """What is wrong at this step and was not told before."""

    def ended(self, step: Step) -> Iterable[Event]:
        """What only the whole run can show, after its last step."""


def qualified(entry: str, name: str) -> str:
    """A parameter's or module's name, with the state's entry before it unless that is the model."""
    return name if entry == "model" else f"{entry}.{name}".rstrip(".")


def listed(names: Sequence[str], most: int = 3) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def is_finite(tensor: Tensor) -> bool:
    """Whether every value is finite; True for types that hold nothing else."""
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor.detach()).all())
