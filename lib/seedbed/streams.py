"""Random streams: a trial's own, each keyed by (seed, role, name) and by nothing else; and the global ones."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def stream_key(seed: int, role: str, name: str) -> int:
    """A 63-bit seed for the stream `name` of a role.

    Two points of a grid with the same seed get the same streams, so that they
    start alike; a teacher and its student never share one.
    """
    text = f"{seed}\0{role}\0{name}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def seed_global_streams(key: int) -> None:
    """Start the global streams of torch, numpy and Python from a 63-bit key."""
    random.seed(key)
    np.random.seed(key % 2**32)
    torch.manual_seed(key)


def global_streams() -> dict[str, Any]:
    """Where the global streams of torch, numpy and Python stand."""
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    version, internal, gauss = random.getstate()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    return {
        "torch": torch.get_rng_state(),
        "cuda": list(cuda),
        "numpy": [name, np.asarray(keys), int(position), int(has_gauss), float(cached)],
        "python": [version, list(internal), gauss],
    }


def load_global_streams(saved: Mapping[str, Any]) -> None:
    """Put the global streams back to where they stood."""
    torch.set_rng_state(saved["torch"])
    if saved["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(saved["cuda"])
    np.random.set_state(tuple(saved["numpy"]))
    version, internal, gauss = saved["python"]
    random.setstate((version, tuple(internal), gauss))
