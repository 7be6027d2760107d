"""The convolutional block attention module over series: Woo, Park, Lee & Kweon, "CBAM", ECCV 2018, in one dimension."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Cbam1d(nn.Module):
    """x · g(channel), then · a(time), both gates in (0, 1): no element grows.

    g = σ(MLP(mean over time) + MLP(max over time)), the MLP C -> C/r -> C without biases, ReLU between.
    a = σ(conv(mean over channels, max over channels)), a convolution of `kernel` taps without bias.
    """

    def __init__(self, channels: int, reduction: int, kernel: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction, bias=False)
        self.excite = nn.Linear(channels // reduction, channels, bias=False)
        self.over_time = nn.Conv1d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T)."""
        pooled = torch.stack([x.mean(2), x.amax(2)])
        gate = self.excite(self.squeeze(pooled).relu()).sum(0).sigmoid()
        gated = x * gate.unsqueeze(2)
        summary = torch.stack([gated.mean(1), gated.amax(1)], dim=1)
        out: Tensor = gated * self.over_time(summary).sigmoid()
        return out
