"""One trial of the study as a plain script: what a shell loop would start, once a trial.

    python -m tests.bench._plain_trial OUT EPOCHS signal|gaf|student [TEACHER.pt ...]

PyTorch as it comes: Conv1d and Conv2d, default threads and allocator, images by pyts once at the start, teachers
asked in every step. Data, split, order of work and evaluation after every epoch are those of sensor_distillation.
The last line is how long `import pyts` took, which compiles anew in every process.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from jobs.sensor_distillation.config import SignalTeacher
from jobs.sensor_distillation.inputs import Signals
from jobs.sensor_distillation.losses import distillation_loss
from jobs.sensor_distillation.windows import load_windows
from tests.lib.nets.conv1d_reference import PlainWideResNet

SIZE = 32
SHARES = {"signal": 0.5, "gaf": 0.5}


def main(out: str, epochs: int, kind: str, teachers: list[str]) -> None:
    windows, split = load_windows(SignalTeacher(role="teacher", modality="signal"))
    seconds = 0.0
    inputs = {"signal": torch.from_numpy(Signals.of(windows, split.train).normalised)}
    if kind == "gaf" or teachers:
        began = time.perf_counter()
        from pyts.image import GramianAngularField

        seconds = time.perf_counter() - began
        inputs["gaf"] = torch.from_numpy(_images(GramianAngularField(SIZE), windows.signals, split.train))
    targets = torch.from_numpy(windows.labels)
    mine = inputs["signal" if kind == "student" else kind]
    model = _network(mine, len(windows.classes))
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
    loaded = {name: _network(inputs[name], len(windows.classes)) for name in SHARES} if teachers else {}
    for network, file in zip(loaded.values(), teachers, strict=True):
        network.load_state_dict(torch.load(file, weights_only=True))
        network.eval()
    for _ in range(epochs):
        model.train()
        for batch in torch.from_numpy(np.random.default_rng().permutation(split.train)).split(64):
            logits = model(mine[batch])
            with torch.no_grad():
                theirs = {name: network(inputs[name][batch]) for name, network in loaded.items()}
            loss = (
                distillation_loss(logits, targets[batch], theirs, SHARES, 0.7, 4.0, "mean")
                if theirs
                else functional.cross_entropy(logits, targets[batch])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for part in (split.validation, split.test):
                for batch in torch.from_numpy(part).split(64):
                    model(mine[batch])
    torch.save(model.state_dict(), out)
    print(seconds)


def _images(transform: object, signals: NDArray[np.float32], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Images (N, C, size, size) on the training images' scale, as one array in memory."""
    flat = signals.reshape(-1, signals.shape[2])
    made = transform.fit_transform(flat).reshape(*signals.shape[:2], SIZE, SIZE)  # type: ignore[attr-defined]
    scaled: NDArray[np.float32] = ((made - made[train].mean()) / made[train].std()).astype(np.float32)
    return scaled


def _network(inputs: torch.Tensor, classes: int) -> PlainWideResNet:
    return PlainWideResNet(16, 1, inputs.shape[1], classes, dims=2 if inputs.ndim == 4 else 1)


if __name__ == "__main__":
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:])
