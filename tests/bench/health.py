"""What the health detectors add to a training step of a WRN16-1 student on one CPU thread.

    python -m tests.bench.health

Two equal networks in one process take turns, step by step, one of them watched as in a trial; their processor
times are summed over rounds of as many steps as there are between two full looks, and the median of the rounds'
ratios is shown. The plain step is the shortest there is (cross-entropy, no data to load), so that the share is
no smaller in a real one.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator

from tests.bench._timing import Line, apart, cpu_milliseconds, show

BATCH, CHANNELS, CLASSES = 64, 3, 7
LENGTHS = (200, 500)
WARM_UP, ROUNDS = 5, 3
GOAL = 2.0
"""Per cent."""


def main() -> None:
    show("CPU time that the health detectors add to a WRN16-1 training step", _lines())


def _lines() -> Iterator[Line]:
    for length in LENGTHS:
        added = 100 * (apart("tests.bench.health", str(length)) - 1)
        what = f"{BATCH} windows of {CHANNELS}×{length}"
        yield Line(what, f"{added:+.2f} %", f"≤ {GOAL:g} %", added <= GOAL)


def ratio(length: int) -> float:
    """Processor time of the watched steps over that of the plain ones."""
    from seedbed.health.step import EVERY

    plain, watched = training_step(length, watch=False), training_step(length, watch=True)
    for _ in range(WARM_UP):
        plain(), watched()
    rounds = []
    for _ in range(ROUNDS):
        pairs = [(cpu_milliseconds(plain), cpu_milliseconds(watched)) for _ in range(EVERY)]
        rounds.append(sum(pair[1] for pair in pairs) / sum(pair[0] for pair in pairs))
    return statistics.median(rounds)


def training_step(length: int, *, watch: bool) -> Callable[[], None]:
    """Forward, backward and SGD; watched, with what a trial does after every step."""
    import torch
    from torch.nn import functional

    from seedbed.health.monitor import Health
    from seedbed.nets.wrn import WideResNet

    torch.manual_seed(0)
    model = WideResNet(16, 1, CHANNELS, CLASSES, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    x, targets = torch.randn(BATCH, CHANNELS, length), torch.randint(0, CLASSES, (BATCH,))
    health, state, done = Health(), {"model": model, "optimizer": optimizer}, 0
    if watch:
        health.begin(0, state)

    def step() -> None:
        nonlocal done
        done += 1
        loss = functional.cross_entropy(model(x), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if watch:
            health.observe({"loss": loss})
            health.look(done, state)

    return step


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(ratio(int(sys.argv[1])))
    else:
        main()
