"""What is drawn for an epoch: the order of windows, their warps and partners, other classes.

Each from a stream that follows from (seed, epoch) and, for a warp, the window's id: so that no draw depends on
which batch a window is in, on what else is drawn, or on where a trial was stopped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from jobs.har_prototypes.contrasts import Warp
from jobs.har_prototypes.data import Data, Indices
from seedbed.trial import Trial


def order(trial: Trial[Any], epoch: int, count: int) -> Indices:
    """The order in which an epoch takes the training windows, as positions among them."""
    drawn: Indices = torch.randperm(count, generator=trial.generator(f"order/{epoch}")).numpy()
    return drawn


def warped(trial: Trial[Any], epoch: int, view: str, warp: Warp, data: Data, indices: Indices) -> Tensor:
    """Copies (B, C, T) of some windows, scaled, noisy and masked; each `view` is another copy.

    (1 + s) x + j σ n, then a stretch of round(mask · T) samples at zero: s ~ N(0, scaling) for each channel of a
    window, n ~ N(0, 1) for each sample, σ the channel's deviation in training. Um et al. 2017.
    """
    inputs = torch.from_numpy(data.inputs[indices])
    _, channels, samples = inputs.shape
    masked = round(warp.mask * samples)
    noise, factors, starts = [], [], []
    for name in data.windows.ids[indices]:
        stream = trial.generator(f"{view}/{epoch}/{name}")
        noise.append(torch.randn(channels, samples, generator=stream))
        factors.append(torch.randn(channels, 1, generator=stream))
        starts.append(torch.randint(samples - masked + 1, (1,), generator=stream))
    deviation = torch.from_numpy(data.deviation)[:, None]
    copies = inputs * (1 + warp.scaling * torch.stack(factors)) + warp.jitter * deviation * torch.stack(noise)
    if masked:
        behind = torch.arange(samples) - torch.stack(starts)
        copies.masked_fill_(((behind >= 0) & (behind < masked)).unsqueeze(1), 0.0)
    return copies


def other_classes(trial: Trial[Any], epoch: int, labels: Tensor, classes: int) -> Tensor:
    """For each training window a class that is not its own, all equally likely: (N,)."""
    stream = trial.generator(f"other classes/{epoch}")
    offsets = torch.randint(1, classes, labels.shape, generator=stream)
    return (labels + offsets) % classes


def partners(trial: Trial[Any], epoch: int, labels: Indices) -> Indices:
    """For each training window another one of its class, as positions (N,); itself where it is the only one.

    The class in a random order, each followed by the next: everybody is somebody's partner once.
    """
    drawn = torch.randperm(len(labels), generator=trial.generator(f"partners/{epoch}")).numpy()
    found = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = drawn[labels[drawn] == label]
        found[members] = np.roll(members, -1)
    return found
