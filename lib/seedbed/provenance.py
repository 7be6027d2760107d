"""Where a number came from: code, libraries, machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

ROOT = Path(__file__).parents[2]

PACKAGES = ("numpy", "torch", "numba", "scipy", "scikit-learn", "safetensors")


def numerics_tag(device: torch.device) -> dict[str, str]:
    """The class within which numbers are equal to the bit: device kind, torch minor version."""
    return {"device": device.type, "torch": torch_minor()}


def torch_minor() -> str:
    """Torch's major and minor version as installed, without loading it."""
    return ".".join(importlib.metadata.version("torch").split(".")[:2])


def device_name(device: torch.device) -> str:
    """What a person calls the device."""
    if device.type != "cuda":
        return platform.machine()
    import torch

    return torch.cuda.get_device_name(device)


def packages() -> dict[str, str]:
    """The versions of the libraries that compute, as installed."""
    versions = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@cache
def code_revision() -> str:
    """The git revision that runs: from the image's environment, else from the checkout; `unknown` without one."""
    if "SEEDBED_REVISION" in os.environ:
        return os.environ["SEEDBED_REVISION"]
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"


def host() -> str:
    """This machine's (or pod's) name."""
    return socket.gethostname()


def image() -> str:
    """The container image that runs, if it is one."""
    return os.environ.get("SEEDBED_IMAGE", "")


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory this process has held: on the GPU if it used one, else resident."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
