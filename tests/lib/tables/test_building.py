"""From outcomes to tables: what is counted, pooled, compared, marked and refused."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from seedbed.errors import InvalidSweep
from seedbed.statistics import (
    Departure,
    Difference,
    departure,
    interval_over_seeds,
    paired_difference,
    pooled_spread,
    spread,
)
from seedbed.tables import (
    Baseline,
    Cell,
    Expected,
    Outcome,
    Published,
    Scalar,
    Table,
    TableRequest,
    build_tables,
)
from seedbed.tables import csv as as_csv
from seedbed.tables import json as as_json

METRIC = "test/accuracy@best"
LOW, MIDDLE, HIGH = [0.50, 0.52, 0.51], [0.60, 0.61, 0.63], [0.70, 0.72, 0.71]


def finished(axes: dict[str, Scalar], values: list[float], trial: str = "") -> list[Outcome]:
    return [
        Outcome(axes, seed, "finished", {METRIC: value}, trial=trial and f"{trial} {seed}")
        for seed, value in enumerate(values)
    ]


def tables(outcomes: list[Outcome], **asked: Any) -> list[Table]:
    return build_tables(
        TableRequest(**{"stage": "students", "metric": METRIC, "outcomes": outcomes, **asked})
    )


def table(outcomes: list[Outcome], **asked: Any) -> Table:
    (only,) = tables(outcomes, **asked)
    return only


def cells(built: Table) -> dict[str, Cell | None]:
    """The cells of the first column."""
    return {row.label: row.cells[0] for row in built.rows}


def cell(built: Table, label: str) -> Cell:
    found = cells(built)[label]
    assert found is not None
    return found


def marks(built: Table) -> dict[str, str]:
    return {label: found.mark for label, found in cells(built).items() if found}


def test_a_grid_without_axes_is_one_row_named_after_its_stage() -> None:
    built = table(finished({}, MIDDLE))
    (row,) = built.rows
    assert (row.label, built.columns, built.separate) == ("students", (None,), {})
    assert row.cells[0] is not None
    assert row.cells[0].values == {"0": 0.60, "1": 0.61, "2": 0.63}


def test_a_cell_holds_what_its_seeds_come_to() -> None:
    found = cell(table(finished({}, MIDDLE)), "students")
    assert (found.n, found.planned) == (3, 3)
    assert found.mean == fmean(MIDDLE)
    assert found.std == spread(MIDDLE)
    assert found.over_seeds == interval_over_seeds(MIDDLE)


def test_what_is_there_twice_counts_once() -> None:
    """A gathered table may hold the same trials in two stages."""
    once = [
        *finished({"stage": "b", "width": 4}, LOW, "x"),
        *finished({"stage": "b", "width": 8}, MIDDLE, "y"),
        *finished({"stage": "b", "width": 16}, [0.61, 0.62, 0.61], "z"),
    ]
    twice = [*finished({"stage": "a", "width": 4}, LOW, "x"), *once]
    asked: dict[str, Any] = {
        "rows": "width",
        "columns": "stage",
        "baseline": Baseline("zero", finished({}, HIGH)),
    }
    alone, both = table(once, **asked), table(twice, **asked)
    assert both.facts == alone.facts
    assert both.facts.pooled is not None
    first, *_ = both.rows
    assert first.cells[0] is not None
    assert first.cells[1] is not None
    assert first.cells[0].difference == first.cells[1].difference == cell(alone, "4").difference
    assert [row.cells[-1].mark for row in both.rows if row.cells[-1]] == [
        row.cells[0].mark for row in alone.rows if row.cells[0]
    ]


def test_a_point_that_shares_one_trial_with_its_baseline_is_compared_with_it() -> None:
    """The best teacher's student is that of one seed: the others differ."""
    own = finished({"stage": "own"}, LOW, "x")
    best = [own[0], *finished({"stage": "best"}, HIGH, "y")[1:]]
    best = [replace(one, axes={"stage": "best"}) for one in best]
    built = table(
        [*own, *best], rows="stage", baseline=Baseline("own", [replace(one, axes={}) for one in own])
    )
    assert cell(built, "own").difference is None
    found = cell(built, "best").difference
    assert found is not None
    assert found.mean == pytest.approx((0 + 0.2 + 0.2) / 3)
    assert len(built.rows) == 2


OVER = {"over": ["data"], "rows": "data", "columns": "kind"}


def test_no_data_set_wins_over_another() -> None:
    found = [
        outcome
        for data, kind, values in [
            ("easy", "a", HIGH),
            ("easy", "b", [0.75, 0.77, 0.76]),
            ("hard", "a", [0.20, 0.20, 0.22]),
            ("hard", "b", [0.21, 0.22, 0.20]),
        ]
        for outcome in finished({"data": data, "kind": kind}, values)
    ]
    built = table(found, **OVER)
    assert [[one.mark for one in row.cells if one] for row in built.rows] == [["", "best"], ["alike", "best"]]
    assert built.over == ("data",)
    assert table(found, over=["data"], rows="kind", replicates=["data"]).over == ()


def test_a_seed_that_lacks_a_fold_is_not_compared() -> None:
    folds = [("0", 0.1), ("1", 0.5)]

    def point(alpha: float, gains: list[float]) -> list[Outcome]:
        return [
            outcome
            for fold, base in folds
            for outcome in finished({"alpha": alpha, "fold": fold}, [base + gain for gain in gains])
        ]

    ours, zero = point(1.0, [0.03, 0.02, 0.04]), point(0.0, [0.0, 0.01, 0.02])
    asked: dict[str, Any] = {"rows": "alpha", "replicates": ["fold"], "over": ["fold"]}
    asked["baseline"] = Baseline("zero", [replace(one, axes={"fold": one.axes["fold"]}) for one in zero])

    def compared(outcomes: list[Outcome]) -> Difference | None:
        return cell(table(outcomes, **asked), "1.0").difference

    def without(lost: list[int]) -> list[Outcome]:
        return [
            replace(one, status="missing", metrics={}) if at in lost else one for at, one in enumerate(ours)
        ]

    whole, of_two, of_none = compared(ours), compared(without([3])), compared(without([3, 4, 5]))
    assert whole is not None
    assert whole.n == 3
    assert whole.mean == pytest.approx(0.02)
    assert of_two is not None
    assert of_two.n == 2
    assert of_two.mean == pytest.approx((0.01 + 0.02) / 2)
    assert of_two.low is not None
    assert of_none is not None
    assert of_none.mean == pytest.approx(0.02)
    assert (of_none.low, of_none.high) == (None, None)


def test_the_spread_follows_the_convention_asked_for() -> None:
    assert cell(table(finished({}, MIDDLE), std="population"), "students").std == spread(MIDDLE, "population")


def test_rows_and_columns_keep_the_order_in_which_they_first_occur() -> None:
    outcomes = [
        outcome
        for alpha, teacher in [(0.9, "b"), (0.1, "b"), (0.5, "a"), (0.9, "a")]
        for outcome in finished({"alpha": alpha, "teacher": teacher}, MIDDLE)
    ]
    built = table(outcomes, rows="alpha", columns="teacher")
    assert [row.label for row in built.rows] == ["0.9", "0.1", "0.5"]
    assert built.columns == ("b", "a")
    assert [[found is not None for found in row.cells] for row in built.rows] == [
        [True, True],
        [True, False],
        [False, True],
    ]


def test_an_axis_that_is_in_no_row_or_column_makes_tables_of_its_own_and_never_an_average() -> None:
    outcomes = [
        *finished({"alpha": 0.1, "augment": True}, LOW),
        *finished({"alpha": 0.1, "augment": False}, HIGH),
    ]
    first, second = tables(outcomes, rows="alpha")
    assert (first.separate, second.separate) == ({"augment": True}, {"augment": False})
    assert cell(first, "0.1").mean == fmean(LOW)
    assert cell(second, "0.1").mean == fmean(HIGH)


def test_an_axis_that_some_points_lack_stands_in_the_label_of_the_others_rows() -> None:
    outcomes = [
        *finished({"stage": "scratch", "network": "a"}, LOW),
        *finished({"stage": "scratch", "network": "b"}, LOW),
        *finished({"stage": "kd", "alpha": 0.1, "network": "a"}, MIDDLE),
        *finished({"stage": "kd", "alpha": 0.5, "network": "a"}, HIGH),
        *finished({"stage": "kd", "alpha": 0.5, "network": "b"}, MIDDLE),
    ]
    built = table(outcomes, rows="stage", columns="network")
    assert [row.label for row in built.rows] == ["scratch", "kd, alpha=0.1", "kd, alpha=0.5"]
    assert [[found and found.mean for found in row.cells] for row in built.rows] == [
        [fmean(LOW), fmean(LOW)],
        [fmean(MIDDLE), None],
        [fmean(HIGH), fmean(MIDDLE)],
    ]
    assert marks(built)["kd, alpha=0.5"] == "best"
    (*_, last) = csv.DictReader(io.StringIO(as_csv.render([built])))
    assert (last["stage"], last["network"], last["alpha"]) == ("kd", "b", "0.5")


def test_a_baselines_row_says_where_it_stands_on_such_an_axis() -> None:
    outcomes = [
        *finished({"stage": "kd", "alpha": 0.1}, MIDDLE),
        *finished({"stage": "kd", "alpha": 0.5}, HIGH),
        *finished({"stage": "alone"}, MIDDLE),
    ]
    built = table(outcomes, rows="stage", baseline=Baseline("other", finished({"alpha": 0.1}, LOW)))
    assert [row.label for row in built.rows] == [
        "kd, alpha=0.1",
        "kd, alpha=0.5",
        "alone",
        "other, alpha=0.1",
    ]
    assert [found.difference is not None for found in cells(built).values() if found] == [
        True,
        False,
        True,
        False,
    ]


def test_axes_that_no_two_points_share_make_one_table() -> None:
    built = table([*finished({"width": 2}, LOW), *finished({"rate": 0.1}, HIGH)], rows="width")
    assert [row.label for row in built.rows] == ["2", "rate=0.1"]


def test_the_pooled_spread_is_that_of_the_whole_stage_and_its_baseline_in_every_table() -> None:
    outcomes = [
        *finished({"alpha": 0.1, "augment": True}, LOW),
        *finished({"alpha": 0.1, "augment": False}, HIGH),
    ]
    scratch = Baseline("scratch", finished({}, MIDDLE))
    values = {
        name: dict(enumerate(seeds)) for name, seeds in {"low": LOW, "high": HIGH, "scratch": MIDDLE}.items()
    }
    for built in tables(outcomes, rows="alpha", baseline=scratch):
        assert built.facts.pooled == pooled_spread(values)
        assert built.facts.n == 3


def test_points_without_an_axis_stand_under_a_dash() -> None:
    built = table([*finished({"alpha": 0.1}, LOW), *finished({}, HIGH)], rows="alpha")
    assert list(cells(built)) == ["0.1", "–"]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (
            Outcome({}, 2, "diverged", note="diverged at step 120 (loss is nan)"),
            "diverged at step 120 (loss is nan)",
        ),
        (Outcome({}, 2, "missing", note="killed (exit 137)"), "missing: killed (exit 137)"),
        (Outcome({}, 2, "damaged"), "damaged"),
        (Outcome({}, 2, "finished", {METRIC: math.nan}), "missing: test accuracy @best is nan"),
        (Outcome({}, 2, "finished", {METRIC: math.inf}), "missing: test accuracy @best is inf"),
        (Outcome({}, 2, "finished", {}), "missing: test accuracy @best is not there"),
    ],
    ids=lambda value: value.status if isinstance(value, Outcome) else "",
)
def test_a_seed_without_a_value_is_counted_and_told(outcome: Outcome, reason: str) -> None:
    found = cell(table([*finished({}, LOW[:2]), outcome]), "students")
    assert (found.n, found.planned) == (2, 3)
    assert found.failures == {"2": reason}
    assert found.mean == fmean(LOW[:2])


def test_a_point_of_which_nothing_finished_has_a_cell_all_the_same() -> None:
    found = cell(table([Outcome({}, seed, "missing") for seed in range(3)]), "students")
    assert (found.n, found.planned, found.mean, found.std, found.over_seeds) == (0, 3, None, None, None)


def test_a_difference_is_paired_by_seed_with_the_pooled_spread() -> None:
    built = table(finished({}, MIDDLE), baseline=Baseline("scratch", finished({}, LOW)))
    expected = paired_difference(dict(enumerate(MIDDLE)), dict(enumerate(LOW)), built.facts.pooled)
    assert cell(built, "students").difference == expected
    assert cell(built, "scratch").difference is None


def test_one_seed_gives_differences_without_an_interval() -> None:
    built = table(finished({}, [0.6]), baseline=Baseline("scratch", finished({}, [0.5])))
    difference = cell(built, "students").difference
    assert difference is not None
    assert difference.mean == pytest.approx(0.1)
    assert difference.low is difference.high is None
    assert built.facts.pooled is None
    assert built.facts.detectable is None


def test_a_baseline_with_axes_stands_against_the_points_that_agree_with_it() -> None:
    outcomes = [
        outcome
        for alpha in (0.1, 0.9)
        for network, values in {"small": LOW, "large": HIGH}.items()
        for outcome in finished({"alpha": alpha, "network": network}, values)
    ]
    scratch = [*finished({"network": "small"}, MIDDLE), *finished({"network": "large"}, LOW)]
    built = table(outcomes, rows="alpha", columns="network", baseline=Baseline("scratch", scratch))
    assert [row.label for row in built.rows] == ["0.1", "0.9", "scratch"]
    assert [round(found.mean or 0, 2) for found in built.rows[2].cells if found] == [0.61, 0.51]
    differences = [found.difference for found in built.rows[0].cells if found]
    assert [round(difference.mean, 2) for difference in differences if difference] == [-0.1, 0.2]


def test_a_baseline_that_differs_by_row_has_a_row_for_each() -> None:
    outcomes = [*finished({"network": "small"}, LOW), *finished({"network": "large"}, HIGH)]
    scratch = [*finished({"network": "small"}, MIDDLE), *finished({"network": "large"}, LOW)]
    built = table(outcomes, rows="network", baseline=Baseline("scratch", scratch))
    assert list(cells(built)) == ["small", "large", "scratch, network=small", "scratch, network=large"]


def test_a_baseline_stands_only_in_the_tables_that_it_belongs_to() -> None:
    outcomes = [*finished({"network": "small"}, LOW), *finished({"network": "large"}, HIGH)]
    small, large = tables(outcomes, baseline=Baseline("scratch", finished({"network": "small"}, MIDDLE)))
    assert list(cells(small)) == ["students", "scratch"]
    assert list(cells(large)) == ["students"]
    assert cell(large, "students").difference is None


def test_a_baseline_that_is_a_point_of_the_stage_is_neither_told_nor_counted_twice() -> None:
    outcomes = [*finished({"alpha": 0.1}, LOW, "a"), *finished({"alpha": 0.9}, HIGH, "b")]
    alone = table(outcomes, rows="alpha")
    built = table(outcomes, rows="alpha", baseline=Baseline("alpha 0.1", finished({}, LOW, "a")))
    assert built.facts == alone.facts
    assert list(cells(built)) == ["0.1", "0.9"]
    assert cell(built, "0.1").difference is None
    difference = cell(built, "0.9").difference
    assert difference is not None
    assert difference.mean == pytest.approx(0.2)


def test_a_baseline_of_several_points_is_refused() -> None:
    scratch = [*finished({"width": 1}, LOW), *finished({"width": 2}, MIDDLE)]
    with pytest.raises(
        InvalidSweep, match="students stands against 2 points: scratch width=1; scratch width=2"
    ):
        tables(finished({}, HIGH), baseline=Baseline("scratch", scratch))


def test_the_best_is_marked_and_what_cannot_be_told_from_it() -> None:
    outcomes = [
        *finished({"alpha": 0.1}, HIGH),
        *finished({"alpha": 0.5}, [value - 0.005 for value in reversed(HIGH)]),
        *finished({"alpha": 0.9}, LOW),
    ]
    assert marks(table(outcomes, rows="alpha")) == {"0.1": "best", "0.5": "alike", "0.9": ""}
    assert marks(table(outcomes, rows="alpha", higher_is_better=False)) == {
        "0.1": "",
        "0.5": "",
        "0.9": "best",
    }


def test_a_baseline_can_be_the_best() -> None:
    built = table(finished({}, LOW), baseline=Baseline("scratch", finished({}, HIGH[::-1])))
    assert marks(built) == {"students": "", "scratch": "best"}


def test_a_tie_has_two_best() -> None:
    outcomes = [
        *finished({"alpha": 0.1}, HIGH),
        *finished({"alpha": 0.5}, HIGH),
        *finished({"alpha": 0.9}, LOW[::-1]),
    ]
    assert marks(table(outcomes, rows="alpha")) == {"0.1": "best", "0.5": "best", "0.9": ""}


@pytest.mark.parametrize("status", ["diverged", "missing", "damaged"])
def test_a_point_that_lacks_a_seed_cannot_be_best_though_it_is_not_called_worse(status: Any) -> None:
    outcomes = [
        *finished({"alpha": 0.1}, HIGH[:2]),
        Outcome({"alpha": 0.1}, 2, status),
        *finished({"alpha": 0.5}, MIDDLE),
        *finished({"alpha": 0.9}, LOW),
    ]
    assert marks(table(outcomes, rows="alpha")) == {"0.1": "alike", "0.5": "best", "0.9": ""}


def test_nothing_is_best_with_one_complete_point_or_without_a_spread() -> None:
    lacking = [*finished({"alpha": 0.9}, LOW[:2]), Outcome({"alpha": 0.9}, 2, "missing")]
    assert set(marks(table([*finished({"alpha": 0.1}, HIGH), *lacking], rows="alpha")).values()) == {""}
    one_seed = [*finished({"alpha": 0.1}, [0.7]), *finished({"alpha": 0.9}, [0.5])]
    assert set(marks(table(one_seed, rows="alpha")).values()) == {""}


def test_replicates_are_averaged_and_paired_with_the_seed() -> None:
    outcomes = [
        Outcome(
            {"alpha": alpha, "fold": fold}, seed, "finished", {METRIC: 0.5 + fold / 10 + seed / 100 + gain}
        )
        for alpha, gain in {0.1: 0.0, 0.9: 0.2}.items()
        for fold in (0, 1)
        for seed in (0, 1)
    ]
    scratch = [Outcome({"fold": fold}, seed, "finished", {METRIC: 0.4}) for fold in (0, 1) for seed in (0, 1)]
    built = table(outcomes, rows="alpha", replicates=["fold"], baseline=Baseline("scratch", scratch))
    found = cell(built, "0.1")
    assert (found.n, found.planned) == (4, 4)
    assert found.mean == pytest.approx(0.555)
    assert list(found.values) == ["0 fold=0", "1 fold=0", "0 fold=1", "1 fold=1"]
    assert found.seeds == 2, "a fold is not one more seed"
    assert found.over_seeds == interval_over_seeds([0.55, 0.56])
    difference = found.difference
    assert difference is not None
    assert difference.n == 2
    assert difference.mean == pytest.approx(0.155)
    assert built.facts.n == 2
    assert built.facts.pooled == pooled_spread(
        {"low": {0: 0.55, 1: 0.56}, "high": {0: 0.75, 1: 0.76}, "scratch": {0: 0.4, 1: 0.4}}
    )


def test_a_point_for_which_the_pooled_spread_does_not_speak_is_named() -> None:
    generator = [0.1, -0.2, 0.0, 0.3, -0.1, 0.2, -0.3]
    outcomes = [
        outcome
        for point in range(6)
        for outcome in finished(
            {"alpha": point}, [generator[(point * 3 + seed * seed) % 7] for seed in range(4)]
        )
    ]
    noisy = finished({"alpha": 99}, [10, -10, 10, -10])
    assert list(table([*outcomes, *noisy], rows="alpha").facts.unlike) == ["students alpha=99"]


def test_a_published_value_stands_at_its_point_with_ours_less_it() -> None:
    outcomes = [*finished({"alpha": 0.1}, MIDDLE), *finished({"alpha": 0.9}, HIGH)]
    expected = [Expected({"alpha": 0.9}, 0.5, 0.01, 4)]
    for std in ("sample", "population"):
        built = table(outcomes, rows="alpha", expected=expected, source="A table", std=std)
        assert built.source == "A table"
        assert cell(built, "0.1").published is None
        minus = departure(HIGH, 0.5, 0.01, 4, std)
        assert cell(built, "0.9").published == Published(0.5, 0.01, 4, minus)


def test_a_published_value_does_not_stand_beside_the_baseline() -> None:
    scratch = Baseline("scratch", finished({}, LOW))
    built = table(finished({}, MIDDLE), baseline=scratch, expected=[Expected({}, 0.5)])
    assert cell(built, "students").published is not None
    assert cell(built, "scratch").published is None


def test_a_published_value_is_there_before_ours_is() -> None:
    built = table([Outcome({}, 0, "missing")], expected=[Expected({}, 0.5)])
    assert cell(built, "students").published == Published(0.5, None, None, None)


def test_folds_are_not_taken_for_runs_when_ours_is_held_against_a_published_value() -> None:
    outcomes = [Outcome({"fold": fold}, 0, "finished", {METRIC: 0.5 + fold / 4}) for fold in (0, 1)]
    built = table(outcomes, replicates=["fold"], expected=[Expected({}, 0.5, 0.1, 2)])
    assert cell(built, "students").published == Published(0.5, 0.1, 2, Departure(0.125, None, None))


@pytest.mark.parametrize(
    ("largest", "unit", "decimals"),
    [(0.743, "%", 1), (0.743, "", 3), (74.3, "", 3), (0.00041, "", 6), (0.0, "", 3)],
)
def test_figures_are_rounded_by_unit_and_by_size(largest: float, unit: str, decimals: int) -> None:
    assert table(finished({}, [largest, largest]), unit=unit).decimals == decimals


def test_two_outcomes_of_one_point_and_seed_are_refused() -> None:
    with pytest.raises(ValueError, match=r"students alpha=0\.1: two outcomes of seed 0"):
        tables([*finished({"alpha": 0.1}, [0.5]), *finished({"alpha": 0.1}, [0.6])], rows="alpha")


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"rows": "alhpa"}, "students has no axis 'alhpa'; did you mean 'alpha'"),
        ({"columns": "teacher"}, "students has no axis 'teacher'"),
        ({"replicates": ["fold"]}, "students has no axis 'fold'"),
        ({"rows": "alpha", "columns": "alpha"}, "axis 'alpha' can be one of rows, columns and replicates"),
        (
            {"metric": "test/acuracy@best"},
            "no trial of students has 'test/acuracy@best'; did you mean 'test/accuracy",
        ),
    ],
)
def test_what_the_outcomes_do_not_have_is_refused_in_words(asked: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        tables(finished({"alpha": 0.1}, LOW), **asked)
    assert complaint in str(raised.value)


def test_a_stage_of_which_nothing_finished_is_not_blamed_for_its_metric() -> None:
    assert table([Outcome({}, 0, "missing")], metric="anything").facts.n == 0


def test_no_outcomes_are_no_tables() -> None:
    assert tables([], rows="alpha") == []


def test_the_same_outcomes_in_another_order_give_the_same_figures() -> None:
    outcomes = [*finished({"alpha": 0.1}, HIGH), *finished({"alpha": 0.9}, LOW)]
    there = json.loads(as_json.render([table(outcomes, rows="alpha")]))["tables"][0]["rows"]
    back = json.loads(as_json.render([table(outcomes[::-1], rows="alpha")]))["tables"][0]["rows"]
    assert [row["cells"] for row in there] == [row["cells"] for row in reversed(back)]


def test_tables_are_imported_without_waiting_for_scipy_or_torch() -> None:
    code = "import sys, seedbed.tables.terminal; print(*{'numpy', 'scipy', 'torch'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "\n"
    )
