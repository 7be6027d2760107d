"""Kernels whose result may differ from run to run: asked to be the same, and told where they cannot."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

SAID = re.compile(
    r"([\w:.]+) does not have a deterministic implementation|not deterministic because it uses (CuBLAS)"
)
"""How torch says that an operation has no deterministic form, or was not set up for one."""


def ask_for_determinism(device: torch.device) -> None:
    """Have torch choose deterministic kernels, and warn where there is none.

    On the CPU one thread adds in one order: nothing is asked for. Before the first use of the GPU.
    """
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(True, warn_only=True)


@contextmanager
def noting(note: Callable[[str], None]) -> Iterator[None]:
    """Within it, `note` gets the operation's name from each such warning of torch; others are shown as ever."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Warning | str, *about: Any, **more: Any) -> None:
            found = SAID.search(str(message))
            if found is None:
                shown(message, *about, **more)
            else:
                note(found[1] or found[2])

        warnings.showwarning = show
        warnings.filterwarnings("default", message=f".*({SAID.pattern})")
        yield
