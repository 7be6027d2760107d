"""The grid, crossed: nothing twice, nothing lost, and every refusal names its place."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import InvalidSweep
from seedbed.sweep.language import StagePlan
from seedbed.sweep.points import Point, expand, flatten, nest
from seedbed.sweep.reading import read_part

KNOWN = ("rate", "alpha", "network", "depth")
SCALARS = st.one_of(st.integers(-3, 3), st.sampled_from(["a", "b", "wrn16-1"]), st.floats(0.25, 4, width=16))
AXES = st.sampled_from(["rate", "alpha.gaf", "alpha.signal", "network", "depth", "teacher", "fold"])


def grid_of(plan: StagePlan) -> dict[str, Any]:
    (block,) = plan.blocks
    return block


def plan_of(**parts: Any) -> StagePlan:
    return read_part(StagePlan, parts, "plan")


@st.composite
def plans(draw: st.DrawFn) -> StagePlan:
    """Plans whose free axes are all used in an input's `where`."""
    names = draw(st.lists(AXES, unique=True, max_size=4))
    grid = {name: draw(st.lists(SCALARS, min_size=1, max_size=3, unique_by=float_or_text)) for name in names}
    where = {name: "{" + name + "}" for name in ("teacher", "fold") if name in names}
    return plan_of(grid=grid, inputs={"teacher": {"stage": "teachers", "where": where}})


def float_or_text(value: Any) -> Any:
    return value if isinstance(value, str) else float(value)


def spelled(point: Point) -> str:
    return json.dumps([point.settings, {k: v.model_dump() for k, v in point.inputs.items()}], sort_keys=True)


@given(plans())
def test_there_is_one_point_for_each_combination_and_none_twice(plan: StagePlan) -> None:
    points = expand(plan, KNOWN, "plan")
    combinations = [
        dict(zip(plan.axes, values, strict=True)) for values in itertools.product(*grid_of(plan).values())
    ]
    assert [point.axes for point in points] == combinations
    assert len({spelled(point) for point in points}) == len(points)


@given(plans(), st.randoms(use_true_random=False))
def test_the_order_of_axes_and_values_does_not_matter(plan: StagePlan, random: Any) -> None:
    names = plan.axes
    random.shuffle(names)
    shuffled = {name: random.sample(grid_of(plan)[name], len(grid_of(plan)[name])) for name in names}
    again = plan.model_copy(update={"grid": shuffled})
    assert sorted(map(spelled, expand(plan, KNOWN, ""))) == sorted(map(spelled, expand(again, KNOWN, "")))


@given(st.dictionaries(st.sampled_from(["a", "b", "c.d", "c.e", "f.g.h"]), SCALARS))
def test_nesting_undoes_flattening(flat: dict[str, Any]) -> None:
    assert flatten(nest(flat)) == flat


def test_a_setting_goes_into_the_settings_and_a_free_name_only_where_it_is_used() -> None:
    plan = plan_of(
        config={"network": "wrn16-1"},
        grid={"alpha.gaf": [0.1], "teacher": [3]},
        inputs={
            "gaf": {"stage": "teachers", "where": {"width": "{teacher}", "name": "wrn-{teacher}-{alpha.gaf}"}}
        },
    )
    (point,) = expand(plan, KNOWN, "plan")
    assert point.settings == {"network": "wrn16-1", "alpha": {"gaf": 0.1}}
    assert point.inputs["gaf"].where == {"width": 3, "name": "wrn-3-0.1"}


def test_blocks_are_joined_and_a_knob_can_stand_in_one_of_them() -> None:
    plan = plan_of(grid=[{"network": ["a"]}, {"network": ["b"], "depth": [1, 2]}])
    points = expand(plan, KNOWN, "plan")
    assert [(point.block, point.settings) for point in points] == [
        (0, {"network": "a"}),
        (1, {"network": "b", "depth": 1}),
        (1, {"network": "b", "depth": 2}),
    ]


LABELS = {
    "base": {"config": {"rate": 1.0}, "inputs": {"t": {"stage": "teachers", "where": {"x": "{fold}"}}}},
    "deep": {"from": "base", "config": {"depth": 3}},
    "slow": {"from": "deep", "config": {"rate": 0.5}},
}


def test_a_label_starts_from_the_settings_and_inputs_of_another_and_says_which() -> None:
    plan = plan_of(config={"rate": 2.0, "network": "a"}, grid={"variant": LABELS, "fold": [7]})
    base, deep, slow = expand(plan, KNOWN, "plan")
    assert base.settings == {"rate": 1.0, "network": "a"}
    assert deep.settings == {"rate": 1.0, "network": "a", "depth": 3}
    assert slow.settings == {"rate": 0.5, "network": "a", "depth": 3}
    assert [point.inputs["t"].where for point in (base, deep, slow)] == [{"x": 7}] * 3
    assert [point.parent for point in (base, deep, slow)] == [
        None,
        {"variant": "base", "fold": 7},
        {"variant": "deep", "fold": 7},
    ]


def test_every_point_runs_over_the_replicates() -> None:
    plan = plan_of(grid={"network": ["a", "b"]}, over={"depth": [1, 2]})
    assert [point.axes for point in expand(plan, KNOWN, "plan")] == [
        {"network": network, "depth": depth} for network in ("a", "b") for depth in (1, 2)
    ]


def test_each_point_of_another_stage_is_a_point_here() -> None:
    plan = plan_of(grid={"rate": [1]}, inputs={"t": {"stage": "teachers", "where": "each"}})
    there = {"teachers": [{"width": 1}, {"width": 2}]}
    points = expand(plan, KNOWN, "plan", there)
    assert [point.axes for point in points] == [{"rate": 1, "width": 1}, {"rate": 1, "width": 2}]
    assert [point.inputs["t"].where for point in points] == there["teachers"]


LABEL_NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(LABEL_NAMES, min_size=1, unique=True), st.randoms(use_true_random=False))
def test_labels_have_the_last_word_along_their_line(names: list[str], random: Any) -> None:
    labels: dict[str, Any] = {}
    for index, name in enumerate(names):
        origin = {"from": random.choice(names[:index])} if index else {}
        labels[name] = {"config": {"rate": index, f"alpha.{name}": 1}, **origin}
    shuffled = dict(random.sample(list(labels.items()), len(labels)))
    points = {point.axes["v"]: point for point in expand(plan_of(grid={"v": shuffled}), KNOWN, "plan")}
    for index, name in enumerate(names):
        line, at = {name}, name
        while "from" in labels[at]:
            at = labels[at]["from"]
            line.add(at)
        flat = flatten(points[name].settings)
        assert flat["rate"] == index
        assert {path.removeprefix("alpha.") for path in flat} - {"rate"} == line


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"grid": {"alhpa.gaf": [1]}}, "here.grid.alhpa.gaf: no such setting, and nothing in this plan uses"),
        ({"grid": {"alhpa.gaf": [1]}}, "did you mean 'alpha'?"),
        (
            {"grid": {"rate": [1]}, "inputs": {"a": {"stage": "s", "where": {"x": "{raet}"}}}},
            "here.inputs.a.where.x: {raet} names no axis of the grid; did you mean 'rate'?",
        ),
        ({"config": {"network": "{nothing}"}}, "here.config.network: {nothing} names no axis"),
        ({"config": {"rate": 1}, "grid": {"rate": [2]}}, "here.grid.rate: rate is set too"),
        (
            {"config": {"alpha": {"gaf": 1}}, "grid": {"alpha.gaf": [2]}},
            "here.grid.alpha.gaf: alpha.gaf is set too",
        ),
        ({"grid": [{"rate": [1]}, {"raet": [1]}]}, "here.grid[1].raet: no such setting"),
        (
            {"grid": {"rate": [1]}, "over": {"rate": [2]}},
            "here.over.rate: the axis rate stands at grid.rate too",
        ),
        ({"over": {"fold": [2]}}, "here.over.fold: no such setting"),
        ({"grid": {"v": {"a": {"config": {"rate": 1}}}, "rate": [2]}}, "here.grid.rate: rate is set too"),
        (
            {"grid": {"v": {"a": {"config": {"rate": 1}}}, "w": {"b": {"config": {"rate": 2}}}}},
            "here.grid.w.b: rate is set too",
        ),
        ({"grid": {"v": {"a": {"config": {"rate": "{x}"}}}}}, "here.grid.v.a.config.rate: {x} names no axis"),
        ({"grid": {"alpha": [1], "alpha.gaf": [2]}}, "here.grid.alpha.gaf: alpha is set too"),
    ],
)
def test_a_wrong_grid_is_refused_with_its_place(parts: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        expand(plan_of(**parts), KNOWN, "here")
    assert complaint in str(raised.value)
