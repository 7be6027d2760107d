"""What a training step of WRN16-1 on series costs on one CPU thread: ours against the plain form of it.

    python -m tests.bench.cpu_step

Plain is Conv1d, with torch and malloc as they come; ours is the network and the environment that a worker
of the pool has. Every measurement is a process of its own, the two take turns, and the medians of their
processor times are compared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

from tests.bench._timing import Line, apart, faster, in_turns, show, typical_step

BATCH, CHANNELS, CLASSES = 64, 3, 7
WARM_UP, STEPS, ROUNDS = 5, 15, 3
GOALS = {200: 1.7, 500: 1.7}
"""Samples in a window -> how many times as fast."""


def main() -> None:
    show("CPU time of a WRN16-1 training step, Conv1d as it comes → as a worker runs it", _lines())


def _lines() -> Iterator[Line]:
    for length, goal in GOALS.items():
        plain = partial(apart, "tests.bench.cpu_step", "plain", str(length), environment={})
        ours = partial(apart, "tests.bench.cpu_step", "ours", str(length))
        yield faster(f"{BATCH} windows of {CHANNELS}×{length}", *in_turns(ROUNDS, plain, ours), "ms", goal)


def training_step(side: str, length: int) -> Callable[[], None]:
    """Forward, backward and SGD of what a side stands for."""
    import torch
    from torch.nn import functional

    from seedbed.nets.wrn import WideResNet
    from tests.lib.nets.conv1d_reference import PlainWideResNet

    torch.manual_seed(0)
    plain = side == "plain"
    model = PlainWideResNet(16, 1, CHANNELS, CLASSES) if plain else WideResNet(16, 1, CHANNELS, CLASSES, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    x, targets = torch.randn(BATCH, CHANNELS, length), torch.randint(0, CLASSES, (BATCH,))

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(model(x), targets).backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(typical_step(training_step(sys.argv[1], int(sys.argv[2])), WARM_UP, STEPS))
    else:
        main()
