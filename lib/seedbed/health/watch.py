"""What the modules of a trial put out while they train, seen by forward hooks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from seedbed.health.step import qualified

SMALL = 65_536
"""Outputs of up to so many values (logits, embeddings) are held until the step ends; the last one is looked at."""


class Watch:
    """Sees the outputs of modules without children, in training mode only; leaves them as they are.

    At full steps those of all; at others only of modules whose outputs were small at the first: a hook costs
    as much as looking at a small output.
    """

    def __init__(self) -> None:
        self.first_batch = ""
        """Digest of what the first module took in at step 1: the first samples, in their order."""

        self._full = True
        self._wants_first_batch = False
        self._outputs: dict[str, Tensor] = {}
        self._modules: dict[str, nn.Module] = {}
        self._small: set[str] = set()
        self._sized = False
        self._handles: dict[str, RemovableHandle] = {}
        self._roots: list[int] = []

    def attach(self, modules: Mapping[str, nn.Module], *, from_start: bool) -> None:
        """Watch these modules from the next step that is prepared on, and no others."""
        if self._roots == [id(module) for module in modules.values()]:
            return
        self.detach()
        self._roots = [id(module) for module in modules.values()]
        self._wants_first_batch = from_start
        self._modules = {
            qualified(entry, name): module
            for entry, root in modules.items()
            for name, module in root.named_modules()
            if not any(module.children())
        }

    def prepare(self, *, full: bool) -> None:
        """Say whether the next step is a full one."""
        self._full = full
        self._hook_up(self._small if self._sized and not full else self._modules.keys())

    def detach(self) -> None:
        """Watch nothing any more."""
        self._hook_up(())
        self._modules, self._small, self._sized, self._roots = {}, set(), False, []

    def _hook_up(self, names: Collection[str]) -> None:
        for name in self._handles.keys() - set(names):
            self._handles.pop(name).remove()
        for name in set(names) - self._handles.keys():
            self._handles[name] = self._modules[name].register_forward_hook(self._hook(name))

    def collected(self) -> dict[str, Tensor]:
        """What modules put out since the last call, in the order in which they ran, each at its first run.

        At full steps the sum () of every one; at others the outputs as they are, small ones only.
        """
        outputs, self._outputs = self._outputs, {}
        self._sized = self._sized or bool(outputs)
        return outputs

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        # A plain function: what a deep copy of the module would carry along is this object alone, uncopied.
        def saw(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            if not module.training or torch.compiler.is_compiling():
                return
            if self._wants_first_batch and inputs and isinstance(inputs[0], Tensor):
                self.first_batch, self._wants_first_batch = digest_of(inputs[0]), False
            if name in self._outputs or not isinstance(output, Tensor) or not output.is_floating_point():
                return
            small = 0 < output.numel() <= SMALL
            if small:
                self._small.add(name)
            if self._full and output.numel():
                self._outputs[name] = total(output)
            elif small:
                self._outputs[name] = output.detach()

        return saw


def total(output: Tensor) -> Tensor:
    """The sum (), in no less than single precision: not finite where a value is not, and the quickest to say so."""
    return output.detach().sum(dtype=torch.promote_types(output.dtype, torch.float32))


def digest_of(tensor: Tensor) -> str:
    """The first 16 hex digits of the sha256 of a tensor's type, shape and values."""
    plain = tensor.detach().cpu().contiguous()
    about = f"{plain.dtype}{tuple(plain.shape)}".encode()
    return hashlib.sha256(about + plain.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()[:16]
