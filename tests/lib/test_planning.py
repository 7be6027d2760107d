"""From a sweep to its trials: identities, inputs, and refusals before anything runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.config import read_config
from seedbed.errors import InvalidConfig, InvalidSweep
from seedbed.family import load_family
from seedbed.identity import canonical_json, trial_id
from seedbed.planning import PlannedTrial, SweepPlan, plan_sweep
from seedbed.sweep.laptop import in_form, with_seeds
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
    sweep = read_sweep(make_sweep(stages))
    return plan_sweep(sweep if seeds is None else with_seeds(sweep, seeds))


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
        (
            {"baseline": {"stage": "leaders", "where": {"width": "{wdith}"}}},
            "baseline.where.width: {wdith} names no axis of the grid; ",
        ),
        (
            {"baseline": {"where": {"rate": "{rate}"}}, "select": {"metric": "val/loss@best", "mode": "min"}},
            "baseline.where: a stage that selects has one point to beat, no {name}",
        ),
        (
            {"seeds": "0-5"},
            'stage leaders has no trial with seed 3; it has 0-2; let it run `seeds: "0-5"`, or take one of it '
            "with `pick: {seed: 0}`",
        ),
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
        (
            {"table": {"cell": "test/loss"}},
            "plan.table.cell: no such metric: 'test/loss'; did you mean 'test/loss@best'?",
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


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ([], "[followers].plan.inputs.leader: is required and not set"),
        (
            ["laeder"],
            "[followers].plan.inputs.laeder: a follower takes no such input; did you mean 'leader'?",
        ),
        (["leader", "begin"], "[followers].plan.inputs.begin: a follower takes no such input; known: leader"),
    ],
)
def test_a_role_that_names_its_inputs_has_these_and_no_others(
    make_sweep: MakeSweep, monkeypatch: pytest.MonkeyPatch, names: list[str], complaint: str
) -> None:
    roles = load_family("toy").roles
    monkeypatch.setitem(roles, "follower", replace(roles["follower"], inputs=("leader",)))

    def followers(names: list[str]) -> SweepPlan:
        inputs = {name: {"stage": "leaders", "where": {"width": 2, "rate": 0.01}} for name in names}
        own = {"depends": "leaders", "config": {"role": "follower"}, "inputs": inputs}
        return plan(make_sweep, {"leaders": LEADERS, "followers": own})

    assert len(followers(["leader"]).stages["followers"].trials) == 3
    with pytest.raises(InvalidConfig) as raised:
        followers(names)
    assert complaint in str(raised.value)


def test_a_stage_over_folds_joins_its_inputs_and_its_baseline_on_them(make_sweep: MakeSweep) -> None:
    folds = {"over": {"fold": [0, 1, 2, 3]}}
    stages = {
        "leaders": {"config": {"role": "leader"}, **folds},
        "followers": {
            "depends": "leaders",
            "config": {"role": "follower"},
            "grid": {"rate": [0.01, 0.02]},
            **folds,
            "inputs": {"leader": {"stage": "leaders"}},
            "baseline": {"stage": "leaders"},
        },
    }
    planned = plan(make_sweep, stages)
    leaders = {trial.id: trial for trial in planned.stages["leaders"].trials}
    followers = planned.stages["followers"]
    assert len(followers.trials) == 2 * 4 * 3
    for trial in followers.trials:
        assert leaders[trial.inputs["leader"][0].trial].axes["fold"] == trial.axes["fold"]
    assert sorted((trial.axes["fold"], trial.seed) for trial in planned.baselines["followers"].trials) == [
        (fold, seed) for fold in range(4) for seed in range(3)
    ]


def test_a_baseline_can_stand_at_the_same_place_as_each_point(make_sweep: MakeSweep) -> None:
    leaders = {"config": {"role": "leader"}, "grid": {"width": [2, 4]}}
    followers = {
        "depends": "leaders",
        "config": {"role": "follower"},
        "grid": {"size": [2, 4], "rate": [0.01, 0.02]},
        "inputs": {"leader": {"stage": "leaders", "where": {"width": "{size}"}}},
        "baseline": {"stage": "leaders", "where": {"width": "{size}"}},
    }
    baseline = plan(make_sweep, {"leaders": leaders, "followers": followers}).baselines["followers"]
    assert baseline.label == "leaders"
    assert {(trial.axes["size"], trial.config["width"]) for trial in baseline.trials} == {(2, 2), (4, 4)}
    assert len(baseline.trials) == 2 * 3


def test_points_that_go_on_from_each_of_another_stage_are_compared_with_where_they_come_from(
    make_sweep: MakeSweep,
) -> None:
    leaders = {"config": {"role": "leader"}, "grid": {"width": [2, 4]}}
    followers = {
        "depends": "leaders",
        "config": {"role": "follower"},
        "inputs": {"leader": {"stage": "leaders", "where": "each"}},
        "baseline": {"stage": "leaders", "where": {"width": "{width}"}},
    }
    planned = plan(make_sweep, {"leaders": leaders, "followers": followers})
    against = {(trial.axes["width"], trial.seed): trial.id for trial in planned.baselines["followers"].trials}
    for trial in planned.stages["followers"].trials:
        assert trial.inputs["leader"][0].trial == against[trial.axes["width"], trial.seed]


def test_an_axis_that_comes_along_does_not_pass_for_a_setting_that_differs(make_sweep: MakeSweep) -> None:
    def stages(rate: object) -> dict[str, Any]:
        inputs = {"leader": {"stage": "leaders", "where": "each"}}
        followers = {"depends": "leaders", "config": {"role": "follower", "rate": rate}, "inputs": inputs}
        return {
            "leaders": {"config": {"role": "leader"}, "grid": {"rate": [0.1, 0.2]}},
            "followers": followers,
        }

    told = 'inputs.leader.where: each stands at rate=0.2 of leaders and has rate=0.1 itself; say `rate: "{rate}"`'
    with pytest.raises(InvalidSweep) as raised:
        plan(make_sweep, stages(0.1))
    assert told in str(raised.value)
    same = plan(make_sweep, stages("{rate}")).stages["followers"]
    assert [trial.config["rate"] for trial in same.trials] == [0.1] * 3 + [0.2] * 3


def test_a_teacher_that_has_seen_the_test_unit_is_refused(make_sweep: MakeSweep) -> None:
    stages = {
        "leaders": {"config": {"role": "leader"}},
        "followers": {
            "depends": "leaders",
            "config": {"role": "follower"},
            "over": {"fold": [3, 0]},
            "inputs": {"leader": {"stage": "leaders"}},
        },
    }
    with pytest.raises(InvalidSweep) as raised:
        plan(make_sweep, stages)
    assert "[followers].plan.inputs.leader: leaks: a is in the test data here and in the train" in str(
        raised.value
    )


def test_each_point_of_a_stage_is_built_on(make_sweep: MakeSweep) -> None:
    stages = {
        "leaders": LEADERS,
        "followers": {
            "depends": "leaders",
            "config": {"role": "follower", "rate": "{rate}"},
            "inputs": {"leader": {"stage": "leaders", "where": "each", "weights": "last"}},
        },
    }
    planned = plan(make_sweep, stages)
    followers = planned.stages["followers"].trials
    assert [trial.axes for trial in followers] == [trial.axes for trial in planned.stages["leaders"].trials]
    assert {trial.inputs["leader"][0].weights for trial in followers} == {"last"}


def test_all_trials_of_a_point_can_be_built_on(make_sweep: MakeSweep) -> None:
    source = {"stage": "leaders", "where": {"width": 2, "rate": 0.01}, "pick": "all"}
    stages = {
        "leaders": LEADERS,
        "followers": {"depends": "leaders", "config": {"role": "follower"}, "inputs": {"leader": source}},
    }
    for trial in plan(make_sweep, stages).stages["followers"].trials:
        assert len(trial.inputs["leader"]) == 3


def best_of(make_sweep: MakeSweep, losses: dict[int, float | None]) -> SweepPlan:
    source = {"stage": "leaders", "pick": "best"}
    stages = {
        "leaders": {"config": {"role": "leader"}},
        "followers": {"depends": "leaders", "config": {"role": "follower"}, "inputs": {"leader": source}},
        "after": {
            "depends": "followers",
            "config": {"role": "follower"},
            "inputs": {"leader": {"stage": "followers"}},
        },
    }

    def metrics_of(trial: PlannedTrial) -> dict[str, float] | None:
        loss = losses.get(trial.seed)
        return None if loss is None else {"val/loss@best": loss, "test/loss@best": -loss} if loss else {}

    return plan_sweep(
        read_sweep(make_sweep(stages)), lambda trials, _: {one.id: metrics_of(one) for one in trials}
    )


def test_the_best_trial_is_known_when_all_of_its_siblings_have_results(make_sweep: MakeSweep) -> None:
    early = best_of(make_sweep, {0: 0.3, 1: 0.2})
    assert [stage.late for stage in early.stages.values()] == [False, True, True]
    assert [stage.at_most for stage in early.stages.values()] == [3, 3, 3]
    assert len(early.trials) == 3
    known = best_of(make_sweep, {0: 0.3, 1: 0.2, 2: 0.2})
    leaders = {trial.id: trial.seed for trial in known.stages["leaders"].trials}
    followers = known.stages["followers"].trials
    assert {leaders[trial.inputs["leader"][0].trial] for trial in followers} == {1}
    assert len(known.trials) == 9


def test_a_diverged_trial_is_never_the_best(make_sweep: MakeSweep) -> None:
    planned = best_of(make_sweep, {0: 0.0, 1: 0.4, 2: 0.3})  # 0: no metrics
    leaders = {trial.id: trial.seed for trial in planned.stages["leaders"].trials}
    assert {leaders[trial.inputs["leader"][0].trial] for trial in planned.stages["followers"].trials} == {2}
    none = best_of(make_sweep, {0: 0.0, 1: 0.0, 2: 0.0})
    assert "[followers].plan.inputs: pick: best: every trial of" in none.stages["followers"].hopeless
    assert [stage.late for stage in none.stages.values()] == [False, True, True]


def test_stages_are_gathered_into_one(make_sweep: MakeSweep) -> None:
    stages: dict[str, dict[str, Any]] = {
        "leaders": LEADERS,
        "followers": FOLLOWERS,
        "together": {"depends": "followers", "gather": ["leaders", "followers"]},
    }
    planned = plan(make_sweep, stages)
    together = planned.stages["together"]
    assert len(together.points) == 6
    assert {point.axes["stage"] for point in together.points} == {"leaders", "followers"}
    assert len(planned.trials) == 18
    with pytest.raises(InvalidSweep, match="gather: trains nothing"):
        plan(make_sweep, {**stages, "together": {**stages["together"], "config": {"rate": 1}}})
    with pytest.raises(InvalidSweep, match="gather: leaders must be an ancestor"):
        plan(make_sweep, {**stages, "together": {"gather": ["leaders"]}})


def test_what_was_gathered_can_be_gathered_again_and_stands_there_once(make_sweep: MakeSweep) -> None:
    both = {"depends": "followers", "gather": ["leaders", "followers"]}
    stages: dict[str, dict[str, Any]] = {
        "leaders": LEADERS,
        "followers": FOLLOWERS,
        "both": both,
        "again": {"depends": "both", "gather": ["both", "leaders"]},
    }
    planned = plan(make_sweep, stages)
    again = [point.axes for point in planned.stages["again"].points]
    assert again == [point.axes for point in planned.stages["both"].points]
    assert len(planned.trials) == 18


def test_what_cannot_stand_in_one_table_is_not_gathered(make_sweep: MakeSweep) -> None:
    together = {"depends": "others && leaders", "gather": ["leaders", "others"]}
    named = {"config": {"role": "leader"}, "grid": {"stage": {"a": {}, "b": {"config": {"width": 3}}}}}
    with pytest.raises(InvalidSweep, match=r"gather: others has an axis called 'stage', .*rename it"):
        plan(make_sweep, {"leaders": LEADERS, "others": named, "together": together})
    folds = {"config": {"role": "leader"}, "over": {"fold": [1, 2]}}
    compared = {**together, "baseline": {"stage": "leaders"}}
    with pytest.raises(InvalidSweep, match="leaders does not run over fold, so that all of together"):
        plan(make_sweep, {"leaders": {**LEADERS, "grid": {}}, "others": folds, "together": compared})


def expecting(*at: dict[str, Any], **plan: Any) -> dict[str, Any]:
    """Leaders over folds, and a published value at each of these places."""
    values = [{"at": axes, "mean": 1.0} for axes in at]
    return {"s": {**LEADERS, "over": {"fold": [2, 3]}, "expect": {"source": "A", "values": values}, **plan}}


def test_a_published_value_stands_beside_one_cell_whatever_the_table_averages_over(
    make_sweep: MakeSweep,
) -> None:
    at = {"width": 2, "rate": 0.01}
    assert plan(make_sweep, expecting(at, {**at, "width": 4})).stages["s"].stage.plan.expect is not None
    by_fold = {"table": {"columns": "fold"}}
    assert plan(make_sweep, expecting({**at, "fold": 2}, {**at, "fold": 3}, **by_fold)).trials
    alone = {**expecting({})["s"], "grid": {}}
    assert plan(make_sweep, {"s": alone}).trials


@pytest.mark.parametrize(
    ("at", "complaint"),
    [
        ({"wdith": 2}, "values.1.at.wdith: the table has no axis 'wdith'; did you mean 'width'?"),
        ({"width": 3}, "values.1.at.width: no point of s has 3; known: 2, 4"),
        (
            {"width": 2},
            "values.1.at: leaves 2 cells of s (width=2 rate=0.01; width=2 rate=0.02); say which rate",
        ),
        ({}, "leaves 4 cells of s (width=2 rate=0.01; width=2 rate=0.02; width=4 rate=0.01; and 1 more)"),
        ({"width": 2, "rate": 0.01}, "values.1.at: values.0 stands beside the same cell"),
        ({"width": 4, "rate": 0.01, "fold": 2}, "values.1.at.fold: a cell is a mean over fold; name it in"),
    ],
    ids=str,
)
def test_a_published_value_without_a_cell_of_its_own_is_refused(
    make_sweep: MakeSweep, at: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidSweep) as raised:
        plan(make_sweep, expecting({"width": 2, "rate": 0.01}, at))
    assert complaint in str(raised.value)
    assert "toy-sweep.yaml: " in str(raised.value)
    assert "[s].plan.expect.values.1.at" in str(raised.value)


@pytest.mark.parametrize("mean", [620.0, -1.0])
def test_a_published_share_is_no_more_than_all(make_sweep: MakeSweep, mean: float) -> None:
    stage = {
        "config": {"role": "verify"},
        "table": {"cell": "test/eer@best"},
        "expect": {"source": "A", "values": [{"mean": mean}]},
    }
    file = make_sweep({"s": stage}, family="likeness")
    with pytest.raises(InvalidSweep, match=rf"expect\.values\.0\.mean: found {mean:g}, expected per cent"):
        plan_sweep(read_sweep(file))


def test_a_published_value_at_true_does_not_stand_at_one(make_sweep: MakeSweep) -> None:
    with pytest.raises(InvalidSweep, match=r"values\.0\.at\.width: no point of s has True; known: 1, 2"):
        plan(make_sweep, expecting({"width": True}, grid={"width": [1, 2]}))


def test_a_stage_has_at_most_a_thousand_packs(make_sweep: MakeSweep) -> None:
    def packed(pack: Any, seeds: str) -> SweepPlan:
        return plan(make_sweep, {"s": {**LEADERS, "grid": {}, "pack": pack}}, seeds)

    for pack, seeds in ((1, "0-999"), (2, "0-1999"), ("auto", "0-2000")):
        assert packed(pack, seeds).trials
    with pytest.raises(InvalidSweep) as raised:
        packed(2, "0-2000")
    assert str(raised.value).endswith(
        "[s].plan.pack: at most 1,000 packs a stage: 2,001 trials in packs of 2 make 1,001; "
        "`pack: auto` chooses"
    )
    gathered = {"depends": "s", "gather": ["s"], "pack": 1}
    assert plan(make_sweep, {"s": {**LEADERS, "grid": {}}, "together": gathered}, "0-1000").trials


VARIANTS = {"a": {}, "b": {"from": "a", "config": {"rate": 0.02}}, "c": {"from": "b", "config": {"width": 2}}}


def test_each_label_is_compared_with_the_one_it_came_from(make_sweep: MakeSweep) -> None:
    stage = {"config": {"role": "leader"}, "grid": {"variant": VARIANTS}, "baseline": "parent"}
    planned = plan(make_sweep, {"s": stage})
    configs = {trial.axes["variant"]: trial.config for trial in planned.stages["s"].trials}
    assert (configs["c"]["rate"], configs["c"]["width"]) == (0.02, 2)
    against = {trial.axes["variant"]: trial.config for trial in planned.baselines["s"].trials}
    assert against == {"b": configs["a"], "c": configs["b"]}


def test_a_laptop_form_may_keep_a_label_without_the_one_it_came_from(make_sweep: MakeSweep) -> None:
    stage = {"config": {"role": "leader"}, "grid": {"variant": VARIANTS}, "baseline": "parent"}
    for kept, compared in ((["c"], []), (["b", "c"], ["c"])):
        sweep = read_sweep(make_sweep({"s": stage}, laptop={"s": {"only": {"variant": kept}}}))
        planned = plan_sweep(in_form(sweep, "laptop"))
        configs = {trial.axes["variant"]: trial.config for trial in planned.stages["s"].trials}
        assert (configs["c"]["rate"], configs["c"]["width"]) == (0.02, 2)
        against = planned.baselines["s"].trials if "s" in planned.baselines else []
        assert [trial.axes["variant"] for trial in against[::3]] == compared


FROM_TWO = {**FOLLOWERS, "baseline": {"where": {"size": 2}}, "table": {"rows": "size"}}


@pytest.mark.parametrize(
    ("laptop", "complaint"),
    [
        (
            {"leaders": {"only": {"width": [4]}}},
            "inputs.leader.where.width: no point of leaders has 2; known: 4",
        ),
        (
            {"followers": {"only": {"size": [4]}}},
            "baseline.where.size: no point of followers has 2; known: 4",
        ),
        ({"leaders": {"config": {"penalty": {"kind": "odd"}}}}, "kind: found 'odd'; known: free, ridge"),
    ],
    ids=str,
)
def test_a_refusal_that_only_the_laptop_form_causes_says_so(
    make_sweep: MakeSweep, laptop: Any, complaint: str
) -> None:
    sweep = read_sweep(make_sweep({"leaders": LEADERS, "followers": FROM_TWO}, laptop=laptop))
    with pytest.raises((InvalidSweep, InvalidConfig)) as raised:
        plan_sweep(in_form(sweep, "laptop"))
    assert complaint in str(raised.value)
    assert str(raised.value).endswith(
        "(only in the laptop form: change metadata.annotations.seedbed/laptop, or run the full form)"
    )


def test_what_is_wrong_in_both_forms_is_not_blamed_on_the_laptop_form(make_sweep: MakeSweep) -> None:
    wrong = {**FROM_TWO, "table": {"rows": "sise"}}
    sweep = read_sweep(
        make_sweep({"leaders": LEADERS, "followers": wrong}, laptop={"leaders": {"config": {"steps": 4}}})
    )
    with pytest.raises(InvalidSweep, match=r"no axis 'sise'; did you mean 'size'\?$"):
        plan_sweep(in_form(sweep, "laptop"))


def test_two_blocks_may_share_a_point_and_it_is_run_once(make_sweep: MakeSweep) -> None:
    blocks = [{"width": [2, 4]}, {"width": [4], "rate": [0.01, 0.02]}]
    planned = plan(make_sweep, {"s": {"config": {"role": "leader"}, "grid": blocks}})
    assert [point.axes for point in planned.stages["s"].points] == [
        {"width": 2},
        {"width": 4},
        {"width": 4, "rate": 0.02},
    ]


def test_points_that_share_the_trial_of_one_seed_only_are_not_one_point(make_sweep: MakeSweep) -> None:
    own, first = ({"stage": "leaders", "pick": pick} for pick in ("same-seed", {"seed": 0}))
    blocks = [
        {"whose": {"own": {"inputs": {"leader": own}}}},
        {"whose": {"first": {"inputs": {"leader": first}}}},
    ]
    leaders = {"config": {"role": "leader"}}
    followers = {"depends": "leaders", "config": {"role": "follower"}}
    for grid in (blocks, {"whose": {**blocks[0]["whose"], **blocks[1]["whose"]}}):
        with pytest.raises(InvalidSweep, match="whose=own seed=0 and whose=first seed=0 are the same trial"):
            plan(make_sweep, {"leaders": leaders, "followers": {**followers, "grid": grid}})


def test_the_best_trial_is_also_that_of_a_seed(make_sweep: MakeSweep) -> None:
    """Which is known only after both have been trained: it is refused before."""
    labels = {
        pick: {"inputs": {"leader": {"stage": "leaders", "pick": pick}}} for pick in ("same-seed", "best")
    }
    leaders = {"config": {"role": "leader"}}
    followers = {"depends": "leaders", "config": {"role": "follower"}}
    for grid in ({"whose": labels}, [{"whose": {name: label}} for name, label in labels.items()]):
        with pytest.raises(
            InvalidSweep,
            match="whose=same-seed and whose=best may be the same trial of a seed; give each a stage",
        ):
            plan(make_sweep, {"leaders": leaders, "followers": {**followers, "grid": grid}})


def test_a_baseline_of_one_fold_cannot_stand_for_all(make_sweep: MakeSweep) -> None:
    folds = {"fold": [1, 2]}
    base: dict[str, Any] = {"config": {"role": "leader", "rate": 0.02}}
    more = {"depends": "base", "config": {"role": "leader"}, "over": folds, "baseline": {"stage": "base"}}
    with pytest.raises(InvalidSweep) as raised:
        plan(make_sweep, {"base": base, "more": more})
    assert "[more].plan.baseline: base does not run over fold, so that all of more would be" in str(
        raised.value
    )
    assert plan(make_sweep, {"base": {**base, "over": folds}, "more": more}).baselines["more"].label == "base"
