"""Independent random streams: each is keyed by (seed, role, name) and by nothing else."""

from __future__ import annotations

import hashlib


def stream_key(seed: int, role: str, name: str) -> int:
    """A 63-bit seed for the stream `name` of a role.

    Two points of a grid with the same seed get the same streams, so that they
    start alike; a teacher and its student never share one.
    """
    text = f"{seed}\0{role}\0{name}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
