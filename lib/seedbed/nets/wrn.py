"""Wide residual networks over series (1-D) and images (2-D).

Zagoruyko & Komodakis, "Wide Residual Networks" (BMVC 2016), in the pre-activation form of
He et al., "Identity Mappings in Deep Residual Networks" (ECCV 2016), without dropout.
Checked against the parameter counts of the published checkpoints: tests/lib/nets/test_wrn.py.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from seedbed.nets.names import blocks_in_a_stage, depth_and_width

Dims = Literal[1, 2]

STEM_CHANNELS = 16


def wide_resnet(name: str, in_channels: int, classes: int, dims: Dims) -> WideResNet:
    """The network that a name like `wrn16-3` (depth 16, width 3) stands for."""
    depth, width = depth_and_width(name)
    return WideResNet(depth, width, in_channels, classes, dims)


class Convolution(nn.Conv2d):
    """A convolution without bias, padded to keep the size; of height 1 where the input is a series."""

    def __init__(self, in_channels: int, out_channels: int, taps: int, stride: int, dims: Dims) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size=(taps, taps) if dims == 2 else (1, taps),
            stride=(stride, stride) if dims == 2 else (1, stride),
            padding=(taps // 2, taps // 2) if dims == 2 else (0, taps // 2),
            bias=False,
        )

    def reset_parameters(self) -> None:
        """Draw from N(0, √(2 / (kernel elements · output channels))): He et al. 2015, over fan-out."""
        deviation = math.sqrt(2 / (math.prod(self.kernel_size) * self.out_channels))
        # A tensor is filled in memory order: drawn in place, the values would depend on the weight's format.
        drawn = torch.empty(self.weight.shape, dtype=self.weight.dtype, device=self.weight.device)
        with torch.no_grad():
            self.weight.copy_(drawn.normal_(0, deviation))


class Classifier(nn.Linear):
    """The last layer: torch's default weight, and a bias that starts at zero."""

    def reset_parameters(self) -> None:
        """Draw the weight, clear the bias."""
        super().reset_parameters()
        nn.init.zeros_(self.bias)


class Block(nn.Module):
    """h = relu(norm(x)); y = conv(relu(norm(conv(h)))) + shortcut, which is x, or a 1×1 convolution of h."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, dims: Dims) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = Convolution(in_channels, out_channels, 3, stride, dims)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.conv2 = Convolution(out_channels, out_channels, 3, 1, dims)
        same_shape = in_channels == out_channels and stride == 1
        self.shortcut = None if same_shape else Convolution(in_channels, out_channels, 1, stride, dims)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, h, w) -> (B, out, h / stride, w / stride)."""
        # In place is exact: neither a normalisation nor a convolution needs its own output to go backward.
        h = functional.relu(self.norm1(x), inplace=True)
        y: Tensor = self.conv2(functional.relu(self.norm2(self.conv1(h)), inplace=True))
        return y.add_(x if self.shortcut is None else self.shortcut(h))


class WideResNet(nn.Module):
    """WRN-depth-width over series (dims 1) or images (dims 2).

    A series is taken as an image of height 1, and everything is kept in channels_last: the same
    numbers as with Conv1d, without the reordering that Conv1d costs at every layer on a CPU.
    """

    def __init__(self, depth: int, width: int, in_channels: int, classes: int, dims: Dims) -> None:
        super().__init__()
        blocks = blocks_in_a_stage(depth)
        narrow, middle, wide = (width * channels for channels in (16, 32, 64))
        self.dims = dims
        self.stem = Convolution(in_channels, STEM_CHANNELS, 3, 1, dims)
        self.stage1 = _stage(STEM_CHANNELS, narrow, 1, blocks, dims)
        self.stage2 = _stage(narrow, middle, 2, blocks, dims)
        self.stage3 = _stage(middle, wide, 2, blocks, dims)
        self.norm = nn.BatchNorm2d(wide)
        self.classifier = Classifier(wide, classes)
        self.to(memory_format=torch.channels_last)  # the activations follow the weights

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of series (B, C, n) or images (B, C, h, w)."""
        return self.stages(x)[0]

    def stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The logits, and what each stage puts out, before any normalisation.

        At width k: (B, 16k, n), (B, 32k, n / 2), (B, 64k, n / 4) for series; likewise in h and w for images.
        """
        image = x.unsqueeze(2) if self.dims == 1 else x
        first = self.stage1(self.stem(image))
        second = self.stage2(first)
        third = self.stage3(second)
        active = functional.relu(self.norm(third), inplace=True)
        # Not mean(): its gradient is not channels_last, which costs all that comes before it 5 % of a step.
        pooled = functional.avg_pool2d(active, active.shape[2:]).flatten(1)
        maps = [first, second, third]
        return self.classifier(pooled), [m.squeeze(2) for m in maps] if self.dims == 1 else maps


def _stage(in_channels: int, out_channels: int, stride: int, blocks: int, dims: Dims) -> nn.Sequential:
    first = Block(in_channels, out_channels, stride, dims)
    return nn.Sequential(first, *(Block(out_channels, out_channels, 1, dims) for _ in range(blocks - 1)))
