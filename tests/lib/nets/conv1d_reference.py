"""A wide residual network written plainly with Conv1d or Conv2d, to hold the one in seedbed.nets against."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seedbed.nets.wrn import Dims, WideResNet

CONVOLUTION: dict[Dims, type[nn.Conv1d | nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}
NORM: dict[Dims, type[nn.BatchNorm1d | nn.BatchNorm2d]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}


class PlainBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int, dims: Dims) -> None:
        super().__init__()
        self.norm1 = NORM[dims](in_channels)
        self.conv1 = CONVOLUTION[dims](in_channels, out_channels, 3, stride, 1, bias=False)
        self.norm2 = NORM[dims](out_channels)
        self.conv2 = CONVOLUTION[dims](out_channels, out_channels, 3, 1, 1, bias=False)
        if in_channels != out_channels or stride != 1:
            self.shortcut = CONVOLUTION[dims](in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norm1(x))
        y: Tensor = self.conv2(torch.relu(self.norm2(self.conv1(h))))
        return y + (self.shortcut(h) if hasattr(self, "shortcut") else x)


class PlainWideResNet(nn.Module):
    """WRN-depth-width: (B, C, n), or (B, C, h, w) with dims=2, -> (B, classes)."""

    def __init__(self, depth: int, width: int, in_channels: int, classes: int, dims: Dims = 1) -> None:
        super().__init__()
        self.stem = CONVOLUTION[dims](in_channels, 16, 3, 1, 1, bias=False)
        channels = 16
        for stage, (wide, stride) in enumerate([(16 * width, 1), (32 * width, 2), (64 * width, 2)], start=1):
            blocks = [PlainBlock(channels, wide, stride, dims)]
            blocks += [PlainBlock(wide, wide, 1, dims) for _ in range((depth - 4) // 6 - 1)]
            self.add_module(f"stage{stage}", nn.Sequential(*blocks))
            channels = wide
        self.norm = NORM[dims](channels)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in ("stage1", "stage2", "stage3"):
            x = self.get_submodule(stage)(x)
        logits: Tensor = self.classifier(torch.relu(self.norm(x)).flatten(2).mean(dim=2))
        return logits

    def take_weights(self, model: WideResNet) -> None:
        """The same numbers as a WideResNet has, without the axis of height 1."""
        own = self.state_dict()
        self.load_state_dict(
            {name: value.reshape(own[name].shape) for name, value in model.state_dict().items()}
        )
