"""Which of a point's trials another trial builds on, when it is the best one."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.errors import InvalidSweep
from seedbed.family import Family
from seedbed.planning.model import UNUSABLE, MetricsOf, PlannedTrial


class NotYetKnown(Exception):
    """Which trial is the best cannot be said before all of its siblings have results."""


class Hopeless(Exception):
    """All siblings have results, and none can be the best."""


def best_trial(family: Family, trials: Sequence[PlannedTrial], metrics_of: MetricsOf) -> PlannedTrial:
    """The trial whose validation metric is best, ties to the smallest seed; never a diverged or contradicted one.

    Raises NotYetKnown or Hopeless when there is none; InvalidSweep when its family has no rule.
    """
    rule = family.roles[trials[0].role].select_by
    if rule is None:
        raise InvalidSweep(
            f"pick: best: {family.name} does not say by which metric a {trials[0].role} is best"
        )
    name, sign = f"{rule[0]}@best", 1 if rule[1] == "max" else -1
    metrics = metrics_of(trials, name)
    if any(found is None for found in metrics.values()):
        raise NotYetKnown
    able = [
        (sign * found[name], -trial.seed, trial)
        for trial in trials
        if (found := metrics[trial.id]) and name in found
    ]
    if not able:
        wrong = any(found is UNUSABLE for found in metrics.values())
        why = "diverged or contradicts its predictions" if wrong else "diverged"
        raise Hopeless(f"pick: best: every trial of {trials[0].label.rpartition(' ')[0]} {why}")
    return max(able, key=lambda entry: entry[:2])[2]
