"""Studies done in order: what a stage starts from, which point wins, and what confirms it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from seedbed.errors import InvalidConfig, InvalidSweep
from seedbed.planning import PlannedStage, PlannedTrial, SweepPlan, plan_sweep
from seedbed.sweep.laptop import with_seeds
from seedbed.sweep.workflow import read_sweep
from tests.conftest import MakeSweep

Stages = dict[str, dict[str, Any]]
Loss = Callable[[PlannedTrial], float | None]
"""The validation loss of a trial; 0 for one that diverged, None for one without a result."""

SELECT = {"metric": "val/loss@best"}
WIDTHS = {"config": {"role": "leader"}, "grid": {"width": [2, 4, 8]}, "select": SELECT, "seeds": "0-2"}
WIDTHS = {**WIDTHS, "baseline": {"where": {"width": 4}}}
RATES = {"depends": "widths", "inherit": "widths", "grid": {"rate": [0.02, 0.04]}, "select": SELECT}
BATCHES = {"depends": "rates", "inherit": "rates", "grid": {"batch": [16, 32]}, "select": SELECT}
STUDY: Stages = {"widths": WIDTHS, "rates": RATES, "batches": BATCHES}
CONFIRM = {"depends": "batches", "confirm": "batches", "seeds": "10-12"}


def plan(make_sweep: MakeSweep, stages: Stages, loss: Loss = lambda _: None, **options: Any) -> SweepPlan:
    def metrics_of(trial: PlannedTrial) -> dict[str, float] | None:
        found = loss(trial)
        if found is None:
            return None
        params = 10.0 * trial.config.get("width", 1)
        metrics = {"val/loss@best": found, "test/loss@best": 1 - found, "params@best": params}
        return metrics if found else {}

    def of_all(trials: Sequence[PlannedTrial], _: str) -> dict[str, dict[str, float] | None]:
        return {trial.id: metrics_of(trial) for trial in trials}

    return plan_sweep(read_sweep(make_sweep(stages)), of_all, **options)


def loss_of(**best: Any) -> Loss:
    """Lower by 0.2 for each setting that is as named."""

    def loss(trial: PlannedTrial) -> float:
        hits = sum(trial.config[name] == value for name, value in best.items())
        return float(1 - 0.2 * hits + 0.01 * trial.seed)

    return loss


def settings(stage: PlannedStage, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(point.config.model_dump()[name] for name in names) for point in stage.points]


def test_a_stage_starts_from_the_winner_and_keeps_it_as_a_point_and_as_the_baseline(
    make_sweep: MakeSweep,
) -> None:
    planned = plan(make_sweep, STUDY, loss_of(width=8, rate=0.04))
    rates = planned.stages["rates"]
    assert settings(rates, "width", "rate") == [(8, 0.01), (8, 0.02), (8, 0.04)]
    assert [point.axes for point in rates.points] == [{"rate": 0.01}, {"rate": 0.02}, {"rate": 0.04}]
    won = {trial.id for trial in planned.stages["widths"].trials if trial.config["width"] == 8}
    assert {trial.id for trial in rates.points[0].trials.values()} == won
    assert {trial.id for trial in planned.baselines["rates"].trials} == won
    assert settings(planned.stages["batches"], "width", "rate", "batch") == [(8, 0.04, 16), (8, 0.04, 32)]
    (winner,) = planned.stages["batches"].winners or ()
    assert winner.axes == winner.incumbent == {"batch": 16}


def test_before_there_are_results_a_stage_that_inherits_has_at_most_so_many_trials(
    make_sweep: MakeSweep,
) -> None:
    early = plan(make_sweep, {**STUDY, "again": CONFIRM})
    assert [stage.late for stage in early.stages.values()] == [False, True, True, True]
    assert [stage.at_most for stage in early.stages.values()] == [9, 9, 6, 15]
    assert len(early.trials) == 9
    half = plan(make_sweep, STUDY, lambda trial: None if trial.seed == 2 else 0.5)
    assert half.stages["rates"].late


def test_every_point_that_might_win_is_read_before_anything_runs(make_sweep: MakeSweep) -> None:
    kinds = {"free": {}, "ridge": {"config": {"penalty": {"kind": "ridge"}}}}
    stages: Stages = {
        "kinds": {"config": {"role": "leader"}, "grid": {"kind": kinds}, "select": SELECT},
        "strengths": {"depends": "kinds", "inherit": "kinds", "grid": {"penalty.strength": [0.3]}},
    }
    stages["strengths"]["config"] = {"penalty": {"kind": "ridge"}}
    assert plan(make_sweep, stages).stages["strengths"].at_most == 6
    del stages["strengths"]["config"]
    with pytest.raises(InvalidConfig) as raised:
        plan(make_sweep, stages)
    complaint = str(raised.value).partition("[strengths].plan.")[2]
    assert complaint == (
        "grid.penalty.strength: kind is required and not set (should it start from kind=free of kinds)"
    )


def test_a_setting_that_only_the_old_kind_has_is_left_behind(make_sweep: MakeSweep) -> None:
    ridge = {"role": "leader", "penalty": {"kind": "ridge"}}
    stages: Stages = {
        "strengths": {"config": ridge, "grid": {"penalty.strength": [0.1, 0.5]}, "select": SELECT},
        "kinds": {"depends": "strengths", "inherit": "strengths", "grid": {"penalty.kind": ["free"]}},
    }
    planned = plan(make_sweep, stages, lambda trial: trial.config["penalty"]["strength"] + 0.01 * trial.seed)
    kinds = planned.stages["kinds"]
    assert [point.config.model_dump()["penalty"] for point in kinds.points] == [
        {"kind": "ridge", "strength": 0.1},
        {"kind": "free"},
    ]
    typo = {**stages["kinds"], "grid": {"penalty.kind": ["free"], "penalty.strength": [0.3]}}
    with pytest.raises(InvalidConfig, match=r"grid\.penalty\.strength: has no effect in weights as they"):
        plan(make_sweep, {**stages, "kinds": typo})


def test_a_setting_is_left_behind_with_all_below_it_unless_the_stage_gives_some_of_it_itself(
    make_sweep: MakeSweep,
) -> None:
    ridge = {"role": "leader", "penalty": {"kind": "ridge"}}
    stages: Stages = {
        "strengths": {"config": ridge, "grid": {"penalty.strength": [0.1, 0.5]}, "select": SELECT},
        "roles": {"depends": "strengths", "inherit": "strengths", "grid": {"role": ["follower"]}},
    }
    roles = plan(make_sweep, stages, loss_of(role="leader")).stages["roles"]
    assert [point.config.model_dump() for point in roles.points][1] == {
        "role": "follower", "rate": 0.01, "fold": 3
    }  # fmt: skip
    own = {**stages["roles"], "config": {"penalty": {"strength": 0.3}}}
    with pytest.raises(
        InvalidConfig, match=r"plan\.config\.penalty\.strength: has no effect in a trial that"
    ):
        plan(make_sweep, {**stages, "roles": own})


@pytest.mark.parametrize("how", ["inherit", "confirm"])
def test_an_inherited_setting_that_is_wrong_is_named(make_sweep: MakeSweep, how: str) -> None:
    odd = {"family": "likeness", "depends": "widths", how: "widths", "seeds": "10-12"}
    with pytest.raises(InvalidConfig, match=rf"plan\.{how}: role: found 'leader'; known: verify, cluster"):
        plan(make_sweep, {"widths": WIDTHS, "odd": odd})


def test_a_named_point_is_inherited_whether_or_not_it_wins(make_sweep: MakeSweep) -> None:
    named = {**RATES, "inherit": {"stage": "widths", "where": {"width": 2}}}
    planned = plan(make_sweep, {"widths": WIDTHS, "rates": named})
    assert not planned.stages["rates"].late
    assert settings(planned.stages["rates"], "width", "rate") == [(2, 0.01), (2, 0.02), (2, 0.04)]
    with pytest.raises(
        InvalidSweep, match=r"inherit\.where\.width: no point of widths has 3; known: 2, 4, 8"
    ):
        plan(
            make_sweep,
            {"widths": WIDTHS, "rates": {**named, "inherit": {"stage": "widths", "where": {"width": 3}}}},
        )
    with pytest.raises(InvalidSweep, match=r"inherit\.where: leaves 3 points of widths"):
        plan(make_sweep, {"widths": WIDTHS, "rates": {**named, "inherit": {"stage": "widths"}}})


def test_of_several_each_adds_what_it_changed_itself(make_sweep: MakeSweep) -> None:
    presumed = {"stage": "widths", "where": {"width": 2}}
    stages: Stages = {
        "widths": WIDTHS,
        "rates": {**RATES, "inherit": presumed},
        "batches": {**BATCHES, "inherit": ["widths", "rates"]},
    }
    planned = plan(make_sweep, stages, loss_of(width=8, rate=0.04))
    assert settings(planned.stages["batches"], "width", "rate", "batch") == [(8, 0.04, 16), (8, 0.04, 32)]
    clash = {**RATES, "grid": {"batch": [8], "width": [16, 8]}}
    with pytest.raises(InvalidSweep, match=r"inherit: rates and sizes can both change width, and not alike"):
        plan(
            make_sweep,
            {
                "widths": WIDTHS,
                "rates": {**clash, "inherit": presumed},
                "sizes": {**RATES, "inherit": presumed, "grid": {"width": [4]}},
                "last": {**BATCHES, "depends": "rates && sizes", "inherit": ["rates", "sizes"]},
            },
        )


def test_a_winner_within_each_value_of_an_axis_is_carried_on_along_it(make_sweep: MakeSweep) -> None:
    stages: Stages = {
        "widths": {**WIDTHS, "baseline": None, "grid": {"fold": [1, 2], "width": [2, 4]}},
        "rates": RATES,
    }
    stages["widths"]["select"] = {**SELECT, "within": ["fold"]}
    planned = plan(
        make_sweep,
        stages,
        lambda trial: 0.5 + abs(trial.config["width"] - 2 * trial.config["fold"]) + trial.seed,
    )
    rates = planned.stages["rates"]
    assert settings(rates, "fold", "width") == [(1, 2)] * 3 + [(2, 4)] * 3
    assert rates.points[0].axes == {"fold": 1, "rate": 0.01}
    early = plan(make_sweep, stages)
    assert early.stages["rates"].at_most == 18


def test_folds_are_never_selected_over_and_never_inherited(make_sweep: MakeSweep) -> None:
    folds = {"over": {"fold": [0, 1]}}
    stages: Stages = {"widths": {**WIDTHS, **folds}, "rates": {**RATES, **folds}, "plain": {**RATES}}
    planned = plan(make_sweep, stages, loss_of(width=8))
    rates = planned.stages["rates"]
    assert settings(rates, "width", "rate", "fold") == [
        (8, rate, fold) for rate in (0.01, 0.02, 0.04) for fold in (0, 1)
    ]
    assert {trial.axes["fold"] for trial in planned.baselines["rates"].trials} == {0, 1}
    assert all(point.parent == {"rate": 0.01, "fold": point.axes["fold"]} for point in rates.points[2:])
    assert settings(planned.stages["plain"], "fold")[0] == (3,)
    with pytest.raises(InvalidSweep, match=r"select\.within: every point runs over fold"):
        plan(make_sweep, {"widths": {**WIDTHS, **folds, "select": {**SELECT, "within": ["fold"]}}})


def test_a_label_wins_with_its_settings_and_its_inputs(make_sweep: MakeSweep) -> None:
    leader = {"stage": "widths", "where": {"width": 2}}
    labels = {"small": {"inputs": {"leader": leader}}, "fast": {"from": "small", "config": {"rate": 0.1}}}
    stages: Stages = {
        "widths": WIDTHS,
        "followers": {
            "depends": "widths", "config": {"role": "follower"}, "grid": {"variant": labels}, "select": SELECT
        },
        "after": {
            "depends": "followers", "inherit": "followers", "grid": {"rate": [0.2], "how": {"plain": {}}}
        },
    }  # fmt: skip
    planned = plan_sweep(
        read_sweep(make_sweep(stages)),
        lambda trials, _: {one.id: {"val/loss@best": one.seed - one.config["rate"]} for one in trials},
    )
    after = planned.stages["after"]
    assert [point.axes for point in after.points] == [
        {"rate": 0.1, "how": "incumbent"},
        {"rate": 0.2, "how": "plain"},
    ]
    assert all(trial.inputs["leader"] for trial in after.trials)


def test_the_chain_is_confirmed_on_other_seeds_with_each_kept_step_left_out(make_sweep: MakeSweep) -> None:
    planned = plan(make_sweep, {**STUDY, "again": CONFIRM}, loss_of(width=8, batch=32))
    again = planned.stages["again"]
    assert [point.axes["chain"] for point in again.points] == [
        "start", "final", "final without widths", "final without batches"
    ]  # fmt: skip
    assert settings(again, "width", "rate", "batch") == [
        (4, 0.01, 16), (8, 0.01, 32), (4, 0.01, 32), (8, 0.01, 16)
    ]  # fmt: skip
    assert {trial.seed for trial in again.trials} == {10, 11, 12}
    by_point = {trial.axes["chain"]: trial.config for trial in planned.baselines["again"].trials}
    assert by_point["final"]["width"] == 4
    assert by_point["final without widths"]["batch"] == 32
    with pytest.raises(
        InvalidSweep, match=r"\[again\]\.plan\.seeds: seed 2 selected in stage widths: only seeds"
    ):
        plan(make_sweep, {**STUDY, "again": {**CONFIRM, "seeds": "2-4"}})


def test_what_confirms_needs_its_seeds_where_it_takes_inputs_which_is_said_before_anything_trained(
    make_sweep: MakeSweep,
) -> None:
    leaders: dict[str, Any] = {"config": {"role": "leader"}, "seeds": "0-2"}
    followers: dict[str, Any] = {
        "depends": "leaders", "config": {"role": "follower"}, "inputs": {"leader": {"stage": "leaders"}},
        "grid": {"rate": [0.01, 0.02]}, "baseline": {"where": {"rate": 0.01}}, "select": SELECT, "seeds": "0-2",
    }  # fmt: skip
    again = {"depends": "followers && leaders", "confirm": "followers", "seeds": "10-12"}
    stages = {"leaders": leaders, "followers": followers, "again": again}
    with pytest.raises(
        InvalidSweep,
        match=r'\[again\].plan.inputs.leader: .* no trial with seed 10; it has 0-2; let it run `seeds: "0-2,10-12"`',
    ):
        plan(make_sweep, stages)
    assert (
        plan(make_sweep, {**stages, "leaders": {**leaders, "seeds": "0-2,10-12"}}).stages["again"].at_most
        == 6
    )
    by_name = {**followers, "inputs": {"leader": {"stage": "leaders", "pick": {"seed": 1}}}}
    planned = plan(make_sweep, {**stages, "followers": by_name}, loss_of(rate=0.02)).stages["again"]
    assert len({trial.inputs["leader"][0] for trial in planned.trials}) == 1
    with pytest.raises(InvalidSweep, match="no trial with seed 7; it has 0-2"):
        plan(
            make_sweep,
            {
                **stages,
                "followers": {**by_name, "inputs": {"leader": {"stage": "leaders", "pick": {"seed": 7}}}},
            },
        )


def test_a_chain_that_kept_nothing_has_its_start_only(make_sweep: MakeSweep) -> None:
    planned = plan(make_sweep, {**STUDY, "again": CONFIRM}, loss_of(width=4))
    assert [point.axes["chain"] for point in planned.stages["again"].points] == ["start"]


def test_without_a_step_that_a_later_one_overwrote_is_nothing_else_than_the_end(
    make_sweep: MakeSweep,
) -> None:
    wider = {**RATES, "depends": "rates", "inherit": "rates", "grid": {"width": [16]}}
    stages: Stages = {"widths": WIDTHS, "rates": RATES, "wider": wider}
    stages["again"] = {"depends": "wider", "confirm": "wider", "seeds": "7-9"}
    planned = plan(make_sweep, stages, lambda trial: 2 - trial.config["width"] / 16 + 0.001 * trial.seed)
    assert settings(planned.stages["again"], "width") == [(4,), (16,), (8,)]
    assert [point.axes["chain"] for point in planned.stages["again"].points][2] == "final without wider"


def test_a_stage_without_a_point_that_can_win_stops_what_inherits_it_and_nothing_else(
    make_sweep: MakeSweep,
) -> None:
    other = {"config": {"role": "leader"}, "grid": {"width": [3]}}
    planned = plan(make_sweep, {**STUDY, "other": other}, lambda trial: trial.seed / 10)
    assert "no point can win (width=2: 1 of 3 runs diverged; width=4" in planned.stages["widths"].failed
    assert planned.stages["rates"].hopeless.startswith("stage widths has no winner: no point can win")
    assert planned.stages["rates"].late
    assert planned.stages["batches"].late
    assert not planned.stages["other"].late


def test_bounds_bar_a_point_and_a_kept_winner_stays(make_sweep: MakeSweep) -> None:
    bound = {**WIDTHS, "select": {**SELECT, "require": {"params": {"max": 40}}}}
    planned = plan(make_sweep, {**STUDY, "widths": bound}, loss_of(width=8))
    (winner,) = planned.stages["widths"].winners or ()
    assert winner.axes == {"width": 4}
    assert [one.barred for one in winner.contenders] == ["", "", "params is 80, at most 40 is asked for"]
    kept = plan(make_sweep, STUDY, loss_of(width=8), kept={"widths": [winner]})
    assert settings(kept.stages["rates"], "width")[0] == (4,)
    gone = {**WIDTHS, "grid": {"width": [2, 8]}, "baseline": None}
    with pytest.raises(
        InvalidSweep, match=r"the recorded winner, width=4, is no point of this stage any more"
    ):
        plan(make_sweep, {**STUDY, "widths": gone}, loss_of(width=8), kept={"widths": [winner]})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"inherit": "widht"}, "inherit: no stage is called 'widht'; did you mean 'widths'?"),
        ({"depends": ""}, "inherit: widths must be an ancestor: name it in the depends of rates"),
        (
            {"inherit": {"stage": "widhts"}},
            "inherit.stage: no stage is called 'widhts'; did you mean 'widths'?",
        ),
        ({"inherit": ["widths", {"stage": "widhts"}]}, "inherit.1.stage: no stage is called 'widhts'"),
        (
            {"select": {"metric": "val/lost@best"}},
            "select.metric: no such metric: 'val/lost@best'; did you mean",
        ),
        (
            {"select": {**SELECT, "within": ["rat"]}},
            "select.within: the grid has no axis 'rat'; did you mean 'rate'",
        ),
        (
            {"select": {**SELECT, "require": {"parms": {"max": 1}}}},
            "select.require.parms: no such metric; did",
        ),
        (
            {"grid": {}, "config": {"batch": 8}},
            "config: changes what is inherited, and no axis tells the changed",
        ),
        ({"inherit": "plain"}, "inherit: stage plain has no winner: say there how it is chosen"),
    ],
    ids=str,
)
def test_what_cannot_be_done_in_order_is_refused(make_sweep: MakeSweep, change: Any, complaint: str) -> None:
    plain = {"config": {"role": "leader"}}
    stages: Stages = {
        "widths": WIDTHS,
        "plain": plain,
        "rates": {**RATES, "depends": "widths && plain", **change},
    }
    with pytest.raises(InvalidSweep) as raised:
        plan(make_sweep, stages)
    assert f"[rates].plan.{complaint}" in str(raised.value)


def test_a_study_of_eight_steps_is_planned_in_a_moment_and_says_that_it_took_a_sample(
    make_sweep: MakeSweep,
) -> None:
    stages: Stages = {
        "s0": {**WIDTHS, "grid": {"width": [*range(1, 9)]}, "baseline": {"where": {"width": 1}}}
    }
    for number in range(1, 8):
        grid = {"rate": [0.1 * number + 0.01 * step for step in range(6)]}
        stages[f"s{number}"] = {
            **RATES,
            "depends": f"s{number - 1}",
            "inherit": f"s{number - 1}",
            "grid": grid,
        }
    stages["again"] = {"depends": "s7", "confirm": "s7", "seeds": "10-12"}
    planned = plan(make_sweep, stages)
    assert [stage.sampled for stage in planned.stages.values()] == [False] * 3 + [True] * 6
    assert [stage.at_most for stage in planned.stages.values()] == [24] + [21] * 7 + [(2 + 8) * 3]


def test_a_direction_that_contradicts_the_metric_and_empty_seeds_are_refused(make_sweep: MakeSweep) -> None:
    wrong = {**WIDTHS, "select": {**SELECT, "mode": "max"}}
    with pytest.raises(
        InvalidSweep, match=r"select\.mode: found 'max', but lower is better in val/loss@best"
    ):
        plan(make_sweep, {"widths": wrong})
    with pytest.raises(InvalidSweep, match="--seeds: found '', expected seeds such as"):
        with_seeds(read_sweep(make_sweep({"widths": {**WIDTHS, "seeds": None}})), "")
    empty = make_sweep({"widths": WIDTHS}, name="empty")
    empty.write_text("# nothing yet\n")
    with pytest.raises(InvalidSweep, match="is empty"):
        read_sweep(empty)
