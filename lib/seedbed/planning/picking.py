"""Which of a point's trials another trial builds on, when it is the best one."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.errors import InvalidSweep
from seedbed.family import Family
from seedbed.planning.model import MetricsOf, PlannedTrial


class NotYetKnown(Exception):
    """Which trial is the best cannot be said before all of its siblings have results."""


class Hopeless(Exception):
    """All siblings have results, and none can be the best."""


def best_trial(family: Family, trials: Sequence[PlannedTrial], metrics_of: MetricsOf) -> PlannedTrial:
    """The trial whose validation metric is best, ties to the smallest seed; a diverged one never is.

    Raises NotYetKnown or Hopeless when there is none; InvalidSweep when its family has no rule.
    """
    metrics = [metrics_of(trial) for trial in trials]
    if any(found is None for found in metrics):
        raise NotYetKnown
    rule = family.roles[trials[0].role].select_by
    if rule is None:
        raise InvalidSweep(
            f"pick: best: {family.name} does not say by which metric a {trials[0].role} is best"
        )
    name, sign = f"{rule[0]}@best", 1 if rule[1] == "max" else -1
    able = [
        (sign * found[name], -trial.seed, trial)
        for trial, found in zip(trials, metrics, strict=True)
        if found
    ]
    if not able:
        raise Hopeless(f"pick: best: every trial of {trials[0].label.rpartition(' ')[0]} diverged")
    return max(able, key=lambda entry: entry[:2])[2]
