"""First weights that depend on a seed, a name and a shape, and on nothing else.

From the usual single stream every module gets what the ones before it left over, so that adding
one changes all the others. Here each tensor is drawn from a stream of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


def initialise(model: nn.Module, key: Callable[[str], int]) -> None:
    """Draw every parameter and buffer of a model afresh, each from a stream of its own.

    `key` maps a tensor's name and shape, as in `stem.weight:(16, 3, 1, 3)`, to the 63-bit seed of its stream.
    Each module's `reset_parameters` says how they are drawn, so a module with parameters must have one.
    The model must be on the CPU: then its weights are the same bits wherever it is moved afterwards.
    torch's global streams are left as they were.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        drawn = [pair for name, module in model.named_modules() for pair in _draw(name, module, key)]
        for tensor, value in drawn:
            tensor.copy_(value)


def _draw(module_name: str, module: nn.Module, key: Callable[[str], int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Each of a module's own tensors, with the value that it shall have."""
    own: dict[str, Tensor] = dict(module.named_parameters(module_name, recurse=False))
    reset = getattr(module, "reset_parameters", None)
    if reset is None:
        if own:
            kind = type(module).__name__
            raise TypeError(
                f"{module_name or 'the model'} ({kind}) owns parameters and has no reset_parameters"
            )
        return
    own.update(module.named_buffers(module_name, recurse=False))
    for name, tensor in own.items():
        if tensor.device.type != "cpu":
            raise ValueError(f"{name} is on {tensor.device}: initialise a model on the CPU, then move it")
        # Not torch.manual_seed: that would reach the streams of every GPU too.
        torch.default_generator.manual_seed(key(f"{name}:{tuple(tensor.shape)}"))
        reset()
        yield tensor, tensor.clone()
