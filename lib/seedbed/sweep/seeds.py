"""Seeds as people write them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from seedbed.errors import InvalidSweep

LARGEST_SEED = 2**32 - 1
"""What every library that draws takes as a seed."""

MOST_SEEDS = 100_000
"""In one text: more are a slip of the hand."""


def parse_seeds(text: str, place: str) -> list[int]:
    """Seeds from text such as `0-2` or `0,3,7-9`; raises InvalidSweep."""
    ranges = [_range_of(piece.strip(), str(text), place) for piece in str(text).split(",")]
    if sum(map(len, ranges)) > MOST_SEEDS:
        raise InvalidSweep(
            f"{place}: {sum(map(len, ranges))} seeds in {text!r}, expected at most {MOST_SEEDS}"
        )
    counts = Counter(seed for some in ranges for seed in some)
    repeated = min((seed for seed, count in counts.items() if count > 1), default=None)
    if repeated is not None:
        raise InvalidSweep(
            f"{place}: seed {repeated} is given twice in {text!r}; repeats need seeds of their own"
        )
    return list(counts)


def seeds_text(seeds: Iterable[int]) -> str:
    """The reverse of parse_seeds, in ascending order: `0-2,10`."""
    ranges: list[list[int]] = []
    for seed in sorted(seeds):
        if ranges and seed == ranges[-1][-1] + 1:
            ranges[-1].append(seed)
        else:
            ranges.append([seed])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in ranges)


def _range_of(piece: str, text: str, place: str) -> range:
    first, dash, last = piece.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
        raise InvalidSweep(f"{place}: found {text!r}, expected seeds such as 0-2 or 0,3,7-9")
    if int(last or first) > LARGEST_SEED:
        raise InvalidSweep(f"{place}: found {last or first} in {text!r}, expected seeds up to {LARGEST_SEED}")
    return range(int(first), int(last or first) + 1)
