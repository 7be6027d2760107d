"""What a table says beside means over seeds: new units, pooled values, p-values, marks, settings that differ."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from seedbed.remarks import _more_than_the_axes
from seedbed.scores import SCORES
from seedbed.statistics import Block, difference_over_units, over_units
from seedbed.tables import (
    Baseline,
    Cell,
    Outcome,
    Scalar,
    Table,
    TableRequest,
    build_tables,
    latex,
    markdown,
    terminal,
)
from seedbed.tables import csv as as_csv
from seedbed.tables import json as as_json

(ACCURACY,) = SCORES["accuracy"]
METRIC = "test/accuracy@best"
RENDERERS = (terminal.render, markdown.render, latex.render)


def outcome(axes: dict[str, Scalar], seed: int, right: dict[str, tuple[int, int]], **changes: Any) -> Outcome:
    """A trial with so many of so many right for each unit, and the accuracy that this gives."""
    tallies = np.array(list(right.values()), dtype=float)
    block = Block(tuple(right), tallies)
    metrics = {METRIC: float(tallies[:, 0].sum() / tallies[:, 1].sum())}
    return Outcome(
        **{"axes": axes, "seed": seed, "status": "finished", "metrics": metrics, "block": block, **changes}
    )


def folds(axes: dict[str, Scalar], gain: int, people: int = 6) -> list[Outcome]:
    """Everybody left out once, over two seeds; person 0 has ten times as many samples. Odd gains are uneven."""
    uneven = gain % 2
    return [
        outcome(
            {**axes, "fold": fold},
            seed,
            {f"s{fold}": ((10 + gain + uneven * (-1) ** fold + fold + seed) * times, 20 * times)},
        )
        for fold in range(people)
        for seed in (0, 1)
        for times in ([10] if fold == 0 else [1])
    ]


def table(outcomes: list[Outcome], **asked: Any) -> Table:
    request = {
        "stage": "students",
        "metric": METRIC,
        "outcomes": outcomes,
        "score": ACCURACY,
        **asked,
    }
    (only,) = build_tables(TableRequest(**request))
    return only


def left_out(people: int = 6, **asked: Any) -> Table:
    students = [*folds({"alpha": 0.1}, 0, people), *folds({"alpha": 0.9}, 2, people)]
    scratch = Baseline("scratch", folds({}, 1, people))
    return table(students, rows="alpha", replicates=["fold"], baseline=scratch, unit="%", **asked)


def first(built: Table) -> Cell:
    return built.cells[0]


def test_leave_one_out_has_the_mean_over_folds_the_pooled_value_and_new_people_by_their_names() -> None:
    found = first(left_out())
    # Person f has 10 + f + seed of 20: .525, .575, … .775 over the seeds.
    assert found.mean == pytest.approx(0.65)
    by_hand = over_units({f"s{fold}": 0.525 + 0.05 * fold for fold in range(6)})
    assert found.over_units is not None
    assert by_hand is not None
    assert found.over_units.mean == pytest.approx(by_hand.mean)
    assert (found.over_units.low, found.over_units.high) == pytest.approx((by_hand.low, by_hand.high))
    seeds = [
        (10 * (10 + seed) + sum(10 + fold + seed for fold in range(1, 6))) / (200 + 5 * 20) for seed in (0, 1)
    ]
    assert found.pooled == pytest.approx(sum(seeds) / 2)
    assert found.seeds == 2
    assert found.difference_over_units is not None
    assert found.difference_over_units.mean == pytest.approx(-0.05)


def test_leave_one_out_leads_with_new_people_and_then_seeds() -> None:
    (header,) = [line for line in markdown.render([left_out()]).splitlines() if line.startswith("| alpha |")]
    assert header == (
        "| alpha | test accuracy @best | over 6 units | pooled | minus scratch, over 6 units "
        "| minus scratch, over seeds |"
    )
    text = terminal.render([left_out()])
    assert "65.0  [55.2, 74.8]" in text
    assert "over units: 95% for new ones" in " ".join(text.split())


def test_fewer_than_five_people_have_no_interval_and_no_column() -> None:
    built = left_out(people=4)
    assert first(built).over_units is not None
    assert first(built).over_units.low is None  # type: ignore[union-attr]
    text = terminal.render([built])
    assert "units" not in text
    assert "pooled   minus scratch, over seeds" in text


def test_several_columns_have_a_grid_for_each_kind_of_interval() -> None:
    students = [
        *folds({"alpha": 0.1, "teacher": "a"}, 0),
        *folds({"alpha": 0.9, "teacher": "a"}, 2),
        *folds({"alpha": 0.1, "teacher": "b"}, 1),
        *folds({"alpha": 0.9, "teacher": "b"}, 3),
    ]
    scratch = Baseline("scratch", folds({}, 1))
    built = table(students, rows="alpha", columns="teacher", replicates=["fold"], baseline=scratch, unit="%")
    titles = [
        line
        for line in terminal.render([built]).splitlines()
        if line.startswith(("over 6", "minus", "pooled"))
    ]
    assert titles == ["over 6 units", "pooled", "minus scratch, over 6 units", "minus scratch, over seeds"]


def test_points_tested_on_different_numbers_of_units_share_no_number() -> None:
    outcomes = [
        outcome({"data": f"{count}"}, 0, {f"s{at}": (at + 1, 10) for at in range(count)}) for count in (5, 7)
    ]
    (header,) = [
        line for line in markdown.render([table(outcomes, rows="data")]).splitlines() if "| data" in line
    ]
    assert header == "| data | test accuracy @best | over units |"


def test_one_trial_that_cannot_be_made_again_leaves_its_point_without_an_interval_over_units() -> None:
    outcomes = folds({"alpha": 0.1}, 0)
    outcomes[3] = Outcome(outcomes[3].axes, outcomes[3].seed, "finished", outcomes[3].metrics)
    built = table(outcomes, rows="alpha", replicates=["fold"])
    assert (first(built).over_units, first(built).pooled) == (None, None)
    assert first(built).n == 12


def test_a_seed_that_lacks_a_fold_does_not_count_as_one() -> None:
    outcomes = [*folds({}, 0)[:-1], Outcome({"fold": 5}, 1, "diverged")]
    found = first(table(outcomes, replicates=["fold"]))
    assert (found.n, found.planned, found.seeds, found.over_seeds) == (11, 12, 1, None)


def test_the_difference_over_units_is_that_of_all_seeds_and_folds_together() -> None:
    built = left_out()
    pairs = [
        (mine.block, other.block)
        for mine, other in zip(folds({}, 0), folds({}, 1), strict=True)
        if mine.block and other.block
    ]
    assert first(built).difference_over_units == difference_over_units(pairs, ACCURACY.value)


def seeds(axes: dict[str, Scalar], values: list[float], **changes: Any) -> list[Outcome]:
    return [Outcome(axes, seed, "finished", {METRIC: value}, **changes) for seed, value in enumerate(values)]


SIX = [0.50, 0.54, 0.52, 0.53, 0.49, 0.55]


def test_p_values_are_shown_from_six_pairs_on_for_all_comparisons_together() -> None:
    noise = [0.01, -0.01, 0.02, 0.0, 0.01, -0.02]
    students = [
        one
        for alpha, gain in {0.1: 0.0, 0.5: 0.03, 0.9: 0.09}.items()
        for one in seeds(
            {"alpha": alpha}, [a + b * (1 + alpha) + gain for a, b in zip(SIX, noise, strict=True)]
        )
    ]
    built = table(students, rows="alpha", baseline=Baseline("scratch", seeds({}, SIX)))
    raw = [cell.difference.p for cell in built.cells if cell.difference]
    shown = [cell.p_holm for cell in built.cells[:3]]
    assert shown == pytest.approx(list(multipletests(raw, method="holm")[1]))
    text = terminal.render([built])
    assert "p < 0.001" in text
    assert "for its 3 comparisons together (Holm)" in " ".join(text.split())
    assert all(
        "p < 0.001" in render([built]).replace(r"\textless{}", "<").replace("\\<", "<")
        for render in RENDERERS
    )
    five = table(seeds({}, SIX[:5]), baseline=Baseline("scratch", seeds({}, [0.4, 0.41, 0.43, 0.4, 0.42])))
    assert first(five).p_holm is None
    assert "Holm" not in terminal.render([five])


def test_figures_on_a_split_that_a_selection_used_are_marked_and_the_mark_is_explained() -> None:
    built = table(seeds({}, [0.5, 0.6, 0.7]), optimistic="val/accuracy picks the best step")
    assert first(built).flags == ["optimistic"]
    for render in RENDERERS:
        assert "o optimistic: val/accuracy picks the best step, on this very split" in render([built])
    assert "0.600 ± 0.100 (3/3) o" in markdown.render([built])
    assert r"(3/3)$^{o}$" in latex.render([built])


def test_winners_chosen_on_test_another_convention_and_other_numerics_are_marked() -> None:
    cpu, cuda = {"settings": {"numerics": "cpu 2.9"}}, {"settings": {"numerics": "cuda 2.9"}}
    outcomes = [*seeds({"alpha": 0.1}, [0.5, 0.6], **cpu), *seeds({"alpha": 0.5}, [0.5, 0.7], **cpu)]
    outcomes += seeds({"alpha": 0.9}, [0.5, 0.65], **cuda)
    built = table(outcomes, rows="alpha", std="population", replicate=True)
    assert [cell.flags for cell in built.cells] == [
        ["test-selected", "population"],
        ["test-selected", "population"],
        ["test-selected", "population", "numerics"],
    ]
    text = " ".join(terminal.render([built]).split())
    for said in ("t test-selected", "p its sd is over n", "n from another device or torch version than most"):
        assert said in text


def test_diverged_and_missing_seeds_have_marks_of_their_own() -> None:
    outcomes = [*seeds({}, [0.5]), Outcome({}, 1, "diverged"), Outcome({}, 2, "missing")]
    built = table(outcomes)
    assert first(built).flags == ["diverged", "missing"]
    assert first(table([*seeds({}, [0.5]), Outcome({}, 1, "diverged")])).flags == ["diverged"]
    (header, line) = csv.reader(io.StringIO(as_csv.render([built])))
    assert dict(zip(header, line, strict=True))["flags"] == "diverged missing"


def test_a_point_of_which_a_health_detector_spoke_is_marked() -> None:
    outcomes = [*seeds({"alpha": 0.1}, [0.5, 0.6]), *seeds({"alpha": 0.9}, [0.5, 0.6], unwell=True)]
    built = table(outcomes, rows="alpha")
    assert [cell.flags for cell in built.cells] == [[], ["health"]]
    assert "h a health detector fired" in terminal.render([built])


def test_trials_mean_and_std_stand_apart_where_the_plan_shows_them() -> None:
    outcomes = [
        *seeds({"alpha": 0.1}, [0.5, 0.6, 0.7]),
        *seeds({"alpha": 0.9}, [0.4, 0.5]),
        Outcome({"alpha": 0.9}, 2, "diverged", note="diverged at step 3"),
    ]
    lines = markdown.render([table(outcomes, rows="alpha", show=["trials", "mean", "std"])]).splitlines()
    assert "| alpha | Trial 1 | Trial 2 | Trial 3 | Mean | Std | notes |" in lines
    assert "| 0.1 | 0.500 | 0.600 | 0.700 | 0.600 (3/3) | 0.100 |  |" in lines
    assert "| 0.9 | 0.400 | 0.500 | diverged | 0.450 (2/3) d | 0.071 | 1 diverged at step 3 |" in lines
    assert "Trial 1, 2, …: seed 0, 1, 2" in lines
    only = markdown.render([table(outcomes, rows="alpha", show=["mean"])])
    assert "| alpha | Mean | notes |" in only
    assert "Trial" not in only


@pytest.mark.parametrize("shown", [["trials", "mean", "std"], ["std", "mean"]], ids=str)
def test_the_trivial_guess_stands_under_the_mean_wherever_that_stands(shown: list[str]) -> None:
    asked: dict[str, Any] = {"rows": "alpha", "show": shown, "trivial": {"majority": 0.25}}
    _, header, _, guess, *_ = terminal.render(
        [table(seeds({"alpha": 0.1}, [0.5, 0.6]), **asked)]
    ).splitlines()
    assert guess.startswith("majority ")
    assert guess.index("0.250") == header.index("Mean")


def test_several_columns_show_their_trials_in_grids_of_their_own() -> None:
    outcomes = [
        one for teacher in ("a", "b") for one in seeds({"alpha": 0.1, "teacher": teacher}, [0.5, 0.6])
    ]
    text = terminal.render([table(outcomes, rows="alpha", columns="teacher", show=["trials", "std"])])
    assert "\na\nalpha   Trial 1   Trial 2   Std\n0.1     0.500     0.600     0.071\n" in text
    assert "\nb\nalpha" in text


def compared(ours: list[dict[str, Scalar]], theirs: dict[str, Scalar]) -> list[str]:
    students = [
        one
        for settings in ours
        for one in seeds({"alpha.gaf": settings["alpha.gaf"]}, [0.5, 0.6], settings=settings)
    ]
    baseline = Baseline("scratch", seeds({}, [0.4, 0.6], settings=theirs))
    return list(_more_than_the_axes([table(students, rows="alpha.gaf", baseline=baseline)]))


def test_a_baseline_that_differs_in_the_axis_alone_is_not_remarked() -> None:
    points: list[dict[str, Scalar]] = [
        {"alpha.gaf": 0.1, "alpha.signal": 0.9, "code": "a"},
        {"alpha.gaf": 0.3, "alpha.signal": 0.7, "code": "a"},
    ]
    assert compared(points, {"alpha.gaf": 0.5, "alpha.signal": 0.5, "code": "a"}) == []


def test_settings_that_differ_from_the_baseline_beside_the_axis_are_remarked() -> None:
    points: list[dict[str, Scalar]] = [
        {"alpha.gaf": 0.1, "kd_weight": 0.7, "similarity": "None", "epochs": 8, "code": "new"},
        {"alpha.gaf": 0.3, "kd_weight": 0.7, "similarity": "None", "epochs": 8, "code": "old"},
    ]
    assert compared(points, {"epochs": 4, "code": "old"}) == [
        "Differs from scratch also in: epochs (8, there 4); what only one side has (kd_weight); some points also code."
    ]


def test_everything_new_is_in_the_json_unrounded() -> None:
    rendered = as_json.render([left_out(optimistic="because")])
    for name in ("over_units", "difference_over_units", "pooled", "p_holm", "flags", "differs", "optimistic"):
        assert f'"{name}"' in rendered
