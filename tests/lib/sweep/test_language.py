"""The plan language: what it takes, and what it says to what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import InvalidSweep
from seedbed.sweep.language import LaptopStage, StagePlan, parse_seeds, read_part
from seedbed.sweep.yaml import load_yaml


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ({"gird": {}}, "p.gird: no such key; did you mean 'grid'?"),
        ({"grid": {"a": []}}, "p.grid.a: an axis needs at least one value"),
        ({"grid": {"a": [1, 1.0]}}, "p.grid.a: 1.0 is listed twice"),
        ({"grid": {"a": 3}}, "p.grid.a: found 3, expected"),
        ({"grid": {"a": [[1]]}}, "p.grid.a.0"),
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


@given(st.sets(st.integers(0, 40), min_size=1))
def test_seeds_are_read_back_as_they_were_written(seeds: set[int]) -> None:
    assert parse_seeds(",".join(map(str, sorted(seeds))), "p") == sorted(seeds)


def test_seeds_may_be_ranges() -> None:
    assert parse_seeds("0-2, 7,9-10", "p") == [0, 1, 2, 7, 9, 10]


@pytest.mark.parametrize("text", ["", "a", "3-1", "-1", "1-", "1.5", "0-2,1", "²"])
def test_seeds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidSweep, match="p: "):
        parse_seeds(text, "p")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (str(2**32), "p: found 4294967296 in '4294967296', expected seeds up to 4294967295"),
        ("0-18446744073709551616", "expected seeds up to 4294967295"),
        ("0-99999,1000000", "p: 100001 seeds in '0-99999,1000000', expected at most 100000"),
        ("7,3-9,3", "p: seed 3 is given twice"),
    ],
)
def test_seeds_have_bounds(text: str, complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        parse_seeds(text, "p")
    assert complaint in str(raised.value)


def test_many_seeds_are_read_at_once() -> None:
    assert parse_seeds("0-99998,4294967295", "p")[-2:] == [99_998, 2**32 - 1]


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
