"""Differences: paired ones, from published values, the smallest that can be seen, and what is alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean

from seedbed.statistics.quantiles import CONFIDENCE, POWER, student_t, studentized_range, two_sided
from seedbed.statistics.spread import (
    BlockT,
    Convention,
    PointT,
    Pooled,
    refuse_not_finite,
    rounding_of,
    spread,
)

FEWEST_PAIRS = 6
"""For a p-value. With five pairs no pattern of their signs is rarer than 2/2^5 = 0.0625, so that a p below 0.05
would rest on the normal curve alone; with six it can be 0.031."""


@dataclass(frozen=True)
class Difference:
    """The mean of `n` paired differences, its 95% interval, and how the two sides of the pairs go together.

    The bounds are None where nothing says how large the error is, as where it is the same in every run; the
    correlation is None where it would say nothing: fewer than three pairs, or a side without spread.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    correlation: float | None
    p: float | None = None
    """Two-sided, of the t that the interval is made from; None for fewer than FEWEST_PAIRS pairs."""


@dataclass(frozen=True)
class Departure:
    """Our mean less a published one, and its 95% interval; the bounds are None where a spread is not known."""

    mean: float
    low: float | None
    high: float | None


def paired_difference(
    a: Mapping[BlockT, float], b: Mapping[BlockT, float], pooled: Pooled | None = None
) -> Difference | None:
    """a - b over the blocks that both have, with its 95% interval; None when they share none.

    The standard error is pooled.sd · √(2/n) on pooled.df degrees of freedom. Without `pooled` it is the
    differences' own (Student's paired t, n - 1 degrees of freedom), for which one pair is not enough.
    """
    refuse_not_finite([*a.values(), *b.values()])
    common = [block for block in a if block in b]
    if not common:
        return None
    n = len(common)
    differences = [a[block] - b[block] for block in common]
    mean = fmean(differences)
    together = _correlation([a[block] for block in common], [b[block] for block in common])
    own = spread(differences)
    error, df = 0.0, 0
    if pooled is not None:
        error, df = pooled.sd * math.sqrt(2 / n), pooled.df
    elif own is not None:
        error, df = own / math.sqrt(n), n - 1
    if error <= rounding_of(side[block] for side in (a, b) for block in common):
        return Difference(mean, None, None, n, together)
    half = student_t(0.5 + CONFIDENCE / 2, df) * error
    p = two_sided(mean / error, df) if n >= FEWEST_PAIRS else None
    return Difference(mean, mean - half, mean + half, n, together, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values for all of these comparisons together, in their order.

    Holm's step-down: the k-th smallest of m is multiplied by m - k + 1, and none is smaller than the one
    before it. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statistics 6 (1979).
    """
    refuse_not_finite(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = least
    return adjusted


def departure(
    values: Sequence[float],
    published: float,
    std: float | None = None,
    n: int | None = None,
    convention: Convention = "sample",
) -> Departure | None:
    """Mean of `values` - `published`, with a 95% interval when the published `std` and `n` are known too.

    Welch's t for two means of unequal variances, with his approximate degrees of freedom: Welch, The
    generalization of "Student's" problem when several different population variances are involved, Biometrika
    34 (1947). None without a value; no bounds where one side is a single run, or neither has any spread.
    """
    refuse_not_finite(values)
    if not values:
        return None
    mean = fmean(values) - published
    own = spread(values)
    if own is None or std is None or n is None or n < 2 or own == std == 0:
        return Departure(mean, None, None)
    theirs = std if convention == "sample" else std * math.sqrt(n / (n - 1))
    error = math.hypot(own / math.sqrt(len(values)), theirs / math.sqrt(n))
    share = (own / error) ** 2 / len(values)
    df = 1 / (share**2 / (len(values) - 1) + (1 - share) ** 2 / (n - 1))
    half = student_t(0.5 + CONFIDENCE / 2, df) * error
    return Departure(mean, mean - half, mean + half)


def minimum_detectable_difference(pooled: Pooled, n: int) -> float:
    """The true difference of two points of `n` blocks each that is seen four times in five, at the 5% level.

    (t(.975, df) + t(.80, df)) · sd · √(2/n): Bloom, Minimum Detectable Effects, Evaluation Review 19 (1995).
    """
    return (
        (student_t(0.5 + CONFIDENCE / 2, pooled.df) + student_t(POWER, pooled.df))
        * pooled.sd
        * math.sqrt(2 / n)
    )


def not_distinguishable_from_best(
    values: Mapping[PointT, Mapping[BlockT, float]],
    best: PointT,
    pooled: Pooled,
    *,
    higher_is_better: bool = True,
) -> frozenset[PointT]:
    """The points that are not shown to be worse than `best`, at 95% for all of them together.

    Tukey's honestly significant difference on the blocked residual spread: a point is worse when the mean of
    best - point over the blocks that both have exceeds q(.95, points, df) · sd / √n (the studentized range).
    It holds for every pair at once, so it holds although the best was chosen by looking; Dunnett's narrower
    margin would want the best named beforehand. For unequal n this is the Tukey-Kramer form, which errs on
    the side of "not distinguishable" (Hayter, Annals of Statistics 12, 1984). Points without a value do not
    take part; one that shares no block with the best is not shown to be worse.
    """
    taking_part = {point: blocks for point, blocks in values.items() if blocks}
    alike = set()
    for point in taking_part.keys() - {best}:
        behind = paired_difference(values[best], values[point], pooled)
        if behind is None:
            alike.add(point)
            continue
        margin = studentized_range(len(taking_part), pooled.df) * pooled.sd / math.sqrt(behind.n)
        if (behind.mean if higher_is_better else -behind.mean) <= margin:
            alike.add(point)
    return frozenset(alike)


def _correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    if len(a) < 3:
        return None
    try:
        return correlation(a, b)
    except StatisticsError:  # a side without spread
        return None
