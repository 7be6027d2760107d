"""A stage's winner, as far as results tell it; what no result could ever make right is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.planning.model import MetricsOf, PlannedStage, axes_in_words
from seedbed.planning.winners import NoWinner, Winner, choose
from seedbed.sweep import Stage, Sweep


def selected(planned: PlannedStage, metrics_of: MetricsOf, kept: Sequence[Winner] | None) -> PlannedStage:
    """The stage with its winners: those that are kept, else those that the results say, else none yet.

    Raises InvalidSweep when a winner is to be kept whose point is gone.
    """
    select = planned.stage.plan.select
    if select is None or planned.late:
        return planned
    if kept is not None:
        for winner in kept:
            if not any(end.axes == winner.axes for end in planned.ends):
                raise InvalidSweep(
                    f"{planned.stage.place}.select: the recorded winner, {axes_in_words(winner.axes)}, is no point "
                    "of this stage any more: it cannot be kept"
                )
        return replace(planned, winners=tuple(kept), kept=True)
    higher = planned.family.metric(select.metric).better == "higher"
    found = metrics_of(planned.trials, select.metric)
    try:
        won = choose(
            select, higher, planned.trials, planned.over, planned.incumbents, lambda trial: found[trial.id]
        )
    except NoWinner as why:
        return replace(planned, failed=str(why))
    return replace(planned, winners=None if won is None else tuple(won))


def refuse_wrong_selection(planned: PlannedStage) -> None:
    """Raise InvalidSweep for a metric, an axis or a bound that the stage does not have."""
    select = planned.stage.plan.select
    if select is None:
        return
    place = f"{planned.stage.place}.select"
    known = planned.family.metric_names()
    if select.metric not in known:
        raise InvalidSweep(
            f"{place}.metric: no such metric: {select.metric!r}; {did_you_mean(select.metric, known)}"
        )
    better = planned.family.metric(select.metric).better
    if select.mode not in (None, {"higher": "max", "lower": "min"}[better]):
        raise InvalidSweep(f"{place}.mode: found {select.mode!r}, but {better} is better in {select.metric}")
    axes = dict.fromkeys(axis for point in planned.points for axis in point.axes)
    for axis in select.within:
        if axis in planned.over:
            raise InvalidSweep(f"{place}.within: every point runs over {axis}: nothing is selected over it")
        if axis not in axes:
            raise InvalidSweep(f"{place}.within: the grid has no axis {axis!r}; {did_you_mean(axis, axes)}")
    for name in select.require:
        if name.split("@")[0].split("/")[-1] not in planned.family.metrics:
            near = did_you_mean(name, planned.family.metrics)
            raise InvalidSweep(f"{place}.require.{name}: no such metric; {near}")


def refuse_seeds_that_selected(
    sweep: Sweep, stage: Stage, seeds: Sequence[int], done: Mapping[str, PlannedStage]
) -> None:
    """Raise InvalidSweep when a stage that confirms runs on a seed that helped to choose what it confirms."""
    for name in chain_of(sweep, stage.plan.confirm or ""):
        before = done[name]
        selecting = {seed for point in before.points for seed in point.seeds}
        selecting |= {seed for winner in before.winners or () for seed in winner.seeds}
        shared = sorted(selecting & set(seeds))
        if before.stage.plan.select is not None and shared:
            raise InvalidSweep(
                f"{stage.place}.seeds: seed {shared[0]} selected in stage {name}: only seeds that selected nothing "
                "can confirm"
            )


def chain_of(sweep: Sweep, name: str) -> list[str]:
    """A stage and all that it inherits from, however far back, in the sweep's order."""
    names = {name, *_behind(sweep, name)}
    return [stage.name for stage in sweep.stages if stage.name in names]


def _behind(sweep: Sweep, name: str) -> Iterator[str]:
    for entry in sweep.stage(name).plan.inherited:
        before = entry if isinstance(entry, str) else entry.stage
        yield before
        yield from _behind(sweep, before)
