"""torch's optimizers, without what only torch.compile needs of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch.optim import Optimizer

AnyOptimizer = TypeVar("AnyOptimizer", bound=Optimizer)

FOR_THE_COMPILER = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""The methods that torch hides from its compiler, which it imports for that at their first call."""


@functools.cache
def eager(kind: type[AnyOptimizer]) -> type[AnyOptimizer]:
    """A class of torch's optimizers for training that is not compiled: the same arithmetic, state and hooks.

    `eager(torch.optim.SGD)(model.parameters(), 0.1)` starts more than a second sooner than
    `torch.optim.SGD(model.parameters(), 0.1)`, which imports all of `torch._dynamo`: of a trial's pod
    that is a fifth of the time to its first step.
    """
    plain_step: Callable[..., Any] = inspect.unwrap(kind.step)

    @functools.wraps(plain_step)
    def step(self: Optimizer, closure: Callable[[], float] | None = None) -> Any:
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            return plain_step(self, closure)

    plain = {name: inspect.unwrap(getattr(kind, name)) for name in FOR_THE_COMPILER}
    return type(kind.__name__, (kind,), {**plain, "step": step})
