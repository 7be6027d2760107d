"""Intervals over units: what another draw of subjects, books or identities would give.

The seeds of one unit are not new units: 27 values of 9 subjects × 3 seeds are 9 values. So a unit's seeds are
averaged first, or the unit is drawn with all of them at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import TYPE_CHECKING

from seedbed.statistics.quantiles import CONFIDENCE, normal, student_t
from seedbed.statistics.spread import refuse_not_finite, spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Value = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Tallies (..., K) to a metric (...)."""

FEWEST_UNITS = 5
"""For an interval. Fewer subjects, books or identities say next to nothing about new ones."""

RESAMPLES = 10_000
"""Draws of a bootstrap; a tenth of that where units are so many that both tails are well filled all the same."""


@dataclass(frozen=True)
class OverUnits:
    """A figure from `n` units, with a 95% interval for new units; no bounds for fewer than FEWEST_UNITS."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Block:
    """What one trial did, unit by unit: its tallies (U, K), which add up over samples and units."""

    units: tuple[str, ...]
    tallies: NDArray[np.float64]


def over_units(values: Mapping[str, float]) -> OverUnits | None:
    """The mean over units, each counting alike, with Student's t over them; None without a unit."""
    of_each = list(values.values())
    refuse_not_finite(of_each)
    if not of_each:
        return None
    mean, sd, n = fmean(of_each), spread(of_each), len(of_each)
    if sd is None or n < FEWEST_UNITS:
        return OverUnits(mean, None, None, n)
    half = student_t(0.5 + CONFIDENCE / 2, n - 1) * sd / math.sqrt(n)
    return OverUnits(mean, mean - half, mean + half, n)


def unit_values(blocks: Sequence[Block], value: Value) -> dict[str, float]:
    """The metric on each unit's own samples, averaged over the blocks (seeds) that have the unit."""
    found: dict[str, list[float]] = {}
    for block in blocks:
        for unit, one in zip(block.units, value(block.tallies).tolist(), strict=True):
            found.setdefault(unit, []).append(one)
    return {unit: fmean(several) for unit, several in found.items()}


def difference_over_units(pairs: Sequence[tuple[Block, Block]], value: Value) -> OverUnits | None:
    """Mean of a - b over pairs of blocks with the same units, with an interval by a paired cluster bootstrap.

    Units are drawn with replacement, 10,000 times, each with all of its samples and seeds; both sides of every
    pair get the same draw. The interval is the percentile one, expanded for few units: its tails are
    Φ(-√(n/(n-1)) · t(.975, n - 1)) instead of 2.5% (Hesterberg, What Teachers Should Know About the Bootstrap,
    The American Statistician 69, 2015, on the expanded percentile interval). None without pairs, and where the
    two sides were tested on different units.
    """
    if not pairs or any(a.units != b.units for a, b in pairs):
        return None
    units = list(dict.fromkeys(unit for a, _ in pairs for unit in a.units))
    (mean,) = _mean_differences(pairs, value, units, _everybody_once(len(units))).tolist()
    if len(units) < FEWEST_UNITS:
        return OverUnits(mean, None, None, len(units))
    import numpy as np

    drawn = _mean_differences(pairs, value, units, _draws(len(units)))
    tail = normal(-math.sqrt(len(units) / (len(units) - 1)) * student_t(0.5 + CONFIDENCE / 2, len(units) - 1))
    low, high = np.quantile(drawn, [tail, 1 - tail]).tolist()
    return OverUnits(mean, low, high, len(units))


def _mean_differences(
    pairs: Sequence[tuple[Block, Block]], value: Value, units: Sequence[str], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean of a - b for each row of `times` (draws, units): how often each unit is in it.

    A pair counts by how much of it is drawn: one that tests a single unit as often as that unit.
    """
    import numpy as np

    at = {unit: column for column, unit in enumerate(units)}
    sums, weights = np.zeros(len(times)), np.zeros(len(times))
    for a, b in pairs:
        here = times[:, [at[unit] for unit in a.units]]
        share = here.mean(axis=1)
        drawn = share > 0
        gained = value(here[drawn] @ a.tallies) - value(here[drawn] @ b.tallies)
        sums[drawn] += share[drawn] * gained
        weights += share
    return sums / weights


def _everybody_once(units: int) -> NDArray[np.float64]:
    import numpy as np

    return np.ones((1, units))


@lru_cache(maxsize=4)
def _draws(units: int) -> NDArray[np.float64]:
    """(draws, units): how often each unit is drawn; always the same draws, so that tables can be made again."""
    import numpy as np

    generator = np.random.default_rng(0)
    draws = RESAMPLES if units <= 500 else RESAMPLES // 10
    return generator.multinomial(units, np.full(units, 1 / units), size=draws).astype(float)
