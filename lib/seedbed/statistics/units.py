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

from seedbed.statistics.pairs import PairBlock
from seedbed.statistics.quantiles import CONFIDENCE, normal, student_t
from seedbed.statistics.spread import mean_of_each, refuse_not_finite, rounding_of, spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Value = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Tallies (..., K) to a metric (...)."""

FEWEST_UNITS = 5
"""For an interval. Fewer subjects, books or identities say next to nothing about new ones."""

RESAMPLES = 10_000
"""Draws of a bootstrap; a tenth of that where units are so many that both tails are well filled all the same."""

RESAMPLES_OF_PAIRS = 1_000
"""Draws where each costs as much as all pairs: the ends then move by a twentieth of the interval's half width."""

AT_ONCE = 4_000_000
"""Numbers that are held at once for the draws of pairs."""


@dataclass(frozen=True)
class OverUnits:
    """A figure from `n` units, with a 95% interval for new units.

    No bounds for fewer than FEWEST_UNITS, nor where all are alike: that says little of new ones, not everything.
    """

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Block:
    """What one trial did, unit by unit: its tallies (U, K), which add up over samples and units."""

    units: tuple[str, ...]
    tallies: NDArray[np.float64]

    def drawn(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """(D, K): the tallies of all units, for `times` (D, units): how often each unit is in a draw."""
        return times @ self.tallies


AnyBlock = Block | PairBlock


def over_units(values: Mapping[str, float]) -> OverUnits | None:
    """The mean over units, each counting alike, with Student's t over them; None without a unit."""
    of_each = list(values.values())
    refuse_not_finite(of_each)
    if not of_each:
        return None
    mean, sd, n = fmean(of_each), spread(of_each), len(of_each)
    if sd is None or n < FEWEST_UNITS or sd <= rounding_of(of_each):
        return OverUnits(mean, None, None, n)
    half = student_t(0.5 + CONFIDENCE / 2, n - 1) * sd / math.sqrt(n)
    return OverUnits(mean, mean - half, mean + half, n)


def unit_values(blocks: Sequence[Block], value: Value) -> dict[str, float]:
    """The metric on each unit's own samples, averaged over the blocks (seeds) that have the unit."""
    return mean_of_each(
        pair for block in blocks for pair in zip(block.units, value(block.tallies).tolist(), strict=True)
    )


def difference_over_units(pairs: Sequence[tuple[AnyBlock, AnyBlock]], value: Value) -> OverUnits | None:
    """Mean of a - b over pairs of blocks with the same units, with an interval by a paired cluster bootstrap.

    Both sides of every pair get the same draw. None without pairs, and where the two sides were tested on
    different units.
    """
    if any(a.units != b.units for a, b in pairs):
        return None
    return _bootstrap([_Term((a, b), lambda x, y: value(x) - value(y)) for a, b in pairs])


def drawn_over_units(blocks: Sequence[AnyBlock], value: Value) -> OverUnits | None:
    """The mean of a metric over blocks (seeds), with an interval by a cluster bootstrap; None without a block.

    For a metric that a unit does not have by itself, so that no mean over units can be made: equal error rate.
    """
    return _bootstrap([_Term((block,), value) for block in blocks])


@dataclass(frozen=True)
class _Term:
    """A figure of blocks that have the same units."""

    blocks: Sequence[AnyBlock]
    figure: Callable[..., NDArray[np.float64]]
    """Of the tallies of each block, in their order."""

    @property
    def units(self) -> tuple[str, ...]:
        return self.blocks[0].units

    @property
    def pairs(self) -> int:
        """Of how many pairs a draw consists; 0 where it is a sum over units."""
        return max(len(block.members) if isinstance(block, PairBlock) else 0 for block in self.blocks)

    def of(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """(D,): the figure, for how often each unit is drawn (D, units)."""
        import numpy as np

        step = max(1, AT_ONCE // self.pairs) if self.pairs else len(times)
        some = [times[first : first + step] for first in range(0, len(times), step)]
        return np.concatenate([self.figure(*(block.drawn(part) for block in self.blocks)) for part in some])


def _bootstrap(terms: Sequence[_Term]) -> OverUnits | None:
    """The mean of terms and its interval; None without a term.

    Units are drawn with replacement, 10,000 times, each with all of its samples and seeds. The interval is the
    percentile one, expanded for few units: its tails are Φ(-√(n/(n-1)) · t(.975, n - 1)) instead of 2.5%
    (Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015, on the
    expanded percentile interval). A draw in which the figure does not exist (no impostor pair) is left out.
    """
    if not terms:
        return None
    import numpy as np

    units = list(dict.fromkeys(unit for term in terms for unit in term.units))
    (mean,) = _means(terms, units, np.ones((1, len(units)))).tolist()
    if len(units) < FEWEST_UNITS:
        return OverUnits(mean, None, None, len(units))
    most = RESAMPLES_OF_PAIRS if any(term.pairs for term in terms) else RESAMPLES
    drawn = _means(terms, units, _draws(len(units))[:most])
    tail = normal(-math.sqrt(len(units) / (len(units) - 1)) * student_t(0.5 + CONFIDENCE / 2, len(units) - 1))
    low, high = np.quantile(drawn[np.isfinite(drawn)], [tail, 1 - tail]).tolist()
    if high - low <= rounding_of([mean, 1.0]):
        return OverUnits(mean, None, None, len(units))
    return OverUnits(mean, low, high, len(units))


def _means(terms: Sequence[_Term], units: Sequence[str], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over terms for each row of `times` (draws, units): how often each unit is in it.

    A term counts by how much of it is drawn: one that tests a single unit as often as that unit.
    """
    import numpy as np

    at = {unit: column for column, unit in enumerate(units)}
    sums, weights = np.zeros(len(times)), np.zeros(len(times))
    for term in terms:
        here = times[:, [at[unit] for unit in term.units]]
        share = here.mean(axis=1)
        drawn = share > 0
        sums[drawn] += share[drawn] * term.of(here[drawn])
        weights += share
    return sums / weights


@lru_cache(maxsize=4)
def _draws(units: int) -> NDArray[np.float64]:
    """(draws, units): how often each unit is drawn; always the same draws, so that tables can be made again."""
    import numpy as np

    generator = np.random.default_rng(0)
    draws = RESAMPLES if units <= 500 else RESAMPLES // 10
    return generator.multinomial(units, np.full(units, 1 / units), size=draws).astype(float)
