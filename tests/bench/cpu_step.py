"""What a training step of WRN16-1 on series costs on one CPU thread, side by side in one run.

    python tests/bench/cpu_step.py

First against the plain form (Conv1d, torch and malloc as they come); then a distilled student whose
teacher's logits are stored against one whose teacher is asked in every step. Every measurement is a
process of its own, because allocations of one network hide the page faults of the next; the two sides
alternate, and the medians of their processor times are compared.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn import functional

from jobs.sensor_distillation.losses import distillation_loss
from seedbed.nets.wrn import WideResNet, wide_resnet
from tests.lib.nets.conv1d_reference import PlainWideResNet

BATCH, CHANNELS, CLASSES = 64, 3, 7
WARM_UP, STEPS, ROUNDS = 5, 15, 3
PAIRS = [
    ("plain", "channels_last", 200, 1.7),
    ("plain", "channels_last", 500, 1.7),
    ("teacher wrn16-3", "stored logits", 200, 3),
    ("teacher wrn28-3", "stored logits", 200, 5),
]
# Unless told not to, glibc gives a step's buffers back to the kernel and faults them in again in the next.
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_TOP_PAD_": "67108864",
}


def main() -> None:
    """Print each pair's times, their ratio and the goal."""
    table = Table("series", "slow", "ms", "fast", "ms", "ratio", "goal")
    for slow, fast, length, goal in PAIRS:
        before, after = alternated(slow, fast, length)
        times = f"{before:.1f}", fast, f"{after:.1f}"
        table.add_row(f"{CHANNELS}×{length}", slow, *times, f"{before / after:.2f}", f"≥ {goal}")
    Console().print(table)


def alternated(slow: str, fast: str, length: int) -> tuple[float, float]:
    """The median milliseconds of both sides, over processes that take turns."""
    rounds = [(measured_apart(slow, length), measured_apart(fast, length)) for _ in range(ROUNDS)]
    return statistics.median(pair[0] for pair in rounds), statistics.median(pair[1] for pair in rounds)


def measured_apart(side: str, length: int) -> float:
    """Milliseconds a step takes in a new process."""
    inherited = {name: value for name, value in os.environ.items() if name not in TUNED}
    environment = inherited | {"OMP_NUM_THREADS": "1"} | ({} if side == "plain" else TUNED)
    command = [sys.executable, __file__, side, str(length)]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def measure(side: str, length: int) -> float:
    """The median processor time of a step, in milliseconds."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    step = training_step(side, length)
    times = []
    for _ in range(WARM_UP + STEPS):
        started = time.process_time()
        step()
        times.append(time.process_time() - started)
    return 1000 * statistics.median(times[WARM_UP:])


def training_step(side: str, length: int) -> Callable[[], None]:
    """Forward, backward and SGD of what a side stands for."""
    plain = side == "plain"
    model = PlainWideResNet(16, 1, CHANNELS, CLASSES) if plain else WideResNet(16, 1, CHANNELS, CLASSES, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    x, targets = torch.randn(BATCH, CHANNELS, length), torch.randint(0, CLASSES, (BATCH,))
    loss_of = loss_with(side, x, targets)

    def step() -> None:
        optimizer.zero_grad()
        loss_of(model(x)).backward()
        optimizer.step()

    return step


def loss_with(side: str, x: torch.Tensor, targets: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Cross-entropy, or distillation from a teacher that is asked each time or was asked before."""
    if side in ("plain", "channels_last"):
        return lambda logits: functional.cross_entropy(logits, targets)
    teacher = teacher_of(side)

    def loss(logits: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            from_teacher = {"signal": teacher(x)}
        return distillation_loss(logits, targets, from_teacher, {"signal": 1.0}, 0.7, 4, "mean")

    return loss


def teacher_of(side: str) -> nn.Module | Callable[[torch.Tensor], torch.Tensor]:
    """The network that a side asks, or its stored answer."""
    if side == "stored logits":
        stored = torch.randn(BATCH, CLASSES)
        return lambda _x: stored
    return wide_resnet(side.removeprefix("teacher "), CHANNELS, CLASSES, 1).eval()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(measure(sys.argv[1], int(sys.argv[2])))
    else:
        main()
