"""Teachers' logits: computed once for each teacher and its data, kept in the store, read by every student."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from jobs.sensor_distillation.config import DistilledStudent, ImageTeacher, Training
from jobs.sensor_distillation.inputs import Data, load_data
from seedbed.finished import FinishedTrial
from seedbed.nets.wrn import WideResNet, wide_resnet
from seedbed.trial import Trial


def build_network(config: Training, data: Data) -> WideResNet:
    """The network of a config, for its data."""
    is_image = isinstance(config, ImageTeacher)
    return wide_resnet(config.network, data.channels, data.classes, dims=2 if is_image else 1)


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
    config = cast(Training, teacher.config)  # a plan lets no other trial be a teacher
    own = load_data(config)
    network = build_network(config, own)
    network.load_state_dict(teacher.weights())
    network.to(device).eval()
    with torch.inference_mode():
        parts = [network(batch).cpu() for batch in own.batches(data.split.train, device)]
    return {"logits": torch.cat(parts).numpy()}
