"""Teachers' logits: computed once for each teacher and its data, kept in the store, read by every student.

What their stages put out is too large to keep, and is computed for each batch anew.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from jobs.sensor_distillation.config import DistilledStudent, ImageTeacher, Training
from jobs.sensor_distillation.inputs import Data, load_data
from jobs.sensor_distillation.windows import Indices
from seedbed.finished import FinishedTrial
from seedbed.nets.wrn import WideResNet, wide_resnet
from seedbed.trial import Trial


def build_network(config: Training, data: Data) -> WideResNet:
    """The network of a config, for its data."""
    is_image = isinstance(config, ImageTeacher)
    return wide_resnet(config.network, data.channels, data.classes, dims=2 if is_image else 1)


def precision(config: Training, device: torch.device) -> torch.autocast:
    """Within it, a network computes in the precision of its config."""
    return torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16")


def teacher_logits(trial: Trial[DistilledStudent], data: Data) -> dict[str, torch.Tensor]:
    """Each teacher's logits (N, classes) on the student's training windows, in the split's order, by modality."""
    return {
        modality: _logits_of(trial.input(modality), data, trial.device) for modality in trial.config.alpha
    }


def _logits_of(teacher: FinishedTrial, data: Data, device: torch.device) -> torch.Tensor:
    depends = {"data": teacher.result.data, "windows": data.split.hash}
    arrays = teacher.once("train-logits", depends, lambda: compute_logits(teacher, data, device))
    return torch.from_numpy(arrays["logits"]).to(device)


def compute_logits(
    teacher: FinishedTrial, data: Data, device: torch.device
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """A teacher's logits on a student's training windows, in evaluation mode, with its own view of them."""
    online = OnlineTeacher(teacher, device)
    with torch.inference_mode(), precision(online.config, device):
        parts = [
            online.network(batch).float().cpu() for batch in online.data.batches(data.split.train, device)
        ]
    return {"logits": torch.cat(parts).numpy()}


class OnlineTeacher:
    """A teacher that is asked while the student trains, with its own view of the windows."""

    def __init__(self, teacher: FinishedTrial, device: torch.device) -> None:
        self.config = cast(Training, teacher.config)  # a plan lets no other trial be a teacher
        self.data = load_data(self.config)
        self.device = device
        self.network = build_network(self.config, self.data)
        self.network.load_state_dict(teacher.weights())
        self.network.to(device).eval()

    def maps(self, indices: Indices) -> list[torch.Tensor]:
        """What its three stages put out for some windows, in evaluation mode and without gradients."""
        inputs, _ = self.data.batch(indices, self.device)
        # Not inference_mode(): what it makes cannot be kept for a student's backward pass.
        with torch.no_grad(), precision(self.config, self.device):
            _, maps = self.network.stages(inputs)
        return [features.float() for features in maps]


def online_teachers(trial: Trial[DistilledStudent]) -> dict[str, OnlineTeacher]:
    """The teachers that have a share, by modality."""
    shares = trial.config.alpha
    return {
        modality: OnlineTeacher(trial.input(modality), trial.device)
        for modality in shares
        if shares[modality]
    }
