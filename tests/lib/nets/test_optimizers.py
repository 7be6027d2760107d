"""Eager optimizers: what torch's own do, to the bit, without importing its compiler."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from seedbed.nets.optimizers import eager

KINDS: list[tuple[Any, dict[str, Any]]] = [
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-2}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (torch.optim.AdamW, {"lr": 1e-2, "fused": True}),
    (torch.optim.Adam, {"lr": 1e-2}),
]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def train(model: nn.Module, optimizer: Optimizer, steps: range) -> None:
    for step in steps:
        draws = torch.Generator().manual_seed(step)
        inputs, targets = torch.randn(8, 6, generator=draws), torch.randint(3, (8,), generator=draws)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_it_takes_the_same_steps_also_from_the_other_ones_state(kind: Any, options: dict[str, Any]) -> None:
    theirs, mine = network(), network()
    whole = kind(theirs.parameters(), **options)
    train(theirs, whole, range(10))
    first = kind(mine.parameters(), **options)
    train(mine, first, range(4))
    second = eager(kind)(mine.parameters(), **options)
    second.load_state_dict(first.state_dict())
    train(mine, second, range(4, 10))
    for one, other in zip(theirs.parameters(), mine.parameters(), strict=True):
        assert torch.equal(one, other)
    assert str(whole.state_dict()) == str(second.state_dict())


def test_it_is_one_of_torchs_optimizers_with_hooks_and_closures() -> None:
    model = network()
    optimizer = eager(torch.optim.SGD)(model.parameters(), 0.1)
    assert isinstance(optimizer, torch.optim.SGD)
    assert eager(torch.optim.SGD) is type(optimizer)
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))

    def closure() -> float:
        loss = model(torch.ones(1, 6)).sum()
        loss.backward()
        return float(loss.item())

    before = closure()
    assert optimizer.step(closure) == before
    assert seen == [1]


def test_a_schedule_of_torch_sets_its_step_size() -> None:
    optimizer = eager(torch.optim.SGD)(network().parameters(), 1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.waits
def test_it_does_without_the_compiler() -> None:
    program = """
import sys, torch
from seedbed.nets.optimizers import eager
weight = torch.ones(3, requires_grad=True)
for kind in (torch.optim.SGD, torch.optim.AdamW):
    optimizer = eager(kind)([weight], lr=0.1)
    optimizer.zero_grad()
    weight.sum().backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
print("torch._dynamo" in sys.modules)
torch.optim.SGD([weight], lr=0.1)
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
