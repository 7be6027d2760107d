"""Whether the repeats of a point differ where they should (what the seed decides) and nowhere else (the split)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from seedbed.results import Result


def complaints(points: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    """A line for each way in which repeats are no repeats.

    `points` maps a point's label to its trials' results: those that differ in nothing but the seed. Results of
    an earlier version say nothing of their streams, and are held to the rest.
    """
    for label, results in points.items():
        of = f" of {label}" if label else ""
        for seeds in _shared({result.seed: result.initial_weights for result in results}):
            yield f"{_named(seeds)}{of} start from the same weights."
        for name in sorted({name for result in results for name in result.streams}):
            for seeds in _shared({result.seed: result.streams.get(name, "") for result in results}):
                alike = "see the same first batch, as repeats do only where there are few"
                what = alike if name == FIRST_BATCH else f"share the stream {name}"
                yield f"{_named(seeds)}{of} {what}."
        splits = {result.seed: str(result.split.get("hash", "")) for result in results if result.split}
        if len(set(splits.values())) > 1:
            yield f"{_named(sorted(splits))}{of} have different splits."
        for seed in _twice([result.seed for result in results]):
            yield f"seed {seed}{of} is there twice."


FIRST_BATCH = "first batch"
"""The stream that is not one: the digest of the first batch that a trial was trained on."""


def _shared(digests: Mapping[int, str]) -> list[list[int]]:
    """The seeds that have the same digest, in groups."""
    groups: dict[str, list[int]] = defaultdict(list)
    for seed, found in digests.items():
        if found:
            groups[found].append(seed)
    return [sorted(seeds) for seeds in groups.values() if len(seeds) > 1]


def _twice(seeds: Sequence[int]) -> list[int]:
    return sorted({seed for seed in seeds if seeds.count(seed) > 1})


def _named(seeds: Sequence[int]) -> str:
    """`seeds 0, 1 and 2`."""
    words = [str(seed) for seed in seeds]
    return f"seeds {', '.join(words[:-1])} and {words[-1]}"
