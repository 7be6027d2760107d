"""Which point of a stage wins: by the mean of a validation metric over its runs, against the incumbent.

A run is a seed, or a seed and a place on each replicate axis. Nothing here looks at what a point is, so that
what a plan asks in the middle of a sweep and what a table tells afterwards is one and the same choice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from seedbed.planning.model import UNUSABLE, PlannedTrial, axes_in_words
from seedbed.statistics import mean_of_each, pooled_spread
from seedbed.sweep.ordered import SelectPlan
from seedbed.sweep.part import Scalar

Axes = Mapping[str, Scalar]
Run = tuple[Any, ...]
"""A seed, and where it stands on the replicate axes."""


ROUNDING = 1e-9
"""Of a standard error: a point that is ahead by exactly one, as far as can be told, does not beat the incumbent."""


class NoWinner(Exception):
    """Every trial has its result, and no point can win."""


@dataclass(frozen=True)
class Contender:
    """A point as it stood when its stage's winner was chosen."""

    axes: dict[str, Scalar]
    runs: int
    """How many it was to have."""

    mean: float | None
    """Of the metric over its runs; None when it cannot win for want of some."""

    barred: str = ""
    """Why it cannot win."""


@dataclass(frozen=True)
class Winner:
    """The point that a stage hands on, and what that rests on."""

    within: dict[str, Scalar]
    """Where it was chosen, when there is a winner for each value of some axes."""

    axes: dict[str, Scalar]
    """Where it stands, replicate axes aside."""

    incumbent: dict[str, Scalar] | None
    """Where the point stands that it had to beat; None when there was none, or it could not win itself."""

    metric: str
    """By which it was chosen."""

    mode: str
    rule: str
    reason: str
    """Why this one, in words."""

    standard_error: float | None
    """Of a difference of two points: pooled sd · √(2/runs)."""

    seeds: list[int]
    contenders: list[Contender]

    @property
    def mean(self) -> float:
        """Its own mean."""
        return next(one.mean for one in self.contenders if one.axes == self.axes and one.mean is not None)

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in winner.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Winner:
        """The reverse of to_json."""
        return cls(**{**plain, "contenders": [Contender(**one) for one in plain["contenders"]]})


def choose(
    select: SelectPlan,
    higher_is_better: bool,
    trials: Sequence[PlannedTrial],
    over: Collection[str],
    incumbents: Sequence[Axes],
    metrics_of: Callable[[PlannedTrial], Mapping[str, float] | None],
) -> list[Winner] | None:
    """The winner for each value of the axes that `select` is `within`; None while a trial has no result.

    Raises NoWinner when no point can win somewhere: each has a run that diverged or contradicts its
    predictions, or leaves the bounds.
    """
    found = [metrics_of(trial) for trial in trials]
    if not trials or any(metrics is None for metrics in found):
        return None
    points: dict[Any, _Point] = {}
    for trial, metrics in zip(trials, found, strict=True):
        axes = {axis: value for axis, value in trial.axes.items() if axis not in over}
        run = (trial.seed, *(trial.axes.get(axis) for axis in sorted(over)))
        point = points.setdefault(_key(axes), _Point(axes, {}))
        point.metrics[run] = metrics or {}
    mode = select.mode or ("max" if higher_is_better else "min")
    groups: dict[Any, list[_Point]] = {}
    for point in points.values():
        groups.setdefault(tuple(point.axes.get(axis) for axis in select.within), []).append(point)
    at = [_key(axes) for axes in incumbents]
    return [
        _among(select, mode, group, next((one for one in group if _key(one.axes) in at), None))
        for group in groups.values()
    ]


@dataclass(frozen=True)
class _Point:
    axes: dict[str, Scalar]
    metrics: dict[Run, Mapping[str, float]]

    def values(self, metric: str) -> dict[Run, float]:
        """The metric of each run that has it, in the runs' own order."""
        found = {run: metrics[metric] for run, metrics in self.metrics.items() if metric in metrics}
        return {run: found[run] for run in sorted(found, key=repr) if math.isfinite(found[run])}


def _among(select: SelectPlan, mode: str, points: Sequence[_Point], incumbent: _Point | None) -> Winner:
    """The winner of one group."""
    sign = 1 if mode == "max" else -1
    values = {index: point.values(select.metric) for index, point in enumerate(points)}
    barred = {index: _barred(select, point, values[index]) for index, point in enumerate(points)}
    able = [index for index, why in barred.items() if not why]
    within = {axis: points[0].axes[axis] for axis in select.within if axis in points[0].axes}
    if not able:
        where = f" for {axes_in_words(within)}" if within else ""
        whys = "; ".join(f"{axes_in_words(points[index].axes)}: {why}" for index, why in barred.items())
        raise NoWinner(f"no point can win{where} ({whys})")
    means = {index: fmean(values[index].values()) for index in able}
    held = next((index for index in able if points[index] is incumbent), None)
    best = max(able, key=lambda index: (sign * means[index], index == held, -index))
    error = _standard_error([values[index] for index in able])
    winner, reason = _decide(select.rule, best, held, error, sign, means)
    return Winner(
        within=within,
        axes=points[winner].axes,
        incumbent=points[held].axes if held is not None else None,
        metric=select.metric,
        mode=mode,
        rule=select.rule,
        reason=reason,
        standard_error=error,
        seeds=sorted({run[0] for point in points for run in point.metrics}),
        contenders=[
            Contender(point.axes, len(point.metrics), means.get(index), barred[index])
            for index, point in enumerate(points)
        ],
    )


def _decide(
    rule: str, best: int, held: int | None, error: float | None, sign: int, means: Mapping[int, float]
) -> tuple[int, str]:
    """The winner's number, and why it is."""
    if best == held:
        return best, "the incumbent has the best mean"
    if held is None:
        return best, "the best mean; there is no incumbent that could win"
    if rule == "best":
        return best, "the best mean"
    if error is None:
        return held, "one seed a point: no standard error, so that the incumbent stays"
    ahead = sign * (means[best] - means[held])
    if ahead > error * (1 + ROUNDING):
        return best, "beats the incumbent by more than one standard error"
    return held, "no point beats the incumbent by more than one standard error"


def _barred(select: SelectPlan, point: _Point, values: Mapping[Run, float]) -> str:
    """Why a point cannot win; empty when it can."""
    runs = len(point.metrics)
    diverged = sum(not metrics for metrics in point.metrics.values())
    if diverged:
        return f"{diverged} of {runs} runs diverged"
    wrong = sum(metrics is UNUSABLE for metrics in point.metrics.values())
    if wrong:
        return f"{wrong} of {runs} runs contradict their predictions, or repeat another seed's to the bit"
    if len(values) < runs:
        return f"{runs - len(values)} of {runs} runs have no {select.metric}"
    for name, bounds in select.require.items():
        found = [metrics[key] for metrics in point.metrics.values() if (key := _named(metrics, name))]
        if len(found) < runs:
            return f"{runs - len(found)} of {runs} runs have no {name}"
        if bounds.max is not None and max(found) > bounds.max:
            return f"{name} is {max(found):g}, at most {bounds.max:g} is asked for"
        if bounds.min is not None and min(found) < bounds.min:
            return f"{name} is {min(found):g}, at least {bounds.min:g} is asked for"
    return ""


def _named(metrics: Mapping[str, float], name: str) -> str | None:
    """The metric that a short name means: params, val/f1, val/f1@last."""
    wanted = [name, f"{name}@best", *(key for key in metrics if key.endswith(f"/{name}@best"))]
    return next((key for key in wanted if key in metrics), None)


def _standard_error(values: Sequence[Mapping[Run, float]]) -> float | None:
    """Over seeds, of the difference of two points that have all of their runs; the spread is pooled over all such.

    A seed's folds are averaged first, as in tables: they are no runs of their own. None for a single seed.
    """
    by_seed = [mean_of_each((seed, value) for (seed, *_), value in of_point.items()) for of_point in values]
    pooled = pooled_spread(dict(enumerate(by_seed)))
    return pooled.sd * math.sqrt(2 / len(by_seed[0])) if pooled else None


def _key(axes: Axes) -> frozenset[tuple[str, Any]]:
    """A place on the axes, whatever their order; true is not 1."""
    return frozenset((axis, (type(value) is bool, value)) for axis, value in axes.items())
