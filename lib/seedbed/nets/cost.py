"""What a network costs: parameters and operations."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


def parameters(model: nn.Module) -> int:
    """Trainable parameters."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def flops(model: nn.Module, *shape: int) -> int:
    """Floating point operations of the output for one sample: two for each multiplication with its addition.

    `shape` is a sample's, without the batch. Matrix products, convolutions and attention, by torch's own formulas;
    normalisations and gates are left out. What only training needs is not run. The model must be on the CPU.
    """
    counter, was_training = _Counter(), model.training
    model.eval()
    with counter, torch.no_grad():
        model(torch.zeros(1, *shape))
    model.train(was_training)
    return counter.total


class _Counts:
    """What torch.utils.flop_counter.FlopCounterMode adds up, which however imports torch's compiler: seconds a trial.

    It does so as every mode that has `__torch_dispatch__` of its own does; a mode that inherits it does not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, operation: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        outcome = operation(*args, **(kwargs or {}))
        formula = flop_registry.get(operation.overloadpacket)
        if formula is not None:
            self.total += int(formula(*args, **(kwargs or {}), out_val=outcome))
        return outcome


class _Counter(_Counts, TorchDispatchMode):
    """Adds up the operations of what runs within it."""


def cost_metrics(model: nn.Module, *shape: int) -> dict[str, float]:
    """Both as metrics, which a family logs beside the others."""
    return {"model/params": float(parameters(model)), "model/flops": float(flops(model, *shape))}
