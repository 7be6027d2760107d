"""Training toy networks under the eyes of the health detectors, without a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.health.monitor import Health
from seedbed.results import Event

STEPS = 200

Observe = Callable[[int, Tensor, Tensor], Mapping[str, Any]]
"""(step, outputs, loss) -> what the family observes."""


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def linear(model: nn.Sequential, index: int = 0) -> nn.Linear:
    layer = model[index]
    assert isinstance(layer, nn.Linear)
    return layer


def batch(step: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(step)
    inputs = torch.randn(32, 4, generator=generator)
    return inputs, inputs[:, :3].argmax(1)


def cross_entropy(step: int, outputs: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(outputs, targets)


def train(
    model: nn.Module | None = None,
    *,
    loss_of: Callable[[int, Tensor, Tensor], Tensor] = cross_entropy,
    observe: Observe = lambda step, outputs, loss: {},
    optimizer: torch.optim.Optimizer | None = None,
    rate: float = 0.1,
    steps: int = STEPS,
    health: Health | None = None,
    **also: Any,
) -> list[Event]:
    """The events of a whole training; `also` stands in the state beside model and optimizer."""
    model = model or network()
    health = health or Health()
    optimizer = optimizer or torch.optim.SGD(model.parameters(), rate, momentum=0.9)
    state = {"model": model, "optimizer": optimizer, **also}
    health.begin(0, state)
    for step in range(1, steps + 1):
        inputs, targets = batch(step)
        outputs = model(inputs)
        loss = loss_of(step, outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        health.observe(observe(step, outputs, loss))
        health.look(step, state)
    return health.ended()


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]
