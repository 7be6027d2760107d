"""What a cell is marked with."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import TypeVar

from seedbed import statistics
from seedbed.tables.model import Flag, Mark
from seedbed.tables.points import Point


def marks(
    points: Sequence[Point], pooled: statistics.Pooled | None, *, higher_is_better: bool
) -> dict[Point, Mark]:
    """Who is best among the points with all their seeds, and who is not shown to be worse; none alone is."""
    means = {point: fmean(point.values.values()) for point in points if point.values and not point.failures}
    if pooled is None or len(means) < 2:
        return {}
    top = max(means.values()) if higher_is_better else min(means.values())
    best = [point for point, mean in means.items() if mean == top]
    alike = statistics.not_distinguishable_from_best(
        {point: point.seeds for point in points}, best[0], pooled, higher_is_better=higher_is_better
    )
    return {**dict.fromkeys(alike, "alike"), **dict.fromkeys(best, "best")}


def failure_flags(point: Point) -> Iterator[Flag]:
    """Whether seeds of a point diverged, and whether others have no value for another reason."""
    diverged = [reason.startswith("diverged") for reason in point.failures.values()]
    if any(diverged):
        yield "diverged"
    if not all(diverged):
        yield "missing"


KeyT = TypeVar("KeyT", bound=Hashable)


def holm_adjusted(differences: Mapping[KeyT, statistics.Difference | None]) -> dict[KeyT, float]:
    """The p-values of all comparisons together, of those that have one."""
    found = {point: one.p for point, one in differences.items() if one and one.p is not None}
    return dict(zip(found, statistics.holm(list(found.values())), strict=True))
