"""What the names of networks mean; free of torch, so that a plan is checked without loading it."""

from __future__ import annotations

import re

from seedbed.errors import InvalidConfig


def depth_and_width(name: str) -> tuple[int, int]:
    """What a name like `wrn16-3` says; refuses one that no network has."""
    match = re.fullmatch(r"wrn([1-9][0-9]*)-([1-9][0-9]*)", name)
    if match is None:
        raise InvalidConfig(f"no network is named {name!r}: wrn<depth>-<width> is, as in wrn16-1")
    depth, width = int(match[1]), int(match[2])
    blocks_in_a_stage(depth)
    return depth, width


def blocks_in_a_stage(depth: int) -> int:
    """N of a wide residual network of depth 6N + 4; refuses a depth that is not of this form."""
    blocks, rest = divmod(depth - 4, 6)
    if blocks < 1 or rest:
        raise InvalidConfig(
            f"a wide residual network has depth 6N + 4 (10, 16, 22, 28, 34, 40, …), not {depth}"
        )
    return blocks
