"""The selection rule: what wins, what never does, and on what that does not depend."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import InvalidSweep
from seedbed.planning import PlannedTrial
from seedbed.planning.winners import NoWinner, Winner, choose
from seedbed.sweep.language import StagePlan
from seedbed.sweep.ordered import SelectPlan
from seedbed.sweep.reading import read_part

Values = dict[Any, list[float | None]]
"""By point, the metric of each seed; None for one that diverged."""

METRICS = st.floats(min_value=-1, max_value=1).map(lambda value: round(value, 3))
STUDIES = st.integers(2, 4).flatmap(
    lambda seeds: st.dictionaries(
        st.integers(0, 9), st.lists(METRICS, min_size=seeds, max_size=seeds), min_size=1, max_size=6
    )
)


def won(values: Values, incumbent: Any = None, order: int = 1, **select: Any) -> Winner:
    plan = SelectPlan.model_validate({"metric": "val/f1@best", **select})
    metrics = {
        (point, seed): {} if value is None else {"val/f1@best": value, "params@best": float(point)}
        for point, found in values.items()
        for seed, value in enumerate(found)
    }
    trials = [
        PlannedTrial(f"{point}-{seed}", "toy", "leader", 1, {}, seed, {"point": point}, "")
        for point, seed in list(metrics)[::order]
    ]
    incumbents = [] if incumbent is None else [{"point": incumbent}]
    chosen = choose(
        plan, True, trials, (), incumbents, lambda trial: metrics[trial.axes["point"], trial.seed]
    )
    assert chosen is not None
    (winner,) = chosen
    return winner


def mean(values: Values, point: Any) -> float:
    found = [value for value in values[point] if value is not None]
    return math.fsum(found) / len(found)


def test_a_point_must_beat_the_incumbent_by_more_than_a_standard_error() -> None:
    spread: Values = {0: [0.50, 0.60, 0.70], 1: [0.52, 0.61, 0.73]}
    assert won(spread, incumbent=0).axes == {"point": 1}
    noisy: Values = {0: [0.50, 0.60, 0.70], 1: [0.72, 0.61, 0.53]}
    kept = won(noisy, incumbent=0)
    assert kept.axes == {"point": 0}
    assert kept.reason == "no point beats the incumbent by more than one standard error"
    # residuals of point + seed: differences .22, .01, -.17 less their mean .02; sd = sqrt(sum(d²)/2/2)
    differences = [0.22 - 0.02, 0.01 - 0.02, -0.17 - 0.02]
    sd = math.sqrt(sum(one**2 for one in differences) / 2 / 2)
    assert kept.standard_error == pytest.approx(sd * math.sqrt(2 / 3))
    exactly: Values = {0: [0.0, 1.0, 0.0, 0.0], 1: [0.709, 1.0, 0.0, 0.0]}
    ahead = won(exactly, incumbent=0, rule="best")
    assert ahead.mean - mean(exactly, 0) == pytest.approx(ahead.standard_error)
    assert won(exactly, incumbent=0).axes == {"point": 0}
    assert won(noisy, incumbent=0, rule="best").axes == {"point": 1}
    assert won(noisy).axes == {"point": 1}  # without an incumbent, the best mean


@given(STUDIES, st.data())
def test_the_incumbent_never_loses_to_a_point_within_one_standard_error(values: Values, data: Any) -> None:
    incumbent = data.draw(st.sampled_from(sorted(values)))
    winner = won(values, incumbent)
    best = max(mean(values, point) for point in values)
    error = winner.standard_error or 0
    if winner.axes == {"point": incumbent}:
        assert best - mean(values, incumbent) <= error + 1e-8
    else:
        assert winner.mean == pytest.approx(best)
        assert best - mean(values, incumbent) > error - 1e-12


@given(STUDIES, st.data())
def test_the_winner_does_not_depend_on_the_order_of_seeds_or_trials(values: Values, data: Any) -> None:
    incumbent = data.draw(st.sampled_from(sorted(values)))
    order = data.draw(st.permutations(range(len(values[incumbent]))))
    shuffled: Values = {point: [found[seed] for seed in order] for point, found in values.items()}
    assert won(values, incumbent).axes == won(shuffled, incumbent).axes
    backwards = won(values, incumbent, order=-1)
    assert backwards.mean == won(values, incumbent).mean  # points with one mean: the one that comes first
    assert backwards.standard_error == pytest.approx(won(values, incumbent).standard_error)


@given(STUDIES, st.data())
def test_no_point_wins_that_lacks_a_seed_or_leaves_its_bounds(values: Values, data: Any) -> None:
    lacking = data.draw(st.sampled_from(sorted(values)))
    values = {**values, lacking: [None, *values[lacking][1:]]}
    able = [point for point in values if point != lacking and point <= 5]
    if not able:
        with pytest.raises(NoWinner, match="no point can win"):
            won(values, lacking, require={"params": {"max": 5}})
        return
    winner = won(values, lacking, require={"params": {"max": 5}})
    assert winner.axes["point"] in able
    assert winner.incumbent is None
    barred = {one.axes["point"]: one.barred for one in winner.contenders}
    assert barred[lacking] == f"1 of {len(values[lacking])} runs diverged"
    assert [point for point, why in barred.items() if not why] == [point for point in values if point in able]


def test_one_seed_a_point_has_no_standard_error_so_that_the_incumbent_stays() -> None:
    winner = won({0: [0.1], 1: [0.9]}, incumbent=0)
    assert (winner.axes, winner.standard_error) == ({"point": 0}, None)
    assert winner.reason == "one seed a point: no standard error, so that the incumbent stays"
    assert won({0: [0.1], 1: [0.9]}, incumbent=0, rule="best").axes == {"point": 1}


def test_the_folds_of_a_seed_are_no_runs_of_their_own() -> None:
    values = {(point, seed, fold): 0.3 * fold for point in (0, 1) for seed in range(3) for fold in range(4)}
    for seed, gain in enumerate((0.01, 0.02, 0.10)):
        values |= {(1, seed, fold): values[1, seed, fold] + gain for fold in range(4)}

    def chosen(seeds: int) -> Winner:
        trials = [
            PlannedTrial(str(run), "toy", "leader", 1, {}, run[1], {"point": run[0], "fold": run[2]}, "")
            for run in values
            if run[1] < seeds
        ]
        plan, metrics = (
            SelectPlan.model_validate({"metric": "val/f1@best"}),
            {str(run): values[run] for run in values},
        )
        found = choose(
            plan, True, trials, ["fold"], [{"point": 0}], lambda one: {"val/f1@best": metrics[one.id]}
        )
        assert found is not None
        return found[0]

    # Gains of .01, .02 and .10: their standard error is sd / √3.
    assert chosen(3).standard_error == pytest.approx(float(np.std([0.01, 0.02, 0.10], ddof=1)) / math.sqrt(3))
    assert chosen(1).reason.startswith("one seed a point: no standard error")


def test_the_lowest_wins_where_that_is_better() -> None:
    assert won({0: [0.1, 0.2], 1: [0.8, 0.9]}, mode="min").axes == {"point": 0}
    assert won({0: [0.1, 0.2], 1: [0.8, 0.9]}).axes == {"point": 1}


def test_a_winner_is_read_back_from_its_record() -> None:
    winner = won({0: [0.1, 0.2], 1: [None, 0.9]}, incumbent=0)
    assert Winner.from_json(winner.to_json()) == winner


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ({"select": {}}, "p.select.metric: is required and not set"),
        ({"select": {"metrik": "val/f1@best"}}, "p.select.metrik: no such key; did you mean 'metric'?"),
        ({"select": {"metric": "val/f1"}}, "p.select.metric: found 'val/f1', expected a validation metric with its"),
        ({"select": {"metric": "test/f1@best"}}, "only `replicate: true` selects on test"),
        ({"select": {"metric": "train/f1@best", "replicate": True}}, "expected a validation metric (val/…)"),
        ({"select": {"metric": "val/f1@best", "rule": "most"}}, "p.select.rule: found 'most', expected 'one-se' or"),
        ({"select": {"metric": "val/f1@best", "require": {"params": {"mx": 1}}}}, "mx: no such key; did you"),
        ({"select": {"metric": "val/f1@best", "require": {"params": {}}}}, "one of min and max is required"),
        ({"inherit": {"stag": "s"}}, "p.inherit.stag: no such key; did you mean 'stage'?"),
        ({"inherit": ["s", {"stage": "t", "wehre": {}}]}, "p.inherit.1.wehre: no such key; did you mean 'where'?"),
        ({"inherit": 3}, "p.inherit: found 3, expected"),
        ({"select": 3}, "p.select: found 3, expected settings by name"),
        ({"inherit": ["a", "b", "a"]}, "p.inherit: a is named twice"),
        ({"grid": []}, "p.grid: a list of blocks needs at least one"),
        ({"confirm": "s"}, "p.seeds: confirm needs seeds of its own"),
        ({"confirm": "s", "seeds": "5", "grid": {"a": [1]}}, "p.confirm: runs a chain again, so that grid would be in"),
        ({"gather": ["s"], "inherit": "s"}, "p.gather: trains nothing, so that inherit and select would be in vain"),
    ],
    ids=str,
)  # fmt: skip
def test_a_misuse_gets_one_clear_line(plan: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        read_part(StagePlan, plan, "p")
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)
