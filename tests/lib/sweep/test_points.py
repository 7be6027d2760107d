"""The grid, crossed: nothing twice, nothing lost, and every refusal names its place."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import InvalidSweep
from seedbed.sweep.language import StagePlan, read_part
from seedbed.sweep.points import Point, expand, flatten, nest

KNOWN = ("rate", "alpha", "network", "depth")
SCALARS = st.one_of(st.integers(-3, 3), st.sampled_from(["a", "b", "wrn16-1"]), st.floats(0.25, 4, width=16))
AXES = st.sampled_from(["rate", "alpha.gaf", "alpha.signal", "network", "depth", "teacher", "fold"])


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
        dict(zip(plan.grid, values, strict=True)) for values in itertools.product(*plan.grid.values())
    ]
    assert [point.axes for point in points] == combinations
    assert len({spelled(point) for point in points}) == len(points)


@given(plans(), st.randoms(use_true_random=False))
def test_the_order_of_axes_and_values_does_not_matter(plan: StagePlan, random: Any) -> None:
    names = list(plan.grid)
    random.shuffle(names)
    shuffled = {name: random.sample(plan.grid[name], len(plan.grid[name])) for name in names}
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
        ({"grid": {"alpha": [1], "alpha.gaf": [2]}}, "here.grid.alpha.gaf: alpha is set too"),
    ],
)
def test_a_wrong_grid_is_refused_with_its_place(parts: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        expand(plan_of(**parts), KNOWN, "here")
    assert complaint in str(raised.value)
