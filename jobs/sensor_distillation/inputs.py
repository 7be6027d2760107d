"""What a network reads: normalised signals, or images computed batch by batch and never stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from jobs.sensor_distillation.config import (
    GafTeacher,
    ImageTeacher,
    MtfTeacher,
    StackTeacher,
    Training,
    default_image_size,
)
from jobs.sensor_distillation.datasets import Windows
from jobs.sensor_distillation.imaging import Encoding, image_batches, images
from jobs.sensor_distillation.windows import Indices, Normalisation, Split, load_windows

BATCH = 64
"""Windows in a batch where no gradient is needed: larger ones are slower on a CPU."""

PIXELS = BATCH * 256**2
"""Of a channel, in the images whose scale is taken at once: larger images come in smaller batches."""


class View(Protocol):
    """Windows as a network sees them."""

    @property
    def channels(self) -> int:
        """C."""

    def read(self, indices: Indices) -> NDArray[np.float32]:
        """Normalised inputs of some windows: (B, C, n) signals or (B, C, h, w) images."""


@dataclass(frozen=True)
class Signals:
    """The signal itself, normalised once."""

    normalised: NDArray[np.float32]

    @classmethod
    def of(cls, windows: Windows, train: Indices) -> Signals:
        """All windows, on the scale of the training windows."""
        scale = Normalisation.over([windows.signals[train]])
        return cls(scale.apply(windows.signals))

    @property
    def channels(self) -> int:
        """Of the signal."""
        return int(self.normalised.shape[1])

    def read(self, indices: Indices) -> NDArray[np.float32]:
        """(B, C, n)."""
        return self.normalised[indices]


@dataclass(frozen=True)
class Pictures:
    """An image of each channel, on the scale of the training windows' images."""

    signals: NDArray[np.float32]
    train: Indices
    encoding: Encoding
    size: int
    bins: int

    @cached_property
    def scale(self) -> Normalisation:
        """Taken from the images of the training windows, one batch at a time."""
        together = max(1, min(BATCH, PIXELS // self.size**2))
        return Normalisation.over(
            image_batches(self.signals[self.train], self.encoding, self.size, self.bins, together)
        )

    @property
    def channels(self) -> int:
        """One for each of the signal's."""
        return int(self.signals.shape[1])

    def read(self, indices: Indices) -> NDArray[np.float32]:
        """(B, C, size, size)."""
        fresh = images(self.signals[indices], self.encoding, self.size, self.bins).astype(
            np.float32, copy=False
        )
        return self.scale.apply(fresh, out=fresh)


@dataclass(frozen=True)
class Stack:
    """Several images of each channel, one kind above the other, each on its own scale."""

    parts: tuple[Pictures, ...]

    @property
    def channels(self) -> int:
        """Those of all parts."""
        return sum(part.channels for part in self.parts)

    def read(self, indices: Indices) -> NDArray[np.float32]:
        """(B, parts · C, size, size): the first part's channels come first."""
        return np.concatenate([part.read(indices) for part in self.parts], axis=1)


@dataclass(frozen=True)
class Data:
    """The windows of a config, split, and seen as its network sees them."""

    windows: Windows
    split: Split
    view: View

    @property
    def channels(self) -> int:
        """Of what the network reads."""
        return self.view.channels

    @property
    def classes(self) -> int:
        """Classes to tell apart."""
        return len(self.windows.classes)

    def batch(self, indices: Indices, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs (B, …) and targets (B,) of some windows, on the device."""
        inputs = torch.from_numpy(self.view.read(indices))
        return inputs.to(device), torch.from_numpy(self.windows.labels[indices]).to(device)

    def batches(self, indices: Indices, device: torch.device) -> Iterator[torch.Tensor]:
        """The inputs of many windows, a batch at a time."""
        for start in range(0, len(indices), BATCH):
            yield torch.from_numpy(self.view.read(indices[start : start + BATCH])).to(device)


def load_data(config: Training) -> Data:
    """The data of a config; raises BadData when they cannot be used."""
    windows, parts = load_windows(config)
    return Data(windows, parts, _view(config, windows, parts.train))


def _view(config: Training, windows: Windows, train: Indices) -> View:
    if not isinstance(config, ImageTeacher):
        return Signals.of(windows, train)
    size = config.image_size or default_image_size(windows.signals.shape[2])

    def pictures(encoding: Encoding, bins: int = 2) -> Pictures:
        return Pictures(windows.signals, train, encoding, size, bins)

    if isinstance(config, StackTeacher):
        return Stack((pictures("gasf"), pictures("gadf"), pictures("mtf", config.bins)))
    if isinstance(config, MtfTeacher):
        return pictures("mtf", config.bins)
    is_sum = isinstance(config, GafTeacher) and config.modality == "gaf"
    return pictures("gasf" if is_sum else "gadf")
