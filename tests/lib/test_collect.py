"""From a planned stage and the results in the store to what a person reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seedbed.collect import StageTables, collect, refuse_unmade
from seedbed.errors import InvalidSweep
from seedbed.family import Metric, load_family
from seedbed.planning import plan_sweep
from seedbed.report import render_report
from seedbed.runs import open_run, read_run
from seedbed.store import Store, open_store
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep
from tests.lib.trials import run

OVER_FOLDS = {
    "config": {"role": "leader", "steps": 2},
    "grid": {"width": [2, 4]},
    "over": {"fold": [2, 3]},
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def collected(store: Store, make_sweep: MakeSweep, stages: dict[str, Any]) -> list[StageTables]:
    """The tables of a sweep that is planned, run here to its end, and read back from the store."""
    plan = plan_sweep(read_sweep(make_sweep(stages, seeds="0-1")))
    open_run(store, plan, "full")
    for trial in plan.trials:
        run(store, trial)
    opened = read_run(store, "toy-sweep", "full")
    assert opened is not None
    return collect(store, opened)


def layout(made: StageTables) -> tuple[list[str], tuple[Any, ...], tuple[str, ...], set[int]]:
    """Rows, columns, what is averaged over, and how many values a cell has."""
    (table,) = made.tables
    counts = {cell.n for row in table.rows for cell in row.cells if cell}
    return [row.label for row in table.rows], table.columns, table.replicates, counts


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, (["2", "4"], (None,), ("fold",), {4})),
        ({"columns": "fold"}, (["2", "4"], (2, 3), (), {2})),
        ({"rows": "fold"}, (["2", "3"], (2, 4), (), {2})),
        ({"rows": "width", "columns": "fold"}, (["2", "4"], (2, 3), (), {2})),
    ],
    ids=str,
)
def test_an_axis_that_is_run_over_is_averaged_unless_it_has_a_place_in_the_table(
    store: Store, make_sweep: MakeSweep, table: dict[str, str], expected: Any
) -> None:
    (made,) = collected(store, make_sweep, {"s": {**OVER_FOLDS, "table": table}})
    assert layout(made) == expected
    shown = "seed × fold" if made.tables[0].replicates else "seeds"
    assert f"mean ± sample sd over {shown}" in made.text()


def test_a_fold_in_the_columns_is_held_against_the_baseline_of_that_fold(
    store: Store, make_sweep: MakeSweep
) -> None:
    stages = {
        "alone": {**OVER_FOLDS, "grid": {}},
        "s": {
            **OVER_FOLDS,
            "depends": "alone",
            "grid": {"rate": [0.02]},
            "baseline": {"stage": "alone"},
            "table": {"columns": "fold"},
        },
    }
    _, made = collected(store, make_sweep, stages)
    ours, theirs = made.tables[0].rows
    assert (ours.label, theirs.label) == ("0.02", "alone")
    for mine, other in zip(ours.cells, theirs.cells, strict=True):
        assert mine is not None
        assert other is not None
        assert mine.difference is not None
        assert mine.axes["fold"] == other.axes["fold"]
        assert mine.difference.n == 2
        assert mine.difference.mean == pytest.approx((mine.mean or 0) - (other.mean or 0))


@pytest.mark.parametrize(("unit", "own"), [("%", 0.6205), ("", 62.05)])
def test_a_published_value_is_read_in_the_unit_that_is_printed(
    store: Store, make_sweep: MakeSweep, monkeypatch: pytest.MonkeyPatch, unit: Any, own: float
) -> None:
    monkeypatch.setitem(load_family("toy").metrics, "loss", Metric(unit=unit, better="lower"))
    values = [{"at": {"width": 2}, "mean": 62.05, "std": 0.5, "n": 3}]
    stage = {**OVER_FOLDS, "over": {}, "expect": {"source": "A table", "values": values}}
    (made,) = collected(store, make_sweep, {"s": stage})
    first, second = (row.cells[0] for row in made.tables[0].rows)
    assert first is not None
    assert first.published is not None
    assert second is not None
    assert second.published is None
    assert first.published.mean == own
    minus = first.published.minus
    assert minus is not None
    assert minus.low is not None
    assert minus.mean == pytest.approx((first.mean or 0) - own)
    shown = "62.0 ± 0.5" if unit else "62.050 ± 0.500"
    assert f"   {shown}  " in made.text()
    assert f"| {shown} (" in made.render("md")
    assert "published: A table (minus: ours less it, Welch 95%)\n" in made.text()


def test_what_was_planned_before_there_were_published_values_is_still_read(
    store: Store, make_sweep: MakeSweep
) -> None:
    collected(store, make_sweep, {"s": OVER_FOLDS})
    opened = read_run(store, "toy-sweep", "full")
    assert opened is not None
    key = f"{opened.folder}/s/plan.json"
    text = (store.read(key) or b"").decode()
    assert text.count(',\n "expect": null') == 1
    store.write(key, text.replace(',\n "expect": null', "").encode())
    assert collect(store, opened)[0].missing == 0


def test_a_plan_can_show_trials_mean_and_std_apart(store: Store, make_sweep: MakeSweep) -> None:
    stage = {**OVER_FOLDS, "over": {}, "table": {"show": ["trials", "mean", "std"]}}
    (made,) = collected(store, make_sweep, {"s": stage})
    assert "| width | Trial 1 | Trial 2 | Mean | Std |" in made.render("md")


def test_a_plan_from_before_columns_could_be_chosen_is_still_read(
    store: Store, make_sweep: MakeSweep
) -> None:
    collected(store, make_sweep, {"s": OVER_FOLDS})
    opened = read_run(store, "toy-sweep", "full")
    assert opened is not None
    key = f"{opened.folder}/s/plan.json"
    plain = json.loads(store.read(key) or b"")
    del plain["table"]["show"], plain["replicate"]
    store.write(key, json.dumps(plain).encode())
    assert collect(store, opened)[0].missing == 0


def test_a_stage_whose_table_cannot_be_made_leaves_the_others_theirs(
    store: Store, make_sweep: MakeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(load_family("toy").metrics, "unheard", Metric())
    stage = {**OVER_FOLDS, "over": {}, "grid": {"width": [2]}}
    stages = {
        "bad": {**stage, "table": {"cell": "val/unheard@best"}},
        "good": {**stage, "grid": {"width": [4]}},
    }
    bad, good = collected(store, make_sweep, stages)
    assert bad.text().startswith("no table: table.cell: no trial of bad has 'val/unheard@best'; ")
    assert (len(good.tables), good.complaint) == (1, "")
    assert (bad.missing, len(bad.render("csv").splitlines())) == (0, 1)
    refuse_unmade([good])
    with pytest.raises(InvalidSweep, match=r"no trial of bad has"):
        refuse_unmade([bad, good])
    run = read_run(store, "toy-sweep", "full")
    assert run is not None
    assert "no trial of bad has" in render_report(store, run, [bad, good])
