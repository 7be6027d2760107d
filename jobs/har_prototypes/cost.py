"""What a network costs: parameters, operations, time."""

from __future__ import annotations

import statistics
import time
from typing import Final

import torch
from torch import nn

REPEATS: Final = 20


def parameters(model: nn.Module) -> int:
    """Trainable parameters."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def flops(model: nn.Module, channels: int, samples: int) -> int:
    """Floating point operations of one window's logits: two for each multiplication with its addition.

    Matrix products, convolutions and attention, as torch counts them; normalisations and gates are left out. What
    only training needs (the projection) is not run. The model must be on the CPU.
    """
    from torch.utils.flop_counter import FlopCounterMode

    was_training = model.training
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, channels, samples))
    model.train(was_training)
    return int(counter.get_total_flops())


def latency_ms(model: nn.Module, channels: int, samples: int, batch: int = 1) -> float:
    """Milliseconds until the logits of a batch, on this machine's CPU with one thread: the median of some runs.

    Differs from run to run, so that it must not enter what a trial logs or keeps.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model.eval()
        inputs = torch.zeros(batch, channels, samples)
        took = []
        with torch.inference_mode():
            for _ in range(REPEATS):
                began = time.perf_counter()
                model(inputs)
                took.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return 1000 * statistics.median(took)
