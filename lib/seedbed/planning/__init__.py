"""From a sweep to its trials: every point × seed, read by its family, with what it builds on and its identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from seedbed.errors import InvalidSweep
from seedbed.planning.leakage import LeakCheck
from seedbed.planning.model import (
    InputRef,
    MetricsOf,
    PlannedBaseline,
    PlannedPoint,
    PlannedStage,
    PlannedTrial,
    SweepPlan,
)
from seedbed.planning.stages import StagePlanner, no_results
from seedbed.planning.where import refuse_non_ancestor, the_point
from seedbed.planning.winners import Winner
from seedbed.sweep import Sweep
from seedbed.sweep.language import BaselinePlan

__all__ = [
    "InputRef",
    "MetricsOf",
    "PlannedBaseline",
    "PlannedPoint",
    "PlannedStage",
    "PlannedTrial",
    "SweepPlan",
    "Winner",
    "plan_sweep",
]


def plan_sweep(
    sweep: Sweep,
    metrics_of: MetricsOf = no_results,
    kept: Mapping[str, Sequence[Winner]] | None = None,
) -> SweepPlan:
    """Expand a sweep into trials, checking each against its family's config and inputs.

    `metrics_of` tells what is finished: a stage that takes the best trial of a point is late until all of that
    point's trials are, and one that inherits until all trials of that stage are. `kept` are winners, by stage, that
    stay whatever the results say. Raises InvalidSweep or InvalidConfig naming file, path and value; BadData when a
    data set is not there.
    """
    stages: dict[str, PlannedStage] = {}
    leaks = LeakCheck()
    for stage in sweep.stages:
        planner = StagePlanner(
            sweep,
            stage,
            stages,
            metrics_of,
            leaks,
            (kept or {}).get(stage.name),
        )
        stages[stage.name] = planner.planned()
    found = {name: _baseline(sweep, stages, name) for name in stages}
    return SweepPlan(sweep, stages, {name: baseline for name, baseline in found.items() if baseline})


def _baseline(sweep: Sweep, stages: Mapping[str, PlannedStage], name: str) -> PlannedBaseline | None:
    plan = stages[name].stage.plan
    wanted = plan.baseline or ("parent" if plan.inherit or plan.confirm else None)
    if wanted is None:
        return None
    if wanted == "parent":
        label = "incumbent" if plan.inherit else "parent"
        return PlannedBaseline(label, list(_parents(stages[name])))
    return _one_point(sweep, stages, name, wanted)


def _one_point(
    sweep: Sweep, stages: Mapping[str, PlannedStage], name: str, wanted: BaselinePlan
) -> PlannedBaseline:
    """One point for all; where both stages run over the same axes, one for each place on them.

    Raises InvalidSweep where one point would stand for several places of the stage: for other folds or data sets.
    """
    place = f"{stages[name].stage.place}.baseline"
    where = wanted.stage or name
    if where != name:
        refuse_non_ancestor(sweep, name, where, f"{place}.stage")
    against = stages[where]
    shared = sorted(against.over & stages[name].over)
    alone = sorted(stages[name].over - against.over)
    if len({tuple(point.axes[axis] for axis in alone) for point in stages[name].points}) > 1:
        raise InvalidSweep(
            f"{place}: {where} does not run over {', '.join(alone)}, so that all of {name} would be compared with "
            f"the same trials; give {where} the `over` of {name}"
        )
    trials: dict[tuple[str, int], PlannedTrial] = {}
    label = where
    for point in stages[name].points:
        chosen = the_point(against, wanted.where, f"{place}.where", point.axes)
        own = [str(value) for axis, value in chosen.axes.items() if axis not in against.over]
        label = " ".join([where, *own])
        for seed, trial in chosen.trials.items():
            axes = {axis: trial.axes[axis] for axis in shared}
            trials[trial.id, seed] = replace(trial, axes=axes)
    return PlannedBaseline(label, list(trials.values()))


def _parents(planned: PlannedStage) -> Iterator[PlannedTrial]:
    """Each point's parent, standing where the point does."""
    place = f"{planned.stage.place}.baseline"
    points = {tuple(point.axes.items()): point for point in planned.points}
    heirs = [point for point in planned.points if point.parent is not None]
    if not heirs and not planned.stage.plan.inherit and not planned.stage.plan.confirm:
        raise InvalidSweep(f"{place}: parent: no label of this stage comes `from` another")
    for point in heirs:
        parent = points.get(tuple((point.parent or {}).items()))
        if parent is None:
            raise InvalidSweep(f"{place}: parent: {point.axes} comes from a label that is not run")
        for trial in parent.trials.values():
            yield replace(trial, axes=point.axes)
