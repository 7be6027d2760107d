"""From the outcomes of a stage's trials to its tables: pure functions, without the store.

`build_tables` makes the tables; `terminal`, `markdown`, `latex`, `csv` and `json` each have
`render(tables, description="") -> str`. `description` says what the data are and stands beside the caption.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from seedbed import statistics
from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.settings import beyond
from seedbed.sweep.language import axes_of
from seedbed.tables.cells import failure_flags, holm_adjusted, marks
from seedbed.tables.model import (
    Baseline,
    Cell,
    Expected,
    Facts,
    Flag,
    Mark,
    Outcome,
    Published,
    Row,
    Scalar,
    Table,
    TableRequest,
)
from seedbed.tables.points import Point, read_points, representatives
from seedbed.tables.wording import label, place

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
    "decimals_for",
]


def build_tables(request: TableRequest) -> list[Table]:
    """The tables of a stage: one for each combination of the axes that are in no row, column or replicate.

    Of those, an axis that some points lack makes no table of its own: it stands in the labels of the others' rows.
    Values keep the order in which they first occur. A trial without a finite value is counted and noted,
    never dropped. The spread behind differences and marks is pooled over the whole stage and its baseline;
    what is best, and what cannot be told from it, is said within a table, and within a value of the axes that the
    plan goes over. A point that lacks a seed is never best.

    Raises InvalidSweep for an axis or a metric that no outcome has, and for a baseline that is not one point
    for each point; ValueError for two outcomes of one point and seed.
    """
    _refuse_unknown(request)
    stage = _Stage(request)
    apart = [axis for axis in stage.axes if axis not in (*_placed(request), *stage.within_rows)]
    groups: dict[tuple[Scalar, ...], list[Point]] = {}
    for point in stage.points:
        groups.setdefault(tuple(point.axes.get(axis) for axis in apart), []).append(point)
    return [stage.table(dict(zip(apart, values, strict=True)), points) for values, points in groups.items()]


class _Stage:
    """All points of a request, and what holds for all of its tables."""

    def __init__(self, request: TableRequest) -> None:
        self.request = request
        self.points = read_points(request, request.stage, request.outcomes)
        baseline = request.baseline
        self.baselines = read_points(request, baseline.label, baseline.outcomes) if baseline else []
        own = {point.trials for point in self.points if point.trials}
        self.outside = [point for point in self.baselines if point.trials not in own]
        self.first = representatives(self.points)
        self.facts = _facts([*dict.fromkeys(self.first.values()), *self.outside])
        against = {point: self._against(point) for point in self.points}
        self.against = {point: other for point, other in against.items() if other}
        self.differences = {
            point: point.minus(other, self.facts.pooled, by_seed=bool(request.replicates))
            for point, other in self.against.items()
        }
        self.facts = _with_pairs(self.facts, [one.n for one in self.differences.values() if one])
        self.axes = axes_of(outcome.axes for outcome in request.outcomes)
        placed = _placed(request)
        self.within_rows = [
            axis
            for axis in self.axes
            if axis not in placed and not all(axis in point.axes for point in self.points)
        ]
        of_first = {point: one for point, one in self.differences.items() if self.first[point] is point}
        self.p_holm = holm_adjusted(of_first)
        tags = Counter(tag for point in [*self.points, *self.outside] for tag in point.numerics)
        self.usual_numerics = {tag for tag, _ in tags.most_common(1)}

    def table(self, separate: Mapping[str, Scalar], points: Sequence[Point]) -> Table:
        request = self.request
        columns = tuple(dict.fromkeys(point.at(request.columns) for point in points))
        at_top = [
            {**separate, request.columns: column} if request.columns else separate for column in columns
        ]
        outside = [point for point in self.outside if any(map(point.agrees, at_top))]
        marked = self._marked([*points, *outside])
        cells = {point: self._cell(point, marked.get(point, "")) for point in [*points, *outside]}

        means = [cell.mean for cell in cells.values() if cell.mean is not None]
        of_row = [axis for axis in (request.rows, *self.within_rows) if axis]
        by_row: dict[tuple[Scalar, ...], dict[Scalar, Point]] = {}
        for point in points:
            by_row.setdefault(tuple(map(point.at, of_row)), {})[point.at(request.columns)] = point
        baselines: dict[tuple[Scalar, ...], list[Point]] = {}
        for point in outside:
            baselines.setdefault(tuple(map(point.at, of_row)), []).append(point)
        return Table(
            stage=request.stage,
            metric=request.metric,
            unit=request.unit,
            decimals=decimals_for(request.unit, means),
            std=request.std,
            higher_is_better=request.higher_is_better,
            rows_axis=request.rows,
            columns_axis=request.columns,
            replicates=tuple(request.replicates),
            over=tuple(axis for axis in request.over if axis not in request.replicates),
            separate=separate,
            within_rows=tuple(self.within_rows),
            columns=columns,
            rows=(
                *(
                    Row(
                        self._row_name(next(iter(row.values()))),
                        request.stage,
                        tuple(cells[row[column]] if column in row else None for column in columns),
                    )
                    for row in by_row.values()
                ),
                *(
                    _baseline_row(of_row, [_first(row, axes) for axes in at_top], cells)
                    for row in baselines.values()
                ),
            ),
            baseline=request.baseline.label if request.baseline else None,
            trivial=dict(request.trivial),
            source=request.source,
            show=tuple(request.show),
            optimistic=request.optimistic,
            facts=self.facts,
            of_pairs=request.score is not None and request.score.of == "pairs",
            unpaired=_unpaired([self.differences[point] for point in points if point in self.against]),
        )

    def _marked(self, points: Sequence[Point]) -> dict[Point, Mark]:
        """The marks of a table's points, for each value of the axes that its plan goes `over`: of those none wins."""
        found: dict[Point, Mark] = {}
        across: dict[tuple[Scalar, ...], list[Point]] = {}
        for point in points:
            across.setdefault(tuple(map(point.at, self.request.over)), []).append(point)
        for alike in across.values():
            first = representatives(alike)
            of_first = marks(
                list(dict.fromkeys(first.values())),
                self.facts.pooled,
                higher_is_better=self.request.higher_is_better,
            )
            found |= {point: of_first[one] for point, one in first.items() if one in of_first}
        return found

    def _row_name(self, point: Point) -> str:
        """The label of the row in which a point stands."""
        rows = self.request.rows
        own = {axis: point.axes[axis] for axis in self.within_rows if axis in point.axes}
        here = label(point.at(rows)) if rows and (rows in point.axes or not own) else ""
        return ", ".join(filter(None, [here, place(own)])) or self.request.stage

    def _cell(self, point: Point, mark: Mark) -> Cell:
        values = list(point.values.values())
        score, other = self.request.score, self.against.get(point)
        return Cell(
            axes=point.axes,
            planned=len(point.values) + len(point.failures),
            n=len(values),
            mean=fmean(values) if values else None,
            std=statistics.spread(values, self.request.std),
            seeds=len(point.seeds),
            over_seeds=statistics.interval_over_seeds(list(point.seeds.values())),
            over_units=point.over_units(score) if score else None,
            pooled=point.pooled(score) if score and self.request.replicates else None,
            values=point.values,
            failures=point.failures,
            difference=self.differences.get(point),
            difference_over_units=point.minus_over_units(other, score) if other and score else None,
            p_holm=self.p_holm.get(self.first.get(point, point)),
            differs=beyond(point.changes_from(other), self.axes) if other else [],
            mark=mark,
            published=self._published(point),
            flags=self._flags(point),
        )

    def _flags(self, point: Point) -> list[Flag]:
        request = self.request
        told: dict[Flag, bool] = {
            "optimistic": bool(request.optimistic) and bool(point.values),
            "test-selected": request.replicate,
            "population": request.std == "population" and len(point.values) > 1,
            "numerics": bool(point.numerics - self.usual_numerics),
            "health": any(outcome.unwell for outcome in point.outcomes.values()),
        }
        return [*(flag for flag, holds in told.items() if holds), *failure_flags(point)]

    def _published(self, point: Point) -> Published | None:
        """What was published for this point; an interval would take folds for runs, so replicates have none."""
        request = self.request
        expected = next((one for one in request.expected if point.stands_at(one.axes)), None)
        if expected is None or point in self.outside:
            return None
        std = None if request.replicates else expected.std
        minus = statistics.departure(list(point.values.values()), expected.mean, std, expected.n, request.std)
        return Published(expected.mean, expected.std, expected.n, minus)

    def _against(self, point: Point) -> Point | None:
        """The point that this one is compared with; None for a baseline itself."""
        if point in self.outside:
            return None
        against = [baseline for baseline in self.baselines if baseline.agrees(point.axes)]
        if len(against) > 1:
            places = "; ".join(baseline.name for baseline in against)
            raise InvalidSweep(f"baseline: {point.name} stands against {len(against)} points: {places}")
        same = against and point.trials and point.trials == against[0].trials
        return against[0] if against and not same else None


def _facts(points: Sequence[Point]) -> Facts:
    values = {point: point.seeds for point in points}
    n = max((len(point.seeds) for point in points), default=0)
    spread = statistics.pooled_spread(values)
    pooled = spread if spread and spread.sd else None
    unlike = statistics.unlike_the_others(values)
    return Facts(
        n=n,
        trials=max((len(point.values) for point in points), default=0),
        pooled=pooled,
        alike=spread is not None and pooled is None,
        detectable=statistics.minimum_detectable_difference(pooled, n) if pooled else None,
        unlike={point.name: spreads for point, spreads in unlike.items()},
    )


def _with_pairs(facts: Facts, pairs: Sequence[int]) -> Facts:
    """Also what can be seen by the comparison with the fewest pairs, where those are fewer than the seeds."""
    fewest = min(pairs, default=facts.n)
    if facts.pooled is None or fewest >= facts.n:
        return facts
    seen = statistics.minimum_detectable_difference(facts.pooled, fewest)
    return replace(facts, pairs=fewest, detectable_in_pairs=seen)


def _unpaired(differences: Sequence[statistics.Difference | None]) -> bool:
    return bool(differences) and not any(differences)


def decimals_for(unit: str, figures: Iterable[float]) -> int:
    """To how many decimals figures are read: one of a per cent, of anything else three, and more of small ones."""
    largest = max(map(abs, figures), default=0.0) or 1.0
    return 1 if unit == "%" else max(3, 2 - math.floor(math.log10(largest)))


def _first(points: Iterable[Point], axes: Mapping[str, Scalar]) -> Point | None:
    return next((point for point in points if point.agrees(axes)), None)


def _baseline_row(of_row: Sequence[str], across: Sequence[Point | None], cells: Mapping[Point, Cell]) -> Row:
    point = next(point for point in across if point)
    where = place({axis: point.axes[axis] for axis in of_row if axis in point.axes})
    name = ", ".join(filter(None, [point.source, where]))
    return Row(name, point.source, tuple(cells[point] if point else None for point in across))


def _placed(request: TableRequest) -> list[str]:
    return [axis for axis in (request.rows, request.columns, *request.replicates) if axis is not None]


def _refuse_unknown(request: TableRequest) -> None:
    """Raise InvalidSweep for what the plan's `table` names and the outcomes do not have."""
    if not request.outcomes:
        return
    known = axes_of(outcome.axes for outcome in request.outcomes)
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
