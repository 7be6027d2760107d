"""Any two points, stages or sweeps side by side: the difference, what it can carry, and all else that differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from seedbed.addresses import Side, find_side
from seedbed.collect import optimistic, outcomes_of, usual_metric
from seedbed.errors import InvalidConfig, InvalidSweep, did_you_mean
from seedbed.evidence import look_into
from seedbed.family import load_family
from seedbed.settings import Change
from seedbed.state import look_up
from seedbed.statistics import (
    Difference,
    OverUnits,
    Pooled,
    minimum_detectable_difference,
    pooled_spread,
)
from seedbed.store import Store
from seedbed.tables import TableRequest, decimals_for
from seedbed.tables.cells import holm_adjusted
from seedbed.tables.points import Point, read_points, representatives

if TYPE_CHECKING:
    from seedbed.scores import Score


@dataclass(frozen=True)
class Comparison:
    """One point of A less one of B."""

    ours: Point
    theirs: Point
    difference: Difference | None
    """Over seeds; None where no seed is in both."""

    over_units: OverUnits | None
    detectable: float | None
    """The smallest true difference that so many pairs would show, four times in five."""

    p_holm: float | None
    """For all comparisons together; None where there are too few pairs for a p-value."""

    changes: Sequence[Change]
    """Every setting in which they differ: config, data, inputs, numerics, code."""


@dataclass(frozen=True)
class Comparisons:
    """All comparisons of A with B, in one metric."""

    metric: str
    unit: Literal["%", ""]
    higher_is_better: bool
    decimals: int

    pooled: Pooled | None
    """The spread behind all intervals over seeds: pooled over the points of all stages that take part."""

    optimistic: str
    """Which selection used the metric's split; empty where none did."""

    pairs: Sequence[Comparison]


@dataclass(frozen=True)
class _Points:
    """The points of a side that are meant, and all points of their stages."""

    meant: Sequence[Point]
    beside: Sequence[Point]
    score: Score | None
    by_seed: bool
    """Whether folds are averaged within a seed first."""


def compare(
    store: Store, ours: str, theirs: str, metric: str | None = None, *, full: bool = False
) -> Comparisons:
    """Compare what two addresses name, in `metric` or what the first one's table shows.

    An address is a sweep or one of its runs, with a stage and values of its axes as far as they matter:
    `kd-alpha-sweep/students[alpha.gaf=0.1,teacher=wrn16-1]`; or how a trial's id begins. Where both name several
    points, those of one stage that agree on their axes are compared, each with its counterpart. Raises
    InvalidSweep for what is not there, and InvalidConfig for such a metric, with the nearest name.
    """
    sides = [find_side(store, address, full=full) for address in (ours, theirs)]
    chosen = metric or _usual_metric(store, sides[0])
    a, b = (_points(store, side, chosen) for side in sides)
    pairs = list(_pairs(a.meant, b.meant))
    _refuse_unknown(chosen, sides, [*a.beside, *b.beside])
    if not pairs:
        if {*_trials(a)} == {*_trials(b)}:
            raise InvalidSweep(f"{ours} and {theirs}: both sides are the same trials")
        raise InvalidSweep(f"{ours} and {theirs}: no point of the one has a counterpart in the other")
    # Both sides may lie in one stage.
    pooled = pooled_spread({point: point.seeds for point in representatives([*a.beside, *b.beside]).values()})
    differences = {
        (mine, other): mine.minus(other, pooled, by_seed=a.by_seed or b.by_seed) for mine, other in pairs
    }
    adjusted = holm_adjusted(differences)
    family = load_family(sides[0].records[0].family)
    shown = family.metric(chosen)
    used = (
        optimistic(record, load_family(record.family), chosen) for side in sides for record in side.records
    )
    values = [value for pair in pairs for point in pair for value in point.values.values()]
    return Comparisons(
        chosen,
        shown.unit,
        shown.better == "higher",
        decimals_for(shown.unit, values),
        pooled,
        next(filter(None, used), ""),
        [
            Comparison(
                ours=mine,
                theirs=other,
                difference=one,
                over_units=mine.minus_over_units(other, a.score) if a.score and a.score == b.score else None,
                detectable=minimum_detectable_difference(pooled, one.n)
                if one and pooled and pooled.sd
                else None,
                p_holm=adjusted.get((mine, other)),
                changes=mine.changes_from(other),
            )
            for (mine, other), one in differences.items()
        ],
    )


def _points(store: Store, side: Side, metric: str) -> _Points:
    """The points of all stages of a side."""
    meant, beside, score = [], [], None
    for record in side.records:
        evidence = look_into(store, look_up(store, record.trials), metric)
        score = evidence.score
        outcomes = outcomes_of(store, record.trials, evidence)
        here = read_points(
            TableRequest(stage=record.stage, outcomes=outcomes, metric=metric, replicates=record.over),
            record.stage,
            outcomes,
        )
        beside += here
        meant += [point for point in here if side.holds(point.axes)]
    return _Points(meant, beside, score, any(record.over for record in side.records))


def _pairs(ours: Sequence[Point], theirs: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    """Everything with the one point of a side; of several on both, counterparts. No trial with itself."""
    alone = len(ours) == 1 or len(theirs) == 1
    stages = [{point.source for point in side} for side in (ours, theirs)]
    several = any(len(names) > 1 for names in stages)
    for mine in ours:
        for other in theirs:
            counterparts = mine.agrees(other.axes) and (mine.source == other.source or not several)
            if (alone or counterparts) and mine.trials != other.trials:
                yield mine, other


def _trials(side: _Points) -> Iterator[str]:
    return (trial for point in side.meant for trial in point.trials)


def _refuse_unknown(metric: str, sides: Sequence[Side], points: Sequence[Point]) -> None:
    """Raise InvalidConfig for a metric that no trial has and no family of theirs logs."""
    families = {record.family for side in sides for record in side.records}
    known = [name for family in families for name in load_family(family).metric_names()]
    recorded = [name for point in points for one in point.outcomes.values() for name in one.metrics]
    if metric not in known and metric not in recorded:
        near = did_you_mean(metric, dict.fromkeys([*recorded, *known]))
        raise InvalidConfig(f"--metric: no trial of A or B has {metric!r}; {near}")


def _usual_metric(store: Store, side: Side) -> str:
    record = next((record for record in side.records if record.shown), side.records[0])
    return usual_metric(record, look_up(store, record.trials))
