"""The rows that the notes published, made again from the runs they recorded; docs/published-rows.md tells of it."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from seedbed.errors import InvalidSweep
from seedbed.planning import plan_sweep
from seedbed.statistics import spread
from seedbed.sweep.workflow import read_sweep
from seedbed.tables import Expected, Outcome, Table, TableRequest, build_tables, markdown
from tests.conftest import MakeSweep

PAGE = Path(__file__).parents[3] / "docs" / "published-rows.md"
METRIC = "test/accuracy@best"

ROWS: dict[str, tuple[list[float], float, float]] = {  # runs, mean and std as the notes have them
    "GAF WRN16-1": ([63.0491, 63.3270, 62.9797], 63.1186, 0.1501),
    "GAF WRN16-3": ([64.0389, 63.9521, 63.9173], 63.9694, 0.0511),
    "GAF WRN28-1": ([63.2922, 64.0042, 63.3096], 63.5353, 0.3316),
    "GAF WRN28-3": ([64.1604, 64.8029, 65.3933], 64.7855, 0.5035),
    "T16-1 to S16-1": ([68.9703, 67.6680, 67.0429], 67.8937, 0.8029),
    "T16-3 to S16-1": ([68.2063, 67.7201, 68.3278], 68.0847, 0.2626),
    "T28-1 to S16-1": ([67.0082, 66.4004, 67.0603], 66.8230, 0.2996),
    "T28-3 to S16-1": ([67.5464, 66.4872, 67.7027], 67.2454, 0.5399),
}
TEST_WINDOWS = 5759

ALPHA_SWEEP: dict[
    str, list[tuple[float, float]]
] = {  # six runs each: population std, and what the log printed
    "0.3": [(0.3739, 0.0733), (0.1618, 0.0317), (0.4523, 0.0887), (0.4863, 0.0954)],
    "0.5": [(0.6704, 0.1315), (0.4957, 0.0972), (0.4781, 0.0938), (0.4484, 0.0879)],
}

SHARES = (
    "signal",
    "gaf",
    "mtf",
)  # the notes' third teacher sees persistence images; any third one shows the same
PRINTED = {  # of the three-teacher table: shares as printed, and as the logs have them
    "T1": [((0.6, 0.2, 0.2),) * 2, ((0.5, 0.3, 0.2),) * 2, ((0.5, 0.2, 0.3),) * 2, ((0.4, 0.3, 0.3),) * 2],
    "T2": [
        ((0.6, 0.2, 0.2), (0.3, 0.5, 0.2)),
        ((0.5, 0.3, 0.2), (0.2, 0.6, 0.2)),
        ((0.5, 0.2, 0.3), (0.3, 0.4, 0.3)),
        ((0.4, 0.3, 0.3), (0.2, 0.5, 0.3)),
    ],
    "T3": [
        ((0.6, 0.2, 0.2), (0.3, 0.2, 0.5)),
        ((0.5, 0.3, 0.2), (0.3, 0.3, 0.4)),
        ((0.5, 0.2, 0.3), (0.2, 0.3, 0.5)),
        ((0.4, 0.3, 0.3), (0.2, 0.2, 0.6)),
    ],
}


def conventions(runs: list[float]) -> dict[str, float]:
    """What a ± can mean, in the unit of the runs."""
    population, sample = spread(runs, "population"), spread(runs)
    assert population is not None
    assert sample is not None
    return {
        "population": population,
        "sample": sample,
        "standard error": sample / math.sqrt(len(runs)),
        "population / √26": population / math.sqrt(26),
    }


def recognised(printed: float, runs: list[float]) -> list[str]:
    """The conventions that a printed ± agrees with, to its four decimals."""
    return [name for name, value in conventions(runs).items() if abs(value - printed) < 1.01e-4]


def published(runs: dict[str, list[float]], std: Any = "population") -> Table:
    outcomes = [
        Outcome({"row": row}, seed, "finished", {METRIC: value / 100})
        for row, values in runs.items()
        for seed, value in enumerate(values)
    ]
    outcomes += [
        Outcome({"row": row}, seed, "missing")
        for row, values in runs.items()
        for seed in range(len(values), 3)
    ]
    (table,) = build_tables(
        TableRequest(
            stage="notes",
            outcomes=outcomes,
            metric=METRIC,
            rows="row",
            unit="%",
            std=std,
            show=["trials", "mean", "std"],
            expected=[Expected({"row": row}, ROWS[row][1] / 100, ROWS[row][2] / 100, 3) for row in runs],
            source="the study's notes",
        )
    )
    return table


def test_every_row_is_made_again_from_its_runs_by_the_population_convention() -> None:
    table = published({row: runs for row, (runs, _, _) in ROWS.items()})
    assert len(table.cells) == len(ROWS)
    for cell in table.cells:
        assert cell.published is not None
        assert cell.published.minus is not None
        assert cell.mean == pytest.approx(cell.published.mean, abs=1e-6)
        assert cell.std == pytest.approx(cell.published.std, abs=1e-6)
        assert cell.flags == ["population"]
        assert cell.published.minus.low is not None
        assert cell.published.minus.low < 0 < (cell.published.minus.high or 0)


def test_the_table_has_the_columns_of_the_notes() -> None:
    lines = markdown.render([published({row: runs for row, (runs, _, _) in ROWS.items()})]).splitlines()
    assert "| row | Trial 1 | Trial 2 | Trial 3 | Mean | Std | published (minus) |" in lines
    assert any(
        line.startswith("| T16-1 to S16-1 | 69.0 | 67.7 | 67.0 | 67.9 (3/3) \\~ p | 0.8 | 67.9 ± 0.8 (0.0 [")
        for line in lines
    )


@pytest.mark.parametrize("row", ROWS)
def test_no_row_follows_any_other_convention(row: str) -> None:
    runs, _, std = ROWS[row]
    assert recognised(std, runs) == ["population"]


def test_the_row_that_lacked_its_third_run_says_so_and_claims_nothing() -> None:
    runs = {"T28-3 to S16-1": [67.5464, 66.4872], "T28-1 to S16-1": ROWS["T28-1 to S16-1"][0]}
    short, whole = published(runs).cells
    assert (short.n, short.planned, list(short.flags)) == (2, 3, ["population", "missing"])
    assert short.mark != "best"
    assert whole.n == 3


def test_every_run_is_a_whole_number_of_the_same_test_windows() -> None:
    rounding = 0.00005 / 100 * TEST_WINDOWS
    for runs, _, _ in ROWS.values():
        for run in runs:
            right = run / 100 * TEST_WINDOWS
            assert right == pytest.approx(round(right), abs=1.01 * rounding)


@pytest.mark.parametrize(
    ("population", "printed"), [pair for pairs in ALPHA_SWEEP.values() for pair in pairs]
)
def test_the_rows_whose_spread_was_divided_by_the_root_of_26_are_recognised(
    population: float, printed: float
) -> None:
    six_runs = [70 + population] * 3 + [70 - population] * 3
    assert recognised(printed, six_runs) == ["population / √26"]
    assert recognised(population, six_runs) == ["population"]


def test_the_three_teacher_table_repeats_the_shares_of_its_first_block() -> None:
    blocks = {name: [printed for printed, _ in rows] for name, rows in PRINTED.items()}
    assert blocks["T2"] == blocks["T3"] == blocks["T1"]
    logged = [shares for rows in PRINTED.values() for _, shares in rows]
    assert len(set(logged)) == 12
    assert all(math.isclose(sum(shares), 1) for shares in logged)


@pytest.mark.parametrize("copied", [True, False], ids=["as printed", "as logged"])
def test_a_plan_with_copied_shares_is_refused_as_the_same_trials(make_sweep: MakeSweep, copied: bool) -> None:
    rows = [pair for pairs in PRINTED.values() for pair in pairs]
    labels = {
        f"{block} row {at % 4 + 1}": {
            "config": {"alpha": dict(zip(SHARES, pair[0 if copied else 1], strict=True))}
        }
        for at, (block, pair) in enumerate(
            (block, pair) for block, pairs in PRINTED.items() for pair in pairs
        )
    }
    assert len(labels) == len(rows) == 12
    sweep = make_sweep(
        {
            "teachers": {"config": {"role": "teacher"}, "grid": {"modality": list(SHARES)}},
            "students": {
                "depends": "teachers",
                "config": {"role": "student"},
                "grid": {"row": labels},
                "inputs": {name: {"stage": "teachers", "where": {"modality": name}} for name in SHARES},
            },
        },
        family="sensor_distillation",
        seeds="0",
    )
    if copied:
        with pytest.raises(
            InvalidSweep, match="row=T1 row 1 seed=0 and row=T2 row 1 seed=0 are the same trial"
        ):
            plan_sweep(read_sweep(sweep))
    else:
        assert len(plan_sweep(read_sweep(sweep)).stages["students"].trials) == 12


def test_the_page_tells_every_row_as_it_is_made_again() -> None:
    told = PAGE.read_text(encoding="utf-8")
    for row, (runs, mean, std) in ROWS.items():
        figures = [*(f"{run:.4f}" for run in runs), f"{mean:.4f}", f"{std:.4f}", f"{spread(runs):.4f}"]
        assert re.search(
            r"\| " + re.escape(row) + r" \| " + r" \| ".join(map(re.escape, figures)) + r" \|", told
        )
