"""From a sweep to its trials: identities, inputs, and refusals before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.config import read_config
from seedbed.errors import InvalidConfig, InvalidSweep
from seedbed.family import load_family
from seedbed.identity import canonical_json, trial_id
from seedbed.planning import PlannedTrial, SweepPlan, plan_sweep
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep

LEADERS = {"config": {"role": "leader"}, "grid": {"width": [2, 4], "rate": [0.01, 0.02]}}
FOLLOWERS = {
    "depends": "leaders",
    "config": {"role": "follower"},
    "grid": {"size": [2, 4]},
    "inputs": {"leader": {"stage": "leaders", "where": {"width": "{size}", "rate": 0.01}}},
}


def plan(make_sweep: MakeSweep, stages: dict[str, Any], seeds: str | None = None) -> SweepPlan:
    return plan_sweep(read_sweep(make_sweep(stages)), seeds)


def test_a_trial_builds_on_the_trial_with_its_own_seed(make_sweep: MakeSweep) -> None:
    planned = plan(make_sweep, {"leaders": LEADERS, "followers": FOLLOWERS})
    leaders = {trial.id: trial for trial in planned.stages["leaders"].trials}
    followers = planned.stages["followers"].trials
    assert len(leaders) == 12
    assert len(followers) == 6
    for trial in followers:
        source = leaders[trial.inputs["leader"][0].trial]
        assert (source.seed, source.axes["width"], source.axes["rate"]) == (
            trial.seed,
            trial.axes["size"],
            0.01,
        )


def test_a_pick_takes_one_seed_for_all(make_sweep: MakeSweep) -> None:
    picked = {**FOLLOWERS, "inputs": {"leader": {**FOLLOWERS["inputs"]["leader"], "pick": {"seed": 1}}}}  # type: ignore[index]
    planned = plan(make_sweep, {"leaders": LEADERS, "followers": picked})
    assert len({trial.inputs["leader"][0].trial for trial in planned.stages["followers"].trials}) == 2


def test_two_sweeps_share_their_trials_and_a_new_seed_adds_only_its_own(make_sweep: MakeSweep) -> None:
    first = {trial.id for trial in plan(make_sweep, {"leaders": LEADERS}).trials}
    other = {"leaders": {**LEADERS, "grid": {"rate": [0.02, 0.01], "width": [4, 8]}}}
    second = {trial.id for trial in plan(make_sweep, other).trials}
    assert len(first & second) == 6
    more = {trial.id for trial in plan(make_sweep, {"leaders": LEADERS}, "0-3").trials}
    assert first < more
    assert len(more - first) == 4


def test_a_default_written_out_is_the_same_trial(make_sweep: MakeSweep) -> None:
    short = plan(make_sweep, {"s": {"config": {"role": "leader"}}})
    long = plan(make_sweep, {"s": {"config": {"role": "leader", "width": 4, "rate": 0.01, "steps": 12}}})
    assert [trial.id for trial in short.trials] == [trial.id for trial in long.trials]


def test_a_planned_trial_is_read_back_from_its_plan(make_sweep: MakeSweep) -> None:
    for trial in plan(make_sweep, {"leaders": LEADERS, "followers": FOLLOWERS}).trials:
        assert PlannedTrial.from_json(trial.to_json()) == trial


CHANGES: list[dict[str, Any]] = [
    {"family": "other"},
    {"role": "other"},
    {"revision": 2},
    {"config": read_config(load_family("toy").config, {"role": "leader", "width": 5})},
    {"seed": 1},
    {"data": "other"},
    {"inputs": {"leader": [("a", "best")]}},
    {"inputs": {"leader": [("a", "last")]}},
    {"inputs": {"a": [("leader", "best")]}},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_everything_that_can_change_a_number_changes_the_identity(change: dict[str, Any]) -> None:
    config = read_config(load_family("toy").config, {"role": "leader"})
    about: dict[str, Any] = {
        "family": "toy", "role": "leader", "revision": 1, "config": config, "seed": 0, "data": "d", "inputs": {}
    }  # fmt: skip
    identities = {trial_id(**about), trial_id(**about | change)}
    identities |= {trial_id(**about | other) for other in CHANGES}
    assert len(identities) == len(CHANGES) + 1
    assert all(len(identity) == 16 for identity in identities)


@given(
    st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False))
)
def test_canonical_json_does_not_depend_on_order(value: dict[str, Any]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"grid": {}, "inputs": {"leader": {"stage": "leaders", "where": {"width": 2}}}},
            "leaves 2 points of leaders",
        ),
        ({"grid": {}, "inputs": {"leader": {"stage": "leaders", "where": {"width": 2}}}}, "say which rate"),
        (
            {"grid": {}, "inputs": {"leader": {"stage": "leaders", "where": {"width": 3}}}},
            "no point of leaders has 3; known: 2, 4",
        ),
        (
            {"grid": {}, "inputs": {"leader": {"stage": "leaders", "where": {"wdith": 2}}}},
            "did you mean 'width'?",
        ),
        (
            {"inputs": {"leader": {"stage": "laeders"}}},
            "inputs.leader.stage: no stage is called 'laeders'; did you",
        ),
        (
            {"depends": ""},
            "inputs.leader.stage: leaders must be an ancestor: name it in the depends of followers",
        ),
        (
            {"baseline": {"stage": "leaders", "where": {"width": 2}}},
            "baseline.where: leaves 2 points of leaders",
        ),
        ({"baseline": {"stage": "elsewhere"}}, "baseline.stage: no stage is called 'elsewhere'"),
        ({"seeds": "0-5"}, "stage leaders has no trial with seed 3; it has 0, 1, 2"),
        ({"seeds": "0-x"}, "[followers].plan.seeds: found '0-x', expected seeds such as"),
        ({"family": "toyy"}, "[followers].family: no family is called 'toyy'; did you mean 'toy'?"),
        (
            {"config": {"role": "follower", "width": 3}},
            "[followers].plan.config.width: has no effect in a trial that",
        ),
        (
            {"config": {"role": "follower", "rate": -1}},
            "[followers].plan.config.rate: input should be greater than 0",
        ),
        (
            {"grid": {"size": [2], "rate": ["fast"]}},
            "[followers].plan.grid.rate: expected a number, found the text",
        ),
        (
            {"table": {"rows": "sise"}},
            "[followers].plan.table.rows: the grid has no axis 'sise'; did you mean 'size'?",
        ),
        (
            {"table": {"rows": "size", "columns": "size"}},
            "plan.table.columns: size is the axis of the rows already",
        ),
        (
            {"table": {"cell": "test/lost@best"}},
            "plan.table.cell: no such metric: 'test/lost@best'; did you mean 'test/",
        ),
        ({"grid": {"size": [2, 4], "sized": [1]}}, "[followers].plan.grid.sized: no such setting"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_does(
    make_sweep: MakeSweep, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises((InvalidSweep, InvalidConfig)) as raised:
        plan(make_sweep, {"leaders": LEADERS, "followers": {**FOLLOWERS, **change}})
    assert complaint in str(raised.value)
    assert "toy-sweep.yaml: " in str(raised.value)
