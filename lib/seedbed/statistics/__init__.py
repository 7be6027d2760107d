"""What a handful of seeds can say: spreads, intervals, paired differences, and what cannot be told apart.

Values stand as `{point: {block: value}}`. A block is what every point is run under alike: a seed, or a seed
and a fold. Values keep their own unit and every result is in that unit. A value that is not finite is refused
with ValueError: whoever has one decides what it means before it comes here.

Two intervals, each by its name: *over seeds* speaks of another run on these people, *over units* of new ones.
"""

from seedbed.statistics.difference import (
    FEWEST_PAIRS,
    Departure,
    Difference,
    departure,
    holm,
    minimum_detectable_difference,
    not_distinguishable_from_best,
    paired_difference,
)
from seedbed.statistics.pairs import PairBlock, pair_block
from seedbed.statistics.quantiles import CONFIDENCE, POWER
from seedbed.statistics.spread import (
    Convention,
    Interval,
    Pooled,
    Unlike,
    interval_over_seeds,
    mean_of_each,
    pooled_spread,
    spread,
    unlike_the_others,
)
from seedbed.statistics.units import (
    FEWEST_UNITS,
    AnyBlock,
    Block,
    OverUnits,
    difference_over_units,
    drawn_over_units,
    over_units,
    unit_values,
)

__all__ = [
    "CONFIDENCE",
    "FEWEST_PAIRS",
    "FEWEST_UNITS",
    "POWER",
    "AnyBlock",
    "Block",
    "Convention",
    "Departure",
    "Difference",
    "Interval",
    "OverUnits",
    "PairBlock",
    "Pooled",
    "Unlike",
    "departure",
    "difference_over_units",
    "drawn_over_units",
    "holm",
    "interval_over_seeds",
    "mean_of_each",
    "minimum_detectable_difference",
    "not_distinguishable_from_best",
    "over_units",
    "pair_block",
    "paired_difference",
    "pooled_spread",
    "spread",
    "unit_values",
    "unlike_the_others",
]
