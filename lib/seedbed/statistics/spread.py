"""Spreads: of one point's values, and of all points together with the blocks taken off."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from seedbed.statistics.quantiles import CONFIDENCE, student_t

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Convention = Literal["sample", "population"]
"""Which sum of squares a standard deviation divides: by n - 1 (sample) or by n (population)."""

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
class Unlike:
    """A point's own spread, blocks removed, and that of all the other points together."""

    own: float
    others: float


def spread(values: Sequence[float], convention: Convention = "sample") -> float | None:
    """The standard deviation of `values`, in their unit; None for fewer than two of them.

    Taken about the first value, so that equal values have a spread of exactly 0.
    """
    refuse_not_finite(values)
    if len(values) < 2:
        return None
    shifted = [value - values[0] for value in values]
    centre = fmean(shifted)
    degrees = len(values) - 1 if convention == "sample" else len(values)
    return math.hypot(*(value - centre for value in shifted)) / math.sqrt(degrees)


def interval_over_seeds(values: Sequence[float]) -> Interval | None:
    """Where the mean over all seeds lies, with 95% confidence; None for fewer than two values, or all alike.

    Student's t: mean ± t(.975, n - 1) · sample sd / √n. It speaks of other seeds, not of other people.
    """
    sd = spread(values)
    if sd is None or sd <= rounding_of(values):
        return None
    mean, half = fmean(values), student_t(0.5 + CONFIDENCE / 2, len(values) - 1) * sd / math.sqrt(len(values))
    return Interval(mean - half, mean + half)


def pooled_spread(values: Mapping[PointT, Mapping[BlockT, float]]) -> Pooled | None:
    """The residual spread of value ~ point + block by least squares; None without degrees of freedom.

    The randomized block design without interaction (Montgomery, Design and Analysis of Experiments, ch. 4),
    with df = observations - rank, so that points may miss blocks. Exactly 0 where points and blocks explain
    everything but rounding.
    """
    fit = _fit(values)
    if not fit.df:
        return None
    sd = math.sqrt(fit.squares / fit.df)
    return Pooled(0.0 if sd <= rounding_of(_flat(values)) else sd, fit.df)


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
    rounding = rounding_of(_flat(values)) ** 2
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


def rounding_of(values: Iterable[float]) -> float:
    """Up to so large a spread of values is nothing but rounding, and does not say how large an error is."""
    return 1e-12 * max(map(abs, values), default=0.0)


def mean_of_each(pairs: Iterable[tuple[BlockT, float]]) -> dict[BlockT, float]:
    """The mean of the values of each key: of a seed over its folds, of a unit over its seeds."""
    found: dict[BlockT, list[float]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: fmean(values) for key, values in found.items()}


def _flat(values: Mapping[PointT, Mapping[BlockT, float]]) -> Iterable[float]:
    return chain.from_iterable(blocks.values() for blocks in values.values())


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
    refuse_not_finite(observed.tolist())
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


def refuse_not_finite(values: Iterable[float]) -> None:
    """Raise ValueError for a value that no statistic can be made of."""
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"statistics are of finite values, not of {value}")
