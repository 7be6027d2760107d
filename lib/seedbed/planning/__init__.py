"""From a sweep to its trials: every point × seed, read by its family, with what it builds on and its identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seedbed.errors import BadData, InvalidConfig, InvalidSweep
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
from seedbed.sweep.laptop import LAPTOP

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
    stay whatever the results say. Raises InvalidSweep or InvalidConfig naming file, path and value, and saying where
    only the laptop form is wrong; BadData when a data set is not there.
    """
    try:
        return _planned(sweep, metrics_of, kept or {})
    except (InvalidSweep, InvalidConfig) as error:
        if sweep.uncut is None or _refusal(sweep) != str(error) or _refusal(sweep.uncut):
            raise
        mend = f"change {LAPTOP}, or run the full form"
        raise type(error)(f"{error} (only in the laptop form: {mend})") from None


def _planned(sweep: Sweep, metrics_of: MetricsOf, kept: Mapping[str, Sequence[Winner]]) -> SweepPlan:
    stages: dict[str, PlannedStage] = {}
    leaks = LeakCheck()
    for stage in sweep.stages:
        planner = StagePlanner(sweep, stage, stages, metrics_of, leaks, kept.get(stage.name))
        stages[stage.name] = planner.planned()
    found = {name: baseline_of(sweep, stages, name) for name in stages}
    return SweepPlan(sweep, stages, {name: baseline for name, baseline in found.items() if baseline})


def _refusal(sweep: Sweep) -> str:
    """Why a sweep cannot be planned, whatever has a result; empty when it can."""
    try:
        _planned(sweep, no_results, {})
    except (InvalidSweep, InvalidConfig, BadData) as error:
        return str(error)
    return ""
