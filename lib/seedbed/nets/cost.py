"""What a network costs: parameters and operations."""

from __future__ import annotations

import torch
from torch import nn


def parameters(model: nn.Module) -> int:
    """Trainable parameters."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def flops(model: nn.Module, *shape: int) -> int:
    """Floating point operations of the output for one sample: two for each multiplication with its addition.

    `shape` is a sample's, without the batch. Matrix products, convolutions and attention, as torch counts them;
    normalisations and gates are left out. What only training needs is not run. The model must be on the CPU.
    """
    from torch.utils.flop_counter import FlopCounterMode

    was_training = model.training
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *shape))
    model.train(was_training)
    return int(counter.get_total_flops())


def cost_metrics(model: nn.Module, *shape: int) -> dict[str, float]:
    """Both as metrics, which a family logs beside the others."""
    return {"model/params": float(parameters(model)), "model/flops": float(flops(model, *shape))}
