"""The cells of a table with the trials behind them: what every part of a report starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seedbed.collect import StageTables
from seedbed.planning import PlannedTrial
from seedbed.state import TrialState
from seedbed.sweep.points import GATHERED
from seedbed.tables import Cell, Scalar, Table
from seedbed.tables.wording import label, place

CHOSEN = 24
"""So many points of a table are shown in detail: curves, classes, cost. All of them are in the table."""


@dataclass(frozen=True)
class TrialOf:
    """A trial of a point."""

    block: str
    """By what its value is paired: its seed, and where it stands among the replicates. The key in its cell."""

    planned: PlannedTrial
    state: TrialState


@dataclass(frozen=True)
class Point:
    """A cell of a table, where its trials are told on the page, and these trials."""

    anchor: str
    name: str
    row: str
    column: Scalar
    cell: Cell
    trials: Sequence[TrialOf]
    own: bool
    """Whether it is a point of the stage itself, not what the stage is compared with."""

    @property
    def finished(self) -> list[TrialOf]:
        """The trials that have a value."""
        return [trial for trial in self.trials if trial.block in self.cell.values]


@dataclass(frozen=True)
class TableView:
    """A table, where it stands on the page, and its points row by row."""

    anchor: str
    stage: StageTables
    table: Table
    points: Sequence[Point]

    @property
    def where(self) -> tuple[str, str]:
        """The split and the step (best or last) that the table's metric is of."""
        name, _, when = self.table.metric.partition("@")
        return name.split("/")[0], when or "best"

    def baseline_of(self, point: Point) -> Point | None:
        """What a point is compared with; None for a baseline itself, or without one."""
        if point.cell.difference is None:
            return None
        axes = point.cell.axes
        against = {
            trial.id
            for trial in self.stage.record.baseline
            if all(axes[axis] == value for axis, value in trial.axes.items() if axis in axes)
        }
        others = (other for other in self.points if other is not point)
        return next((one for one in others if against & {trial.planned.id for trial in one.trials}), None)


def table_views(stages: Sequence[StageTables]) -> list[TableView]:
    """All tables of a run with their points; what the sweep's author wants shown comes first."""
    shown = [stage for stage in stages if stage.record.shown]
    others = [stage for stage in stages if not stage.record.shown]
    ordered = [*shown, *others]
    return [
        TableView(anchor, stage, table, _points(anchor, stage, table))
        for number, stage in enumerate(ordered)
        for at, table in enumerate(stage.tables)
        for anchor in [f"table-{number}-{at}"]
    ]


def chosen(points: Sequence[Point], limit: int = CHOSEN) -> list[Point]:
    """At most `limit` points, in their order: the best, what they are compared with, others evenly spaced."""
    if len(points) <= limit:
        return list(points)
    best = [at for at, point in enumerate(points) if point.cell.mark == "best"]
    against = [at for at, point in enumerate(points) if not point.own]
    kept = set(list(dict.fromkeys([*best, *against]))[:limit])
    rest = [at for at in range(len(points)) if at not in kept]
    free = limit - len(kept)
    kept |= {rest[step * (len(rest) - 1) // max(free - 1, 1)] for step in range(free)}
    return [points[at] for at in sorted(kept)]


def shown_of(shown: Sequence[Point], points: Sequence[Point]) -> str:
    """What a reader is told where not all points are shown; empty where they are."""
    if len(shown) == len(points):
        return ""
    return (
        f"{len(shown)} of {len(points)} points are shown here: the best, what they are compared with, "
        "and others evenly spaced in the table."
    )


def _points(anchor: str, stage: StageTables, table: Table) -> list[Point]:
    own = _by_place(stage.record.trials, table.replicates)
    against = _by_place(stage.record.baseline, table.replicates)
    varied = _varied(table)
    points: list[Point] = []
    for at, row in enumerate(table.rows):
        for across, (column, cell) in enumerate(zip(table.columns, row.cells, strict=True)):
            if cell is None or any(point.cell is cell for point in points[-len(table.columns) :]):
                continue  # a baseline without a column axis is one point, under every column
            where = frozenset(cell.axes.items())
            is_own = row.source == table.stage
            trials = [
                TrialOf(_block(trial, table.replicates), trial, stage.states[trial.id])
                for trial in (own if is_own else against)[where]
            ]
            name = _name({axis: cell.axes[axis] for axis in varied if axis in cell.axes} or cell.axes)
            points.append(
                Point(
                    f"{anchor}-{at}-{across}",
                    (name if is_own else _against_in(row.label, table, cell)) or row.label,
                    row.label,
                    column,
                    cell,
                    trials,
                    own=is_own,
                )
            )
    return points


def _against_in(label: str, table: Table, cell: Cell) -> str:
    """A baseline's name, with its column where it has a point in each."""
    axis = table.columns_axis
    return label if axis is None or axis not in cell.axes else f"{label} {place({axis: cell.axes[axis]})}"


def _name(axes: Mapping[str, Scalar]) -> str:
    """How a point is called where its table is not beside it; one of another stage by that stage's name."""
    others = place({axis: value for axis, value in axes.items() if axis != GATHERED})
    return ", ".join(filter(None, [label(axes[GATHERED]) if GATHERED in axes else "", others]))


def _varied(table: Table) -> list[str]:
    """The axes on which a table's own points differ, the rows' first; others say nothing that its heading does not."""
    order = (table.rows_axis, *table.within_rows, table.columns_axis)
    placed = [axis for axis in order if axis is not None]
    values: dict[str, set[Scalar]] = {axis: set() for axis in placed}
    for row in table.rows:
        for cell in row.cells:
            for axis, value in cell.axes.items() if cell and row.source == table.stage else ():
                values.setdefault(axis, set()).add(value)
    return [axis for axis, found in values.items() if len(found) > 1]


Place = frozenset[tuple[str, Scalar]]


def _by_place(
    trials: Iterable[PlannedTrial], replicates: Sequence[str]
) -> Mapping[Place, list[PlannedTrial]]:
    found: dict[Place, list[PlannedTrial]] = {}
    for trial in trials:
        axes = {axis: value for axis, value in trial.axes.items() if axis not in replicates}
        found.setdefault(frozenset(axes.items()), []).append(trial)
    return found


def _block(trial: PlannedTrial, replicates: Sequence[str]) -> str:
    """The key of a trial's value in its cell."""
    there = [f"{axis}={label(trial.axes[axis])}" for axis in replicates if axis in trial.axes]
    return " ".join([str(trial.seed), *there])
