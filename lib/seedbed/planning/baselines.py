"""What the points of a stage are compared with: one point, one for each place, or each its parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from seedbed.errors import InvalidSweep
from seedbed.planning.model import PlannedBaseline, PlannedStage, PlannedTrial, axes_in_words
from seedbed.planning.where import refuse_non_ancestor, the_point
from seedbed.sweep import Sweep
from seedbed.sweep.language import BaselinePlan
from seedbed.sweep.points import filled_where, names_in


def baseline_of(sweep: Sweep, stages: Mapping[str, PlannedStage], name: str) -> PlannedBaseline | None:
    """The baseline of a stage, where it has one; raises InvalidSweep for one that cannot be."""
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
    """One point for all; where both stages run over the same axes, or `where` has "{name}", one for each place.

    Raises InvalidSweep where one point would stand for several places of the stage: for other folds or data sets.
    """
    place = f"{stages[name].stage.place}.baseline"
    where = wanted.stage or name
    if where != name:
        refuse_non_ancestor(sweep, name, where, f"{place}.stage")
    against = stages[where]
    shared = sorted(against.over & stages[name].over)
    alone = sorted(stages[name].over - against.over)
    if len({tuple(point.axes.get(axis) for axis in alone) for point in stages[name].points}) > 1:
        raise InvalidSweep(
            f"{place}: {where} does not run over {', '.join(alone)}, so that all of {name} would be compared with "
            f"the same trials; give {where} the `over` of {name}"
        )
    named = sorted({axis for value in wanted.where.values() for axis in names_in(value)})
    varies = {key for key, value in wanted.where.items() if names_in(value)} | against.over
    trials: dict[tuple[str, str], PlannedTrial] = {}
    label = where
    for point in stages[name].points:
        filled = filled_where(wanted.where, point.axes, f"{place}.where")
        chosen = the_point(against, filled, f"{place}.where", point.axes)
        label = " ".join([where, *(str(value) for axis, value in chosen.axes.items() if axis not in varies)])
        stands = {axis: point.axes[axis] for axis in [*shared, *named] if axis in point.axes}
        for trial in chosen.trials.values():
            trials[trial.id, axes_in_words(stands)] = replace(trial, axes=stands)
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
