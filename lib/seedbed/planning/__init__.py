"""From a sweep to its trials: every point × seed, read by its family, with what it builds on and its identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seedbed.planning.baselines import baseline_of
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
from seedbed.planning.winners import Winner
from seedbed.sweep import Sweep

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
    found = {name: baseline_of(sweep, stages, name) for name in stages}
    return SweepPlan(sweep, stages, {name: baseline for name, baseline in found.items() if baseline})
