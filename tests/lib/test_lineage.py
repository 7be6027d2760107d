"""From records and results to the chain: what changed, what it gained, and on which seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seedbed.lineage import lineage
from seedbed.planning import InputRef, PlannedTrial
from seedbed.results import Result
from seedbed.run_records import StageRecord
from seedbed.state import TrialState
from seedbed.statistics import paired_difference, pooled_spread
from seedbed.sweep.language import TablePlan
from seedbed.tables.chain import Change, text

FREE: dict[str, Any] = {"role": "leader", "width": 4, "penalty": {"kind": "free"}}
RIDGE: dict[str, Any] = {**FREE, "penalty": {"kind": "ridge", "strength": 0.1}}
Losses = dict[str, list[float]]


def stage(
    name: str, configs: dict[str, dict[str, Any]], losses: Losses, seeds: range, **about: Any
) -> tuple[StageRecord, dict[str, TrialState]]:
    """A stage of the toy family whose points have these losses, seed by seed."""
    axis = "chain" if "confirm" in about else "point"
    trials = [
        PlannedTrial(f"{name}-{point}-{seed}", "toy", "leader", 1, config, seed, {axis: point}, "")
        for point, config in configs.items()
        for seed in seeds
    ]
    found = {}
    for trial in trials:
        loss = losses[str(trial.axes[axis])][trial.seed - seeds[0]]
        known: dict[str, Any] = {"metrics": {"val/loss@best": loss, "test/loss@best": 2 * loss}}
        found[trial.id] = TrialState(trial, "done", Result.model_construct(**known))
    select = None if "confirm" in about else {"metric": "val/loss@best"}
    table = TablePlan().model_dump()
    record = StageRecord(name, "toy", False, table, [], trials, "", [], select=select, **about)
    return record, found


KINDS = stage(
    "kinds",
    {"free": FREE, "ridge": RIDGE},
    {"free": [0.5, 0.6, 0.7], "ridge": [0.3, 0.41, 0.5]},
    range(3),
    incumbents=[{"point": "free"}],
)
WIDTHS = stage(
    "widths",
    {"incumbent": RIDGE, "wide": {**RIDGE, "width": 8}},
    {"incumbent": [0.3, 0.4, 0.5], "wide": [0.5, 0.4, 0.6]},
    range(3),
    incumbents=[{"point": "incumbent"}],
    inherit=[{"stage": "kinds"}],
)


def test_a_step_tells_what_it_changed_and_a_gain_is_better_whatever_the_metric() -> None:
    chain = lineage([KINDS[0], WIDTHS[0]], {**KINDS[1], **WIDTHS[1]})
    assert chain is not None
    kinds, widths = chain.links
    assert kinds.changes == [Change("penalty.kind", "free", "ridge")]  # its strength comes with it
    assert [gain.mean for gain in kinds.gains if gain] == pytest.approx([0.59 / 3, 2 * 0.59 / 3])
    assert kinds.verdict.startswith("kept: ")
    assert widths.changes == [Change("width", 4, 8)]
    assert [gain.mean for gain in widths.gains if gain] == pytest.approx([-0.1, -0.2])
    assert widths.verdict == "not kept: the incumbent has the best mean"
    assert (chain.metrics, chain.seeds, chain.fresh_seeds) == (["val/loss@best", "test/loss@best"], "0-2", "")


def test_headline_gains_are_those_of_the_stage_that_confirms() -> None:
    again = stage(
        "again",
        {"start": FREE, "final": RIDGE, "final without kinds": FREE},
        {"start": [0.5, 0.6], "final": [0.3, 0.5], "final without kinds": [0.4, 0.6]},
        range(7, 9),
        confirm="kinds",
    )
    chain = lineage([KINDS[0], again[0]], {**KINDS[1], **again[1]})
    assert chain is not None
    assert chain.fresh_seeds == "7-8"
    gains = {one.of: one.gain.mean for one in chain.confirmed if one.gain}
    assert gains == {
        "the whole chain (end against start)": pytest.approx(2 * 0.15),
        "kinds (end against end without it)": pytest.approx(2 * 0.1),
    }


def test_a_sweep_that_selects_nothing_has_no_chain() -> None:
    record, found = stage("again", {"start": FREE}, {"start": [0.5]}, range(1), confirm="")
    assert lineage([record], found) is None


def test_a_seeds_folds_are_averaged_before_its_gain_has_an_interval() -> None:
    """Three seeds of four folds are three runs, not twelve: as the tables have it."""
    folds = {"a": [0.9, 0.1, 0.5, 0.5], "b": [0.1, 0.9, 0.4, 0.4]}
    luck = {"free": [0.00, 0.02, 0.03], "ridge": [0.05, 0.03, 0.10]}
    trials, found = [], {}
    for point, config in {"free": FREE, "ridge": RIDGE}.items():
        for seed in range(3):
            for fold, losses in enumerate(folds["a" if point == "free" else "b"]):
                axes: dict[str, Any] = {"point": point, "fold": fold}
                trial = PlannedTrial(f"{point}-{seed}-{fold}", "toy", "leader", 1, config, seed, axes, "")
                known: dict[str, Any] = {"metrics": {"val/loss@best": losses - luck[point][seed]}}
                found[trial.id] = TrialState(trial, "done", Result.model_construct(**known))
                trials.append(trial)
    about: dict[str, Any] = {"select": {"metric": "val/loss@best"}, "incumbents": [{"point": "free"}]}
    record = StageRecord("kinds", "toy", False, TablePlan().model_dump(), ["fold"], trials, "", [], **about)
    chain = lineage([record], found)
    assert chain is not None
    (gain, *_) = chain.links[0].gains
    assert gain is not None
    means = {
        point: {seed: 0.5 - 0.05 * (point == "ridge") - luck[point][seed] for seed in range(3)}
        for point in luck
    }
    by_hand = paired_difference(means["free"], means["ridge"], pooled_spread(means))
    assert by_hand is not None
    assert (gain.mean, gain.low, gain.high) == pytest.approx((by_hand.mean, by_hand.low, by_hand.high))
    assert gain.n == 3


SOURCES = stage("sources", {"small": FREE, "large": RIDGE}, {"small": [0.5], "large": [0.3]}, range(1))[0]
LED = {**FREE, "share": 1.0, "similarity": None}


def started_from(**configs: dict[str, Any]) -> tuple[StageRecord, dict[str, TrialState]]:
    """A stage whose second point is worse by 0.1; beside settings, a config says which point of SOURCES `leads`."""
    plain = {
        point: {key: config[key] for key in config if key != "leads"} for point, config in configs.items()
    }
    losses = {point: [0.5 + 0.1 * at] for at, point in enumerate(configs)}
    record, states = stage("starts", plain, losses, range(1), incumbents=[{"point": "incumbent"}])
    refs = {
        point: [InputRef("toy", f"sources-{name}-0", weights)]
        for point, config in configs.items()
        for name, _, weights in [config.get("leads", "").partition(" ")]
        if name
    }
    trials = [
        replace(trial, inputs={"leader": refs[point]} if (point := str(trial.axes["point"])) in refs else {})
        for trial in record.trials
    ]
    return replace(record, trials=trials), states


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (FREE, {**LED, "leads": "small best"}, "input leader: – -> point=small of sources"),
        ({**LED, "leads": "small best"}, FREE, "input leader: point=small of sources -> –"),
        (
            {"leads": "small best"},
            {"leads": "large best"},
            "input leader: point=small of sources -> point=large of",
        ),
        (
            {"leads": "small best"},
            {"leads": "small last"},
            "input leader: point=small of sources -> point=small of",
        ),
        (FREE, {**FREE, "leads": "lost best"}, "input leader: – -> given"),
        (
            {**FREE, "leads": "small best"},
            {**FREE, "leads": "large best", "width": 8},
            "input leader: point=small of sources -> point=large of sources, width: 4 -> 8",
        ),
        (FREE, LED, "share: – -> 1.0"),
        (FREE, {**FREE, "similarity": None}, "point=other"),
        ({"leads": "lost best"}, {"leads": "gone best"}, "point=other"),
    ],
)
def test_a_step_tells_which_inputs_it_changed_and_else_where_its_best_point_stands(
    before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    record, states = started_from(incumbent=before, other=after)
    chain = lineage([record], states, [SOURCES, record])
    assert chain is not None
    row = text(chain).splitlines()[2]
    assert row.startswith(f"starts  {said}")
    assert "-0.1" in row  # the gain is the same point's
    assert ("(last)" in row) == ("last" in after.get("leads", ""))


def test_a_step_in_which_nothing_could_challenge_the_incumbent_changed_nothing() -> None:
    record, states = started_from(incumbent=FREE)
    chain = lineage([record], states)
    assert chain is not None
    assert text(chain).splitlines()[2].startswith("starts  –  ")
