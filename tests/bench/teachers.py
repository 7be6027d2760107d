"""What stored logits save: a student's step that looks its teachers up against one that asks them.

    python -m tests.bench.teachers

A WRN16-1 student on the windows of `watch`, 64 at a time, on one CPU thread. Asked teachers work in every
step, in evaluation mode and without gradients; an image teacher's images (32 × 32) are computed in that step
too. Stored logits are looked up by position, as jobs/sensor_distillation/train.py does. Computing them once
is not counted: it is one pass over the training windows, shared by all students and all of their epochs.
Every measurement is a process of its own, the two take turns, and medians of processor time are compared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from tests.bench._timing import Line, apart, faster, in_turns, show, typical_step

if TYPE_CHECKING:
    from torch import Tensor

    from jobs.sensor_distillation.config import Training
    from jobs.sensor_distillation.inputs import Data
    from jobs.sensor_distillation.windows import Indices

    Teacher = Callable[[Indices], Tensor]
    """Positions (B,) among the training windows -> logits (B, C)."""

BATCH = 64
WARM_UP, STEPS, ROUNDS = 3, 7, 3
MODALITIES = ("signal", "gaf", "signal+gaf")
GOALS = {"wrn16-3": 3.0, "wrn28-3": 5.0}
"""The teachers' network -> how many times as fast."""


def main() -> None:
    show("CPU time of a distilled student's step, teachers asked → logits stored", _lines())


def _lines() -> Iterator[Line]:
    for network, goal in GOALS.items():
        for modalities in MODALITIES:
            step = partial(apart, "tests.bench.teachers", modalities, network)
            medians = in_turns(ROUNDS, partial(step, "ask"), partial(step, "look up"))
            yield faster(f"{modalities} {network}", *medians, "ms", goal)


def training_step(modalities: list[str], network: str, how: str) -> Callable[[], None]:
    """One step of a student after the other, on batches in random order."""
    import torch

    from jobs.sensor_distillation.inputs import load_data
    from jobs.sensor_distillation.losses import distillation_loss
    from jobs.sensor_distillation.teachers import build_network

    torch.manual_seed(0)
    config = _config(role="student", network="wrn16-1")
    data = load_data(config)
    student = build_network(config, data)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    teacher_of = asked if how == "ask" else stored
    teachers = {modality: teacher_of(modality, network, data) for modality in modalities}
    alpha = {modality: 1 / len(modalities) for modality in modalities}

    def step() -> None:
        positions = torch.randperm(len(data.split.train))[:BATCH].numpy()
        inputs, targets = data.batch(data.split.train[positions], torch.device("cpu"))
        theirs = {modality: teacher(positions) for modality, teacher in teachers.items()}
        optimizer.zero_grad()
        distillation_loss(student(inputs), targets, theirs, alpha, 0.7, 4.0, "mean").backward()
        optimizer.step()

    return step


def asked(modality: str, network: str, data: Data) -> Teacher:
    """A teacher that works in every step, from its own view of the same windows."""
    import torch

    from jobs.sensor_distillation.inputs import load_data
    from jobs.sensor_distillation.teachers import build_network

    config = _config(role="teacher", modality=modality, network=network)
    own = load_data(config)
    model = build_network(config, own).eval()

    def ask(positions: Indices) -> Tensor:
        inputs, _ = own.batch(data.split.train[positions], torch.device("cpu"))
        with torch.no_grad():
            return cast("Tensor", model(inputs))

    return ask


def stored(_modality: str, _network: str, data: Data) -> Teacher:
    """A teacher whose logits are there already; what they are does not matter to the time."""
    import torch

    logits = torch.randn(len(data.split.train), data.classes)
    return lambda positions: logits[positions]


def _config(**settings: str) -> Training:
    from seedbed.family import load_family

    return cast("Training", load_family("sensor_distillation").plan(settings, {}))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        wanted, of_network, in_which_way = sys.argv[1:]
        print(typical_step(training_step(wanted.split("+"), of_network, in_which_way), WARM_UP, STEPS))
    else:
        main()
