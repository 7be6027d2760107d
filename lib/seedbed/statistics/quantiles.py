"""The levels that all statistics here share, and the few quantiles that they need."""

from __future__ import annotations

from functools import cache

CONFIDENCE = 0.95
"""Of every interval, and of what is called distinguishable."""

POWER = 0.80
"""The chance of seeing a difference as large as the minimum detectable one."""


def student_t(probability: float, df: float) -> float:
    """The quantile of Student's t."""
    from scipy import special

    return float(special.stdtrit(df, probability))


def two_sided(t: float, df: float) -> float:
    """How often Student's t is at least as far from zero as `t`."""
    from scipy import special

    return float(2 * special.stdtr(df, -abs(t)))


def normal(z: float) -> float:
    """How often a standard normal value is below `z`."""
    from scipy import special

    return float(special.ndtr(z))


@cache
def studentized_range(points: int, df: int) -> float:
    """The 95% quantile; kept, because each costs a tenth of a second."""
    from scipy import stats

    return float(stats.studentized_range.ppf(CONFIDENCE, points, df))
