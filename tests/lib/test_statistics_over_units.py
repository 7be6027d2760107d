"""New people instead of new seeds, and p-values: held against scipy, statsmodels, hand and simulated truth."""

from __future__ import annotations

import math
from statistics import fmean
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from seedbed.statistics import (
    FEWEST_PAIRS,
    Block,
    OverUnits,
    Pooled,
    difference_over_units,
    drawn_over_units,
    holm,
    over_units,
    paired_difference,
    unit_values,
)

sixty = settings(max_examples=60)


def ratio(tallies: np.ndarray) -> np.ndarray:
    """Right of all, as accuracy."""
    return np.asarray(tallies[..., 0] / tallies[..., 1])


def block(*right: tuple[float, float]) -> Block:
    """Units u0, u1, … with so many right of so many."""
    return Block(tuple(f"u{at}" for at in range(len(right))), np.array(right, dtype=float))


def one_each(values: list[float]) -> Block:
    """A block whose units all have one sample's weight and these values."""
    return block(*((value, 1) for value in values))


def test_the_interval_over_units_is_students_over_them() -> None:
    values = [0.71, 0.82, 0.65, 0.9, 0.77, 0.6, 0.81, 0.73, 0.69]
    found = over_units({f"u{at}": value for at, value in enumerate(values)})
    assert found is not None
    expected = stats.t.interval(0.95, 8, loc=fmean(values), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.n == 9


def test_fewer_than_five_units_have_a_mean_and_no_interval() -> None:
    assert over_units({"a": 0.5, "b": 0.7}) == OverUnits(0.6, None, None, 2)
    assert over_units({}) is None
    four = one_each([0.5, 0.6, 0.7, 0.8])
    assert difference_over_units([(four, four)], ratio) == OverUnits(0.0, None, None, 4)


def test_equal_units_say_nothing_of_how_far_new_ones_lie() -> None:
    assert over_units(dict.fromkeys("abcde", 0.5)) == OverUnits(0.5, None, None, 5)
    everything_right = one_each([1.0] * 7)
    assert drawn_over_units([everything_right], ratio) == OverUnits(1.0, None, None, 7)
    assert difference_over_units([(everything_right, everything_right)], ratio) == OverUnits(
        0.0, None, None, 7
    )


def test_a_units_seeds_are_averaged_before_anything_else() -> None:
    first, second = block((8, 10), (1, 2)), block((6, 10), (2, 2))
    assert unit_values([first, second], ratio) == pytest.approx({"u0": 0.7, "u1": 0.75})


def test_the_pooled_difference_counts_samples_and_folds_of_one_unit_count_units() -> None:
    a, b = block((9, 10), (20, 100)), block((8, 10), (10, 100))
    whole = difference_over_units([(a, b)], ratio)
    assert whole is not None
    assert whole.mean == pytest.approx((29 - 18) / 110)
    folds = [
        (
            Block(a.units[at : at + 1], a.tallies[at : at + 1]),
            Block(b.units[at : at + 1], b.tallies[at : at + 1]),
        )
        for at in (0, 1)
    ]
    apart = difference_over_units(folds, ratio)
    assert apart is not None
    assert apart.mean == pytest.approx((0.1 + 0.1) / 2)


def test_both_sides_get_the_same_draw_so_that_hard_people_do_not_count() -> None:
    generator = np.random.default_rng(0)
    people = generator.normal(0.6, 0.2, size=12)
    gains = np.tile([0.0499, 0.0501], 6)
    a, b = one_each(list(people + gains)), one_each(list(people))
    found = difference_over_units([(a, b)], ratio)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((0.05, 0.05, 0.05), abs=1e-4)


@pytest.mark.parametrize("n", [9, 30])
def test_the_bootstrap_is_scipys_percentile_interval_widened_for_few_units(n: int) -> None:
    gains = np.random.default_rng(n).normal(0.02, 0.1, size=n)
    found = difference_over_units([(one_each(list(gains)), one_each([0.0] * n))], ratio)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    tail = stats.norm.cdf(-math.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1))
    theirs = stats.bootstrap(
        (gains,), np.mean, method="percentile", confidence_level=1 - 2 * tail, n_resamples=20_000, rng=1
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx(tuple(theirs), abs=0.04 * gains.std())
    plain = stats.bootstrap(
        (gains,), np.mean, method="percentile", n_resamples=20_000, rng=1
    ).confidence_interval
    assert found.high - found.low > plain.high - plain.low


def test_the_same_blocks_give_the_same_interval_every_time() -> None:
    a, b = one_each([0.1, 0.5, 0.7, 0.2, 0.9]), one_each([0.2, 0.4, 0.5, 0.3, 0.7])
    assert difference_over_units([(a, b)], ratio) == difference_over_units([(a, b)], ratio)


def test_sides_tested_on_different_units_are_not_compared() -> None:
    assert difference_over_units([(one_each([1.0] * 5), one_each([1.0] * 6))], ratio) is None
    assert difference_over_units([], ratio) is None


@sixty
@given(st.lists(st.floats(0, 1), min_size=5, max_size=9), st.integers(1, 4))
def test_more_seeds_of_the_same_people_do_not_narrow_the_interval(values: list[float], seeds: int) -> None:
    pair = (one_each(values), one_each([0.5] * len(values)))
    once, often = difference_over_units([pair], ratio), difference_over_units([pair] * seeds, ratio)
    assert once is not None
    assert often is not None
    assert (often.low, often.high, often.n) == pytest.approx((once.low, once.high, once.n), abs=1e-9)


@sixty
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    with patch("gc.collect"):  # statsmodels calls it each time: half a second, where torch is loaded
        expected = multipletests(p_values, method="holm")[1] if p_values else []
    assert holm(p_values) == pytest.approx(list(expected))


def test_holm_is_as_computed_by_hand_with_ties() -> None:
    # Sorted .01 .02 .02 .2: times 4, 3, 2, 1 is .04 .06 .04 .2, and none below the one before.
    assert holm([0.2, 0.02, 0.01, 0.02]) == pytest.approx([0.2, 0.06, 0.04, 0.06])


def test_holm_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="finite values, not of nan"):
        holm([0.1, math.nan])


def test_from_six_pairs_on_the_p_value_is_scipys() -> None:
    a = dict(enumerate([0.71, 0.74, 0.69, 0.77, 0.73, 0.75]))
    b = dict(enumerate([0.70, 0.70, 0.68, 0.74, 0.73, 0.71]))
    found = paired_difference(a, b)
    assert found is not None
    assert found.p == pytest.approx(stats.ttest_rel(list(a.values()), list(b.values())).pvalue)
    assert len(a) == FEWEST_PAIRS


def test_the_p_value_and_the_interval_say_the_same() -> None:
    a, b = dict.fromkeys(range(8), 0.75), dict.fromkeys(range(8), 0.5)
    half = float(stats.t.ppf(0.975, 20)) * math.sqrt(2 / 8)
    for sd, seen in ((0.25 / half * 0.99, True), (0.25 / half * 1.01, False)):
        found = paired_difference(a, b, Pooled(sd, 20))
        assert found is not None
        assert found.p is not None
        assert found.low is not None
        assert (found.p < 0.05) is (found.low > 0) is seen


def test_five_pairs_or_no_spread_carry_no_p_value() -> None:
    five = paired_difference(dict(enumerate([1.0, 2, 3, 4, 6])), dict.fromkeys(range(5), 0.0))
    assert five is not None
    assert five.low is not None
    assert five.p is None
    alike = paired_difference(dict.fromkeys(range(6), 1.0), dict.fromkeys(range(6), 0.5))
    assert alike is not None
    assert alike.p is None
