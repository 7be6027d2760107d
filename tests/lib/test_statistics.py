"""Statistics of a handful of seeds: published rows, textbook data, scipy, invariants and simulated truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seedbed.statistics import (
    Departure,
    Pooled,
    departure,
    interval_over_seeds,
    minimum_detectable_difference,
    not_distinguishable_from_best,
    paired_difference,
    pooled_spread,
    spread,
    unlike_the_others,
)

Values = dict[str, dict[int, float]]

# Montgomery, Design and Analysis of Experiments, the vascular graft experiment: yield by extrusion pressure
# (points) and batch of resin (blocks).
VASCULAR_GRAFTS: Values = {
    "8500 psi": dict(enumerate([90.3, 89.2, 98.2, 93.9, 87.4, 97.9])),
    "8700 psi": dict(enumerate([92.5, 89.5, 90.6, 94.7, 87.0, 95.8])),
    "8900 psi": dict(enumerate([85.5, 90.8, 89.6, 86.2, 88.0, 93.4])),
    "9100 psi": dict(enumerate([82.5, 89.5, 85.6, 87.4, 78.9, 90.7])),
}

PUBLISHED = {  # runs, mean, population std (as published), sample std
    "GAF WRN16-1": ([63.0491, 63.3270, 62.9797], 63.1186, 0.1501, 0.1838),
    "GAF WRN16-3": ([64.0389, 63.9521, 63.9173], 63.9694, 0.0511, 0.0626),
    "GAF WRN28-1": ([63.2922, 64.0042, 63.3096], 63.5353, 0.3316, 0.4061),
    "GAF WRN28-3": ([64.1604, 64.8029, 65.3933], 64.7855, 0.5035, 0.6166),
    "T16-1 to S16-1": ([68.9703, 67.6680, 67.0429], 67.8937, 0.8029, 0.9833),
    "T16-3 to S16-1": ([68.2063, 67.7201, 68.3278], 68.0847, 0.2626, 0.3216),
    "T28-1 to S16-1": ([67.0082, 66.4004, 67.0603], 66.8230, 0.2996, 0.3669),
    "T28-3 to S16-1": ([67.5464, 66.4872, 67.7027], 67.2454, 0.5399, 0.6613),
}


def grid(generator: np.random.Generator, points: int, seeds: int, *, seed_sd: float = 5.0) -> Values:
    """Points that do not differ, whose seeds do, with a spread of 1."""
    effects = generator.normal(scale=seed_sd, size=seeds)
    noise = generator.normal(size=(points, seeds))
    return {f"point {i}": {j: float(effects[j] + noise[i, j]) for j in range(seeds)} for i in range(points)}


@st.composite
def grids_with_gaps(draw: st.DrawFn) -> Values:
    points, seeds = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    value = st.integers(-1000, 1000).map(lambda whole: whole / 8)
    return {
        f"point {i}": {j: draw(value) for j in range(seeds) if draw(st.integers(0, 3)) > 0}
        for i in range(points)
    }


def least_squares_with_a_dummy_for_everything(values: Values) -> tuple[float, int]:
    """Residual sum of squares and degrees of freedom, the long way."""
    observed = [(point, seed, value) for point, seeds in values.items() for seed, value in seeds.items()]
    names = sorted({point for point, _, _ in observed}) + sorted({str(seed) for _, seed, _ in observed})
    design = np.array(
        [[name in (point, str(seed)) for name in names] for point, seed, _ in observed], dtype=float
    )
    target = np.array([value for _, _, value in observed])
    fitted = design @ np.linalg.pinv(design) @ target
    return float(np.sum((target - fitted) ** 2)), len(observed) - int(np.linalg.matrix_rank(design))


@pytest.mark.parametrize("row", PUBLISHED)
def test_published_rows_are_recomputed_by_the_convention_that_they_used(row: str) -> None:
    runs, mean, population, sample = PUBLISHED[row]
    assert fmean(runs) == pytest.approx(mean, abs=1e-4)
    assert spread(runs, "population") == pytest.approx(population, abs=1e-4)
    assert spread(runs) == pytest.approx(sample, abs=1e-4)


@pytest.mark.parametrize(
    ("population", "printed"),
    [
        *[(0.3739, 0.0733), (0.1618, 0.0317), (0.4523, 0.0887), (0.4863, 0.0954)],  # alpha .3
        *[(0.6704, 0.1315), (0.4957, 0.0972), (0.4781, 0.0938), (0.4484, 0.0879)],  # alpha .5
    ],
)
def test_the_rows_logged_as_population_over_root_26_are_told_from_every_honest_convention(
    population: float, printed: float
) -> None:
    six_runs = [70 + population] * 3 + [70 - population] * 3
    assert spread(six_runs, "population") == pytest.approx(population)

    sd, sample = spread(six_runs, "population"), spread(six_runs)
    assert sd is not None
    assert sample is not None
    assert sd / math.sqrt(26) == pytest.approx(printed, abs=6e-5)
    assert all(abs(honest - printed) > 0.01 for honest in (sd, sample, sample / math.sqrt(6)))


def test_the_interval_of_a_published_row_is_as_wide_as_three_runs_leave_it() -> None:
    runs = PUBLISHED["T16-1 to S16-1"][0]
    interval = interval_over_seeds(runs)
    assert interval is not None
    assert (interval.high - interval.low) / 2 == pytest.approx(2.44, abs=0.005)
    expected = stats.t.interval(0.95, 2, loc=fmean(runs), scale=stats.sem(runs))
    assert (interval.low, interval.high) == pytest.approx(expected)


def test_one_value_has_neither_spread_nor_interval() -> None:
    assert spread([0.7]) is None
    assert spread([], "population") is None
    assert interval_over_seeds([0.7]) is None


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e300, -7.0])
def test_equal_values_have_a_spread_of_exactly_zero_which_makes_no_interval(value: float) -> None:
    assert spread([value] * 3) == 0
    assert interval_over_seeds([value] * 3) is None


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=f"finite values, not of {value}"):
        spread([1.0, value])
    with pytest.raises(ValueError, match="finite values"):
        pooled_spread({"a": {0: 1.0, 1: value}})
    with pytest.raises(ValueError, match="finite values"):
        paired_difference({0: value}, {0: 1.0})


def test_the_pooled_spread_of_the_vascular_grafts_is_the_textbooks() -> None:
    pooled = pooled_spread(VASCULAR_GRAFTS)
    assert pooled is not None
    assert pooled.df == 15
    assert pooled.sd**2 == pytest.approx(7.33, abs=0.005)


def test_the_spread_of_two_points_is_computed_as_by_hand() -> None:
    # a - b is -1, -2, 0: squares about the mean are 0 + 1 + 1, halved, on 2 degrees of freedom.
    pooled = pooled_spread({"a": {0: 1.0, 1: 2.0, 2: 6.0}, "b": {0: 2.0, 1: 4.0, 2: 6.0}})
    assert pooled is not None
    assert pooled.sd == pytest.approx(math.sqrt(0.5))
    assert pooled.df == 2


@given(grids_with_gaps())
def test_the_pooled_spread_is_that_of_least_squares_also_where_seeds_are_missing(values: Values) -> None:
    pooled = pooled_spread(values)
    if not any(values.values()):
        assert pooled is None
        return
    squares, df = least_squares_with_a_dummy_for_everything(values)
    assert (pooled.df if pooled else 0) == df
    assert (pooled.sd**2 * pooled.df if pooled else 0) == pytest.approx(squares, abs=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"a": {}},
        {"a": {0: 1.0}},
        {"a": {0: 1.0, 1: 2.0, 2: 4.0}},
        {"a": {0: 1.0}, "b": {0: 2.0}, "c": {0: 5.0}},
        {"a": {0: 1.0, 1: 2.0}, "b": {2: 2.0, 3: 5.0}},
    ],
    ids=["nothing", "no values", "one value", "one point", "one seed", "unpaired seeds"],
)
def test_where_no_degree_of_freedom_is_left_no_spread_is_invented(values: Values) -> None:
    assert pooled_spread(values) is None


@given(
    grids_with_gaps(), st.integers(-500, 500), st.sampled_from([-4.0, 0.5, 3.0]), st.permutations(range(4))
)
def test_the_pooled_spread_ignores_shifts_and_order_and_scales_with_the_values(
    values: Values, shift: int, scale: float, order: list[int]
) -> None:
    pooled = pooled_spread(values)
    moved = pooled_spread(
        {
            point: {seed: shift + scale * values[point][seed] for seed in order if seed in values[point]}
            for point in reversed(values)
        }
    )
    assert (moved and moved.df) == (pooled and pooled.df)
    if moved and pooled:
        assert moved.sd == pytest.approx(abs(scale) * pooled.sd, abs=1e-8)


@given(grids_with_gaps(), st.lists(st.integers(-100, 100), min_size=4, max_size=4))
def test_a_constant_added_to_a_seed_leaves_the_pooled_spread_as_it_was(
    values: Values, effects: list[int]
) -> None:
    pooled = pooled_spread(values)
    moved = pooled_spread(
        {
            point: {seed: value + effects[seed] for seed, value in seeds.items()}
            for point, seeds in values.items()
        }
    )
    assert (moved and moved.df) == (pooled and pooled.df)
    if moved and pooled:
        assert moved.sd == pytest.approx(pooled.sd, abs=1e-8)


def test_a_paired_difference_without_pooling_is_students() -> None:
    a, b = VASCULAR_GRAFTS["8500 psi"], VASCULAR_GRAFTS["9100 psi"]
    difference = paired_difference(a, b)
    assert difference is not None
    expected = stats.ttest_rel(list(a.values()), list(b.values())).confidence_interval(0.95)
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
    assert difference.mean == pytest.approx(7.05)
    assert difference.n == 6
    assert difference.correlation == pytest.approx(
        stats.pearsonr(list(a.values()), list(b.values())).statistic
    )


def test_pooling_over_two_points_alone_changes_nothing() -> None:
    a, b = VASCULAR_GRAFTS["8500 psi"], VASCULAR_GRAFTS["9100 psi"]
    alone, pooled = paired_difference(a, b), paired_difference(a, b, pooled_spread({"a": a, "b": b}))
    assert alone is not None
    assert pooled is not None
    assert (pooled.low, pooled.high) == pytest.approx((alone.low, alone.high))


def test_only_seeds_on_both_sides_are_paired() -> None:
    difference = paired_difference({0: 1.0, 1: 5.0, 2: 9.0}, {2: 8.0, 1: 2.0, 7: 100.0}, Pooled(1.0, 10))
    assert difference is not None
    assert (difference.mean, difference.n) == (2.0, 2)
    assert difference.high == pytest.approx(2.0 + stats.t.ppf(0.975, 10))
    assert paired_difference({0: 1.0}, {1: 1.0}, Pooled(1.0, 10)) is None


def test_one_pair_has_an_interval_only_when_the_spread_is_known_from_elsewhere() -> None:
    alone = paired_difference({0: 1.0}, {0: 3.0})
    assert alone is not None
    assert (alone.mean, alone.low, alone.high) == (-2.0, None, None)
    pooled = paired_difference({0: 1.0}, {0: 3.0}, Pooled(1.0, 4))
    assert pooled is not None
    assert pooled.high == pytest.approx(-2 + stats.t.ppf(0.975, 4) * math.sqrt(2))


@pytest.mark.parametrize(
    "a", [{0: 1.0, 1: 2.0}, {0: 1.0, 1: 1.0, 2: 1.0}], ids=["two pairs", "a constant side"]
)
def test_a_correlation_that_would_say_nothing_is_not_given(a: Mapping[int, float]) -> None:
    difference = paired_difference(a, {0: 3.0, 1: 5.0, 2: 4.0})
    assert difference is not None
    assert difference.correlation is None


@given(grids_with_gaps())
def test_a_difference_the_other_way_round_is_its_negative(values: Values) -> None:
    a, b = values["point 0"], values.get("point 1", {})
    there, back = paired_difference(a, b, Pooled(1.0, 3)), paired_difference(b, a, Pooled(1.0, 3))
    if there is None or back is None:
        assert there is back is None
        return
    assert there.low is not None
    assert back.high is not None
    assert (there.mean, there.low, there.n) == pytest.approx((-back.mean, -back.high, back.n), abs=1e-9)


def test_a_pooled_interval_holds_the_truth_nineteen_times_in_twenty() -> None:
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        values = grid(generator, points=4, seeds=3)
        difference = paired_difference(values["point 0"], values["point 1"], pooled_spread(values))
        assert difference is not None
        assert difference.low is not None
        assert difference.high is not None
        held += difference.low <= 0 <= difference.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_difference_as_large_as_the_minimum_detectable_one_is_seen_four_times_in_five() -> None:
    pooled, n = Pooled(0.9, 10), 3
    error = pooled.sd * math.sqrt(2 / n)
    detectable = minimum_detectable_difference(pooled, n)
    assert detectable == pytest.approx((2.2281 + 0.8791) * error, rel=1e-4)
    seen = stats.nct.sf(stats.t.ppf(0.975, pooled.df), pooled.df, detectable / error)
    assert seen == pytest.approx(0.80, abs=0.02)


def test_the_grafts_that_tukey_cannot_tell_from_the_best_are_named() -> None:
    pooled = pooled_spread(VASCULAR_GRAFTS)
    assert pooled is not None
    # q(.95, 4, 15) = 4.08: a margin of 4.51 for means of 92.8, 91.7, 88.9 and 85.8.
    assert not_distinguishable_from_best(VASCULAR_GRAFTS, "8500 psi", pooled) == {"8700 psi", "8900 psi"}
    assert not_distinguishable_from_best(VASCULAR_GRAFTS, "9100 psi", pooled, higher_is_better=False) == {
        "8900 psi"
    }


def test_points_without_a_value_do_not_widen_the_margin() -> None:
    values: Values = {**VASCULAR_GRAFTS, **{f"empty {i}": {} for i in range(1000)}}
    # With 1,004 points the margin would be 8.7 and the best not distinguishable from 9100 psi.
    assert not_distinguishable_from_best(values, "8500 psi", Pooled(2.7, 15)) == {"8700 psi", "8900 psi"}


def test_the_interval_against_a_published_value_is_welchs() -> None:
    ours, theirs = [0.743, 0.761, 0.729], [0.70, 0.71, 0.69, 0.74, 0.72]
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval()
    for convention, of in (("sample", stats.tstd), ("population", np.std)):
        found = departure(ours, fmean(theirs), float(of(theirs)), 5, convention)  # type: ignore[arg-type]
        assert found is not None
        assert found.mean == pytest.approx(fmean(ours) - fmean(theirs))
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("values", "std", "n"),
    [
        ([0.5, 0.75], None, None),
        ([0.5, 0.75], None, 3),
        ([0.5, 0.75], 0.1, None),
        ([0.5, 0.75], 0.1, 1),
        ([0.625], 0.1, 3),
        ([0.625, 0.625], 0.0, 3),
    ],
)
def test_where_a_spread_is_not_known_no_interval_is_invented(
    values: list[float], std: float | None, n: int | None
) -> None:
    assert departure(values, 0.5, std, n) == Departure(0.125, None, None)


def test_nothing_departs_without_a_value() -> None:
    assert departure([], 0.5, 0.1, 3) is None


def test_a_published_value_without_spread_is_held_against_our_own_spread() -> None:
    found, alone = departure([0.5, 0.6, 0.7], 0.0, 0.0, 3), interval_over_seeds([0.5, 0.6, 0.7])
    assert found is not None
    assert alone is not None
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))


def test_what_does_not_vary_but_for_rounding_gives_no_interval() -> None:
    points = {name: {seed: step + seed / 7 for seed in range(7)} for name, step in (("a", 0.1), ("b", 0.3))}
    pooled = pooled_spread(points)
    assert pooled == Pooled(0.0, 6)
    for spread_of_all in (pooled, None):
        found = paired_difference(points["b"], points["a"], spread_of_all)
        assert found is not None
        assert found.mean == pytest.approx(0.2)
        assert (found.low, found.high, found.p) == (None, None, None)


def test_a_tie_with_the_best_is_not_distinguishable_even_without_any_spread() -> None:
    values = {"a": {0: 0.1, 1: 0.3}, "b": {0: 0.1, 1: 0.3}, "c": {0: 0.0, 1: 0.2}}
    assert not_distinguishable_from_best(values, "a", Pooled(0.0, 2)) == {"b"}


def test_what_shares_no_seed_with_the_best_is_not_shown_to_be_worse() -> None:
    values = {"best": {0: 9.0, 1: 9.0}, "elsewhere": {2: 1.0}, "worse": {0: 1.0, 1: 1.0}, "nowhere": {}}
    assert not_distinguishable_from_best(values, "best", Pooled(0.1, 5)) == {"elsewhere"}


def test_among_equal_points_one_is_called_worse_than_the_best_one_time_in_twenty() -> None:
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(2000):
        values = grid(generator, points=5, seeds=3)
        pooled = pooled_spread(values)
        assert pooled is not None
        best = max(values, key=lambda point: fmean(values[point].values()))
        wrong += len(not_distinguishable_from_best(values, best, pooled)) < 4
    assert wrong / 2000 == pytest.approx(0.05, abs=0.015)


def test_a_point_much_noisier_than_the_others_is_named_with_both_spreads() -> None:
    values = grid(np.random.default_rng(2), points=6, seeds=4)
    others, df = least_squares_with_a_dummy_for_everything(values)
    values["noisy"] = {seed: values["point 0"][seed] + 20 * (-1) ** seed for seed in range(4)}
    (unlike,) = unlike_the_others(values).items()
    assert unlike[0] == "noisy"
    assert unlike[1].own > 15
    assert unlike[1].others == pytest.approx(math.sqrt(others / df))


def test_a_point_much_quieter_than_the_others_is_named() -> None:
    values = grid(np.random.default_rng(3), points=12, seeds=10, seed_sd=0.0)
    values["stuck"] = dict.fromkeys(range(10), 0.5)
    assert list(unlike_the_others(values)) == ["stuck"]


def test_seeds_that_move_all_points_alike_make_none_of_them_unlike() -> None:
    assert unlike_the_others(grid(np.random.default_rng(4), points=6, seeds=3, seed_sd=1000.0)) == {}


@pytest.mark.parametrize(
    "values", [{}, {"a": {0: 0.1, 1: 0.7}}, {"a": {0: 0.1, 1: 0.7}, "b": {0: 0.5, 1: 0.5}}]
)
def test_with_fewer_than_three_points_none_is_unlike(values: Values) -> None:
    assert unlike_the_others(values) == {}


@pytest.mark.parametrize("seed_effect", [0.0, 1 / 7])
def test_rounding_is_not_taken_for_a_spread(seed_effect: float) -> None:
    values = {f"point {i}": {seed: i / 3 + seed * seed_effect for seed in range(8)} for i in range(6)}
    assert unlike_the_others(values) == {}


def test_points_alike_are_called_unlike_one_time_in_twenty() -> None:
    generator = np.random.default_rng(5)
    wrong = sum(bool(unlike_the_others(grid(generator, points=5, seeds=3))) for _ in range(600))
    assert wrong / 600 <= 0.08
