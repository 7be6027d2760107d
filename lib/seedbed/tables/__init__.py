"""From the outcomes of a stage's trials to its tables: pure functions, without the store.

`build_tables` makes the tables; `terminal`, `markdown`, `latex`, `csv` and `json` each have
`render(tables, description="") -> str`. `description` says what the data are and stands beside the caption.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from seedbed import statistics
from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.tables.model import (
    Baseline,
    Cell,
    Expected,
    Facts,
    Outcome,
    Published,
    Row,
    Scalar,
    Table,
    TableRequest,
)
from seedbed.tables.wording import label, metric_name, place

__all__ = [
    "Baseline",
    "Cell",
    "Expected",
    "Facts",
    "Outcome",
    "Published",
    "Row",
    "Scalar",
    "Table",
    "TableRequest",
    "build_tables",
]


def build_tables(request: TableRequest) -> list[Table]:
    """The tables of a stage: one for each combination of the axes that are in no row, column or replicate.

    Values keep the order in which they first occur. A trial without a finite value is counted and noted,
    never dropped. The spread behind differences and marks is pooled over the whole stage and its baseline;
    what is best, and what cannot be told from it, is said within a table. A point that lacks a seed is never
    best.

    Raises InvalidSweep for an axis or a metric that no outcome has, and for a baseline that is not one point
    for each point; ValueError for two outcomes of one point and seed.
    """
    _refuse_unknown(request)
    stage = _Stage(request)
    apart = [axis for axis in _axes(request.outcomes) if axis not in _placed(request)]
    groups: dict[tuple[Scalar, ...], list[_Point]] = {}
    for point in stage.points:
        groups.setdefault(tuple(point.axes.get(axis) for axis in apart), []).append(point)
    return [stage.table(dict(zip(apart, values, strict=True)), points) for values, points in groups.items()]


@dataclass(frozen=True, eq=False)
class _Point:
    """The trials of one point: the values of those that have one, and why the others have none."""

    source: str
    axes: Mapping[str, Scalar]
    values: dict[str, float]
    failures: dict[str, str]
    trials: set[str]

    @property
    def name(self) -> str:
        return f"{self.source} {place(self.axes)}".rstrip()

    def at(self, axis: str | None) -> Scalar:
        return self.axes.get(axis) if axis else None

    def stands_at(self, axes: Mapping[str, Scalar]) -> bool:
        return all(self.axes.get(axis) == value for axis, value in axes.items())

    def agrees(self, axes: Mapping[str, Scalar]) -> bool:
        return all(axes[axis] == value for axis, value in self.axes.items() if axis in axes)


class _Stage:
    """All points of a request, and what holds for all of its tables."""

    def __init__(self, request: TableRequest) -> None:
        self.request = request
        self.points = _points(request, request.stage, request.outcomes)
        baseline = request.baseline
        self.baselines = _points(request, baseline.label, baseline.outcomes) if baseline else []
        trials = set().union(*(point.trials for point in self.points))
        self.outside = [point for point in self.baselines if not point.trials & trials]
        self.facts = _facts([*self.points, *self.outside])

    def table(self, separate: Mapping[str, Scalar], points: Sequence[_Point]) -> Table:
        request = self.request
        columns = tuple(dict.fromkeys(point.at(request.columns) for point in points))
        at_top = [
            {**separate, request.columns: column} if request.columns else separate for column in columns
        ]
        outside = [point for point in self.outside if any(map(point.agrees, at_top))]
        marks = _marks([*points, *outside], self.facts.pooled, higher_is_better=request.higher_is_better)
        cells = {point: self._cell(point, marks.get(point, "")) for point in [*points, *outside]}

        by_row: dict[Scalar, dict[Scalar, Cell]] = {}
        for point in points:
            by_row.setdefault(point.at(request.rows), {})[point.at(request.columns)] = cells[point]
        baselines: dict[Scalar, list[_Point]] = {}
        for point in outside:
            baselines.setdefault(point.at(request.rows), []).append(point)
        return Table(
            stage=request.stage,
            metric=request.metric,
            unit=request.unit,
            decimals=_decimals(request.unit, cells.values()),
            std=request.std,
            higher_is_better=request.higher_is_better,
            rows_axis=request.rows,
            columns_axis=request.columns,
            replicates=tuple(request.replicates),
            separate=separate,
            columns=columns,
            rows=(
                *(
                    Row(
                        label(value) if request.rows else request.stage,
                        request.stage,
                        tuple(map(row.get, columns)),
                    )
                    for value, row in by_row.items()
                ),
                *(
                    _baseline_row(request.rows, [_first(row, axes) for axes in at_top], cells)
                    for row in baselines.values()
                ),
            ),
            baseline=request.baseline.label if request.baseline else None,
            trivial=dict(request.trivial),
            source=request.source,
            facts=self.facts,
        )

    def _cell(self, point: _Point, mark: Literal["best", "alike", ""]) -> Cell:
        values = list(point.values.values())
        return Cell(
            axes=point.axes,
            planned=len(point.values) + len(point.failures),
            n=len(values),
            mean=fmean(values) if values else None,
            std=statistics.spread(values, self.request.std),
            over_seeds=None if self.request.replicates else statistics.interval_over_seeds(values),
            values=point.values,
            failures=point.failures,
            difference=self._difference(point),
            mark=mark,
            published=self._published(point),
        )

    def _published(self, point: _Point) -> Published | None:
        """What was published for this point; an interval would take folds for runs, so replicates have none."""
        request = self.request
        expected = next((one for one in request.expected if point.stands_at(one.axes)), None)
        if expected is None or point in self.outside:
            return None
        std = None if request.replicates else expected.std
        minus = statistics.departure(list(point.values.values()), expected.mean, std, expected.n, request.std)
        return Published(expected.mean, expected.std, expected.n, minus)

    def _difference(self, point: _Point) -> statistics.Difference | None:
        if point in self.outside:
            return None
        against = [baseline for baseline in self.baselines if baseline.agrees(point.axes)]
        if len(against) > 1:
            places = "; ".join(baseline.name for baseline in against)
            raise InvalidSweep(f"baseline: {point.name} stands against {len(against)} points: {places}")
        if not against or point.trials & against[0].trials:
            return None
        return statistics.paired_difference(point.values, against[0].values, self.facts.pooled)


def _points(request: TableRequest, source: str, outcomes: Iterable[Outcome]) -> list[_Point]:
    points: dict[frozenset[tuple[str, Scalar]], _Point] = {}
    for outcome in outcomes:
        axes = {axis: value for axis, value in outcome.axes.items() if axis not in request.replicates}
        point = points.setdefault(frozenset(axes.items()), _Point(source, axes, {}, {}, set()))
        block = _block(outcome, request.replicates)
        if block in point.values or block in point.failures:
            raise ValueError(f"{point.name}: two outcomes of seed {block}")
        value = outcome.metrics.get(request.metric) if outcome.status == "finished" else None
        if value is not None and math.isfinite(value):
            point.values[block] = float(value)
        else:
            point.failures[block] = _failure(outcome, request.metric, value)
        if outcome.trial:
            point.trials.add(outcome.trial)
    return list(points.values())


def _block(outcome: Outcome, replicates: Iterable[str]) -> str:
    """What a value is paired by: its seed, and where it stands among the replicates."""
    there = [f"{axis}={label(outcome.axes[axis])}" for axis in replicates if axis in outcome.axes]
    return " ".join([str(outcome.seed), *there])


def _failure(outcome: Outcome, metric: str, value: float | None) -> str:
    if outcome.status == "finished":
        return f"missing: {metric_name(metric)} is {'not there' if value is None else value}"
    if outcome.note.startswith(outcome.status):
        return outcome.note
    return f"{outcome.status}: {outcome.note}" if outcome.note else outcome.status


def _facts(points: Sequence[_Point]) -> Facts:
    values = {point: point.values for point in points}
    n = max((len(point.values) for point in points), default=0)
    pooled = statistics.pooled_spread(values)
    unlike = statistics.unlike_the_others(values)
    return Facts(
        n=n,
        pooled=pooled,
        detectable=statistics.minimum_detectable_difference(pooled, n) if pooled else None,
        unlike={point.name: spreads for point, spreads in unlike.items()},
    )


def _marks(
    points: Sequence[_Point], pooled: statistics.Pooled | None, *, higher_is_better: bool
) -> dict[_Point, Literal["best", "alike"]]:
    """Who is best among the points with all their seeds, and who is not shown to be worse; none alone is."""
    means = {point: fmean(point.values.values()) for point in points if point.values and not point.failures}
    if pooled is None or len(means) < 2:
        return {}
    top = max(means.values()) if higher_is_better else min(means.values())
    best = [point for point, mean in means.items() if mean == top]
    alike = statistics.not_distinguishable_from_best(
        {point: point.values for point in points}, best[0], pooled, higher_is_better=higher_is_better
    )
    return {**dict.fromkeys(alike, "alike"), **dict.fromkeys(best, "best")}


def _decimals(unit: str, cells: Iterable[Cell]) -> int:
    """One of a per cent; of anything else three, and more where all figures are small."""
    largest = max((abs(cell.mean) for cell in cells if cell.mean), default=1.0)
    return 1 if unit == "%" else max(3, 2 - math.floor(math.log10(largest)))


def _first(points: Iterable[_Point], axes: Mapping[str, Scalar]) -> _Point | None:
    return next((point for point in points if point.agrees(axes)), None)


def _baseline_row(rows: str | None, across: Sequence[_Point | None], cells: Mapping[_Point, Cell]) -> Row:
    point = next(point for point in across if point)
    name = (
        f"{point.source}, {place({rows: point.axes[rows]})}" if rows and rows in point.axes else point.source
    )
    return Row(name, point.source, tuple(cells[point] if point else None for point in across))


def _axes(outcomes: Iterable[Outcome]) -> list[str]:
    return list(dict.fromkeys(axis for outcome in outcomes for axis in outcome.axes))


def _placed(request: TableRequest) -> list[str]:
    return [axis for axis in (request.rows, request.columns, *request.replicates) if axis is not None]


def _refuse_unknown(request: TableRequest) -> None:
    """Raise InvalidSweep for what the plan's `table` names and the outcomes do not have."""
    if not request.outcomes:
        return
    known = _axes(request.outcomes)
    for axis, times in Counter(_placed(request)).items():
        if axis not in known:
            raise InvalidSweep(f"table: {request.stage} has no axis {axis!r}; {did_you_mean(axis, known)}")
        if times > 1:
            raise InvalidSweep(
                f"table: axis {axis!r} can be one of rows, columns and replicates, not several"
            )
    finished = [outcome.metrics for outcome in request.outcomes if outcome.status == "finished"]
    if finished and not any(request.metric in metrics for metrics in finished):
        recorded = dict.fromkeys(name for metrics in finished for name in metrics)
        raise InvalidSweep(
            f"table.cell: no trial of {request.stage} has {request.metric!r}; "
            f"{did_you_mean(request.metric, recorded)}"
        )
