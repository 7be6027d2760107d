"""The plan language: what it takes, and what it says to what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from seedbed.errors import InvalidSweep
from seedbed.sweep.language import LaptopStage, StagePlan, TablePlan
from seedbed.sweep.reading import read_part
from seedbed.sweep.yaml import load_yaml


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ({"gird": {}}, "p.gird: no such key; did you mean 'grid'?"),
        ({"grid": {"a": []}}, "p.grid.a: an axis needs at least one value"),
        ({"grid": {"a": [1, 1.0]}}, "p.grid.a: 1.0 is listed twice"),
        ({"grid": {"a": 3}}, "p.grid.a: found 3, expected"),
        (
            {"grid": {"a": [[1]]}},
            "p.grid.a.0: found [1], expected a number, text, true or false; several set",
        ),
        (
            {"grid": [{"a": [1, {"b": 2}]}]},
            "p.grid.0.a.1: found {'b': 2}, expected a number, text, true or false; several settings at once need "
            "a label: {<axis>: {<label>: {config:",
        ),
        (
            {"inputs": {"t": "s"}},
            "p.inputs.t: found 's', expected settings by name: stage, where, pick, weights",
        ),
        ({"baseline": "s"}, "p.baseline: found 's', expected settings by name: stage, where"),
        ({"table": {"rows": ["a"]}}, "p.table.rows: found ['a'], expected text"),
        ({"config": 3}, "p.config: found 3, expected settings by name"),
        ({"over": ["fold"]}, "p.over: found ['fold'], expected axes by name: {<axis>: [<value>, ...]}"),
        ({"grid": "fold"}, "p.grid: found 'fold', expected axes by name"),
        ({"seeds": 3}, 'p.seeds: found 3, expected seeds as text, such as "0-2" or "0,3"'),
        ({"seeds": [0, 1]}, "p.seeds: found [0, 1], expected seeds as text"),
        (
            {"inputs": {"t": {"stage": "s", "where": {"a": [1]}}}},
            "p.inputs.t.where.a: found [1], expected a number, text, true or false",
        ),
        ({"inputs": {"t": {"where": {}}}}, "p.inputs.t.stage: is required and not set"),
        (
            {"inputs": {"t": {"stage": "s", "wehre": {}}}},
            "p.inputs.t.wehre: no such key; did you mean 'where'?",
        ),
        (
            {"inputs": {"t": {"stage": "s", "pick": "median"}}},
            "p.inputs.t.pick: found 'median', expected 'same-seed'",
        ),
        ({"inputs": {"t": {"stage": "s", "pick": {"seed": -1}}}}, "p.inputs.t.pick.seed"),
        (
            {"inputs": {"t": {"stage": "s", "weights": "mean"}}},
            "p.inputs.t.weights: found 'mean', expected 'best' or",
        ),
        ({"grid": []}, "p.grid: a list of blocks needs at least one"),
        ({"grid": [{"a": [1]}, {"b": [2, 2]}]}, "p.grid.1.b: 2 is listed twice"),
        ({"grid": {"v": {"a": {"form": "b"}}}}, "p.grid.v.a.form: no such key; did you mean 'from'?"),
        ({"grid": {"v": {"a": {"from": "b"}}}}, "p.grid.v.a.from: no label is called 'b'; known: a"),
        ({"grid": {"v": {"a": {"from": "b"}, "b": {"from": "a"}}}}, "start from each other: a -> b -> a"),
        ({"grid": {"v": {"a": {"from": "a"}}}}, "p.grid.v.a.from: the labels start from each other: a -> a"),
        ({"over": {"fold": []}}, "p.over.fold: an axis needs at least one value"),
        ({"pack": "many"}, "p.pack: found 'many', expected"),
        ({"pack": 0}, "p.pack: found 0, expected greater than or equal to 1"),
        ({"expect": {"values": [{"mean": 1}]}}, "p.expect.source: is required and not set"),
        ({"expect": {"source": "a", "values": []}}, "p.expect.values: found []"),
        ({"expect": {"source": "a", "value": []}}, "p.expect.value: no such key; did you mean 'values'?"),
        ({"expect": {"source": "a", "values": [{}]}}, "p.expect.values.0.mean: is required and not set"),
        (
            {"expect": {"source": "a", "values": [{"maen": 1.0, "mean": 1.0}]}},
            "p.expect.values.0.maen: no such key; did you mean 'mean'?",
        ),
        (
            {"expect": {"source": "a", "values": [{"mean": 1.0, "std": -1.0}]}},
            "p.expect.values.0.std: found -1.0, expected greater than or equal to 0",
        ),
        (
            {"expect": {"source": "a", "values": [{"mean": 1.0, "std": 0.1, "n": 1}]}},
            "p.expect.values.0.n: one run has no std",
        ),
        ({"table": {"row": "a"}}, "p.table.row: no such key; did you mean 'rows'?"),
        ({"baseline": {"stgae": "a"}}, "p.baseline.stgae: no such key; did you mean 'stage'?"),
        ("grid", "p: expected settings by name, found 'grid'"),
    ],
)
def test_a_wrong_plan_is_refused_by_its_path(plan: Any, complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        read_part(StagePlan, plan, "p")
    assert complaint in str(raised.value)


def test_a_misspelt_key_of_the_laptop_form_is_refused() -> None:
    with pytest.raises(InvalidSweep, match=r"p\.onyl: no such key; did you mean 'only'\?"):
        read_part(LaptopStage, {"onyl": {}}, "p")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3", "x.yaml, line 3, column 1: a is given twice"),
        ("a: [1, 2", "x.yaml, line 1"),
        ("1: a", "x.yaml, line 1, column 1: the key 1 is not text"),
        ("a: !!python/object:os.system {}", "x.yaml, line 1"),
    ],
)
def test_yaml_that_is_wrong_is_refused_with_line_and_column(text: str, complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        load_yaml(text, "x.yaml")
    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    ("table", "places", "rows", "columns"),
    [
        ({}, [{"a": 1, "b": 1}, {"a": 1, "b": 2}], "a", "b"),
        ({}, [{"stage": "x", "b": 1}, {"stage": "y"}], "stage", None),
        ({}, [{"b": 1, "c": 1}, {"c": 2}], "c", None),
        ({}, [{"b": 1}, {"c": 1}], "b", None),
        ({"columns": "b"}, [{"stage": "x", "b": 1, "c": 1}, {"stage": "y", "c": 1}], "stage", "b"),
        ({"rows": "b"}, [{"a": 1, "b": 1, "fold": 1}, {"a": 1, "b": 2, "fold": 1}], "b", "a"),
    ],
)
def test_a_table_has_the_axes_down_and_across_that_all_points_have_where_the_plan_names_none(
    table: Any, places: Any, rows: str, columns: str | None
) -> None:
    layout = TablePlan(**table).layout(places, {"fold"})
    assert (layout.rows, layout.columns) == (rows, columns)
