"""What a handful of seeds can say: spreads, intervals, paired differences, and what cannot be told apart.

Values stand as `{point: {block: value}}`. A block is what every point is run under alike: a seed, or a seed
and a fold. Values keep their own unit and every result is in that unit. A value that is not finite is refused
with ValueError: whoever has one decides what it means before it comes here.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from statistics import StatisticsError, correlation, fmean
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Convention = Literal["sample", "population"]
"""Which sum of squares a standard deviation divides: by n - 1 (sample) or by n (population)."""

CONFIDENCE = 0.95
"""Of every interval, and of what is called distinguishable."""

POWER = 0.80
"""The chance of seeing a difference as large as the minimum detectable one."""

PointT = TypeVar("PointT", bound=Hashable)
BlockT = TypeVar("BlockT", bound=Hashable)


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class Pooled:
    """The spread of a trial about its point and its block, on `df` (1 or more) degrees of freedom."""

    sd: float
    df: int


@dataclass(frozen=True)
class Difference:
    """The mean of `n` paired differences, its 95% interval, and how the two sides of the pairs go together.

    The bounds are None where nothing says how large the error is; the correlation is None where it would say
    nothing: fewer than three pairs, or a side without spread.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    correlation: float | None


@dataclass(frozen=True)
class Departure:
    """Our mean less a published one, and its 95% interval; the bounds are None where a spread is not known."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Unlike:
    """A point's own spread, blocks removed, and that of all the other points together."""

    own: float
    others: float


def spread(values: Sequence[float], convention: Convention = "sample") -> float | None:
    """The standard deviation of `values`, in their unit; None for fewer than two of them.

    Taken about the first value, so that equal values have a spread of exactly 0.
    """
    _refuse_not_finite(values)
    if len(values) < 2:
        return None
    shifted = [value - values[0] for value in values]
    centre = fmean(shifted)
    degrees = len(values) - 1 if convention == "sample" else len(values)
    return math.hypot(*(value - centre for value in shifted)) / math.sqrt(degrees)


def interval_over_seeds(values: Sequence[float]) -> Interval | None:
    """Where the mean over all seeds lies, with 95% confidence; None for fewer than two values.

    Student's t: mean ± t(.975, n - 1) · sample sd / √n. It speaks of other seeds, not of other people.
    """
    sd = spread(values)
    if sd is None:
        return None
    mean, half = fmean(values), _t(0.5 + CONFIDENCE / 2, len(values) - 1) * sd / math.sqrt(len(values))
    return Interval(mean - half, mean + half)


def pooled_spread(values: Mapping[PointT, Mapping[BlockT, float]]) -> Pooled | None:
    """The residual spread of value ~ point + block by least squares; None without degrees of freedom.

    The randomized block design without interaction (Montgomery, Design and Analysis of Experiments, ch. 4),
    with df = observations - rank, so that points may miss blocks.
    """
    fit = _fit(values)
    return Pooled(math.sqrt(fit.squares / fit.df), fit.df) if fit.df else None


def paired_difference(
    a: Mapping[BlockT, float], b: Mapping[BlockT, float], pooled: Pooled | None = None
) -> Difference | None:
    """a - b over the blocks that both have, with its 95% interval; None when they share none.

    The standard error is pooled.sd · √(2/n) on pooled.df degrees of freedom. Without `pooled` it is the
    differences' own (Student's paired t, n - 1 degrees of freedom), for which one pair is not enough.
    """
    _refuse_not_finite([*a.values(), *b.values()])
    common = [block for block in a if block in b]
    if not common:
        return None
    n = len(common)
    differences = [a[block] - b[block] for block in common]
    mean = fmean(differences)
    together = _correlation([a[block] for block in common], [b[block] for block in common])
    if pooled is None:
        own = interval_over_seeds(differences)
        return Difference(mean, own.low if own else None, own.high if own else None, n, together)
    half = _t(0.5 + CONFIDENCE / 2, pooled.df) * pooled.sd * math.sqrt(2 / n)
    return Difference(mean, mean - half, mean + half, n, together)


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
    _refuse_not_finite(values)
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
    half = _t(0.5 + CONFIDENCE / 2, df) * error
    return Departure(mean, mean - half, mean + half)


def minimum_detectable_difference(pooled: Pooled, n: int) -> float:
    """The true difference of two points of `n` blocks each that is seen four times in five, at the 5% level.

    (t(.975, df) + t(.80, df)) · sd · √(2/n): Bloom, Minimum Detectable Effects, Evaluation Review 19 (1995).
    """
    return (_t(0.5 + CONFIDENCE / 2, pooled.df) + _t(POWER, pooled.df)) * pooled.sd * math.sqrt(2 / n)


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
        margin = _studentized_range(len(taking_part), pooled.df) * pooled.sd / math.sqrt(behind.n)
        if (behind.mean if higher_is_better else -behind.mean) <= margin:
            alike.add(point)
    return frozenset(alike)


def unlike_the_others(values: Mapping[PointT, Mapping[BlockT, float]]) -> dict[PointT, Unlike]:
    """The points for which a spread pooled over all of them does not speak.

    Own and others' spread differ more than threefold, and by more than chance: with three seeds one point in
    ten falls below a third by luck alone. Chance is the variance ratio F at the 5% level, two-sided, divided
    by the number of points (Bonferroni). Block effects are taken off first, as a strong block is no fault of
    a point; the others' are what a fit without the point would give (Cook and Weisberg, Residuals and
    Influence in Regression, 1982, ch. 2, for the deletion of several rows).
    """
    from scipy import special

    fit = _fit(values)
    found = {}
    largest = max((abs(value) for blocks in values.values() for value in blocks.values()), default=0.0)
    rounding = (1e-12 * largest) ** 2
    for point, (squares, df) in _own_squares(fit).items():
        if df < 1 or fit.df - df < 1:
            continue
        own = squares / df
        others = max(fit.squares - squares, 0.0) / (fit.df - df)
        if others / 9 <= own <= 9 * others or max(own, others) <= rounding:
            continue
        ratio = own / others if others else math.inf
        tail = min(special.fdtr(df, fit.df - df, ratio), special.fdtrc(df, fit.df - df, ratio))
        if tail < (1 - CONFIDENCE) / 2 / len(values):
            found[point] = Unlike(math.sqrt(own), math.sqrt(others))
    return found


@dataclass(frozen=True)
class _Fit(Generic[PointT]):
    """A least-squares fit of value ~ point + block, whose rows stand point by point."""

    rows: Mapping[PointT, slice]
    design: NDArray[np.float64]
    residual: NDArray[np.float64]
    squares: float
    df: int


def _fit(values: Mapping[PointT, Mapping[BlockT, float]]) -> _Fit[PointT]:
    """Points are swept out before blocks are fitted (Frisch-Waugh-Lovell), so that many of them are cheap."""
    import numpy as np

    points = {point: blocks for point, blocks in values.items() if blocks}
    counts = np.array([len(blocks) for blocks in points.values()], dtype=int)
    ends = np.cumsum(counts).tolist()
    rows = {
        point: slice(end - len(blocks), end)
        for (point, blocks), end in zip(points.items(), ends, strict=True)
    }
    observed = np.array([value for blocks in points.values() for value in blocks.values()], dtype=float)
    _refuse_not_finite(observed.tolist())
    index = {
        block: number for number, block in enumerate(dict.fromkeys(chain.from_iterable(points.values())))
    }
    of_row = np.array([index[block] for blocks in points.values() for block in blocks], dtype=int)

    target = _centred(observed[:, None], counts)[:, 0]
    design = _centred(np.eye(len(index))[of_row], counts)
    effects, _, rank, _ = np.linalg.lstsq(design, target, rcond=1e-9)
    residual = target - design @ effects
    return _Fit(rows, design, residual, float(residual @ residual), len(observed) - len(points) - int(rank))


def _centred(columns: NDArray[np.float64], counts: NDArray[np.int_]) -> NDArray[np.float64]:
    """`columns` less the mean of each run of `counts` rows."""
    import numpy as np

    of_row = np.repeat(np.arange(len(counts)), counts)
    sums = np.zeros((len(counts), columns.shape[1]))
    np.add.at(sums, of_row, columns)
    centred: NDArray[np.float64] = columns - (sums / counts[:, None])[of_row]
    return centred


def _own_squares(fit: _Fit[PointT]) -> dict[PointT, tuple[float, int]]:
    """For each point, the residual sum of squares that its removal takes away, and its degrees of freedom."""
    import numpy as np

    inverse = np.linalg.pinv(fit.design.T @ fit.design, rcond=1e-9, hermitian=True)
    found = {}
    for point, rows in fit.rows.items():
        design, residual = fit.design[rows], fit.residual[rows]
        weights, axes = np.linalg.eigh(np.eye(len(residual)) - design @ inverse @ design.T)
        free = weights > 1e-9  # elsewhere the block effects follow this point alone
        squares = float(np.sum((axes[:, free].T @ residual) ** 2 / weights[free]))
        found[point] = (squares, int(np.sum(free)) - 1)
    return found


def _correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    if len(a) < 3:
        return None
    try:
        return correlation(a, b)
    except StatisticsError:  # a side without spread
        return None


def _t(probability: float, df: float) -> float:
    """The quantile of Student's t."""
    from scipy import special

    return float(special.stdtrit(df, probability))


@cache
def _studentized_range(points: int, df: int) -> float:
    """The 95% quantile; kept, because each costs a tenth of a second."""
    from scipy import stats

    return float(stats.studentized_range.ppf(CONFIDENCE, points, df))


def _refuse_not_finite(values: Iterable[float]) -> None:
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"statistics are of finite values, not of {value}")
