"""How long a network takes."""

from __future__ import annotations

import statistics
import time
from typing import Final

import torch
from torch import nn

REPEATS: Final = 20


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
