"""A published value stands beside exactly one cell of its stage's table."""

from __future__ import annotations

from collections.abc import Mapping

from seedbed.errors import InvalidSweep, did_you_mean
from seedbed.planning.model import PlannedStage, axes_in_words
from seedbed.sweep.language import Layout
from seedbed.sweep.part import Scalar, same

Cell = Mapping[str, Scalar]
"""Where a cell stands: its points' axes, less those that it averages over."""


def refuse_wrong_expectations(planned: PlannedStage, layout: Layout, place: str) -> None:
    """Raise InvalidSweep for a published value that cannot be, belongs to no cell, to several, or to a taken one."""
    expect = planned.stage.plan.expect
    if expect is None:
        return
    cells = _cells(planned, layout)
    taken: dict[int, int] = {}
    for number, value in enumerate(expect.values):
        _refuse_more_than_all(value.mean, planned, f"{place}.values.{number}.mean")
        here = f"{place}.values.{number}.at"
        for axis in value.at:
            _refuse_unplaced(axis, cells, layout, f"{here}.{axis}")
        cell = _the_cell(cells, value.at, planned.stage.name, here)
        first = taken.setdefault(cell, number)
        if first != number:
            raise InvalidSweep(f"{here}: values.{first} stands beside the same cell")


def _refuse_more_than_all(mean: float, planned: PlannedStage, place: str) -> None:
    table = planned.stage.plan.table
    if table is None or table.cell is None or planned.family.metric(table.cell).unit != "%":
        return
    if not 0 <= mean <= 100:
        raise InvalidSweep(f"{place}: found {mean:g}, expected per cent, as the table has them: 0 to 100")


def _cells(planned: PlannedStage, layout: Layout) -> list[Cell]:
    cells: dict[frozenset[tuple[str, Scalar]], Cell] = {}
    for point in planned.points:
        cell = {axis: value for axis, value in point.axes.items() if axis not in layout.replicates}
        cells.setdefault(frozenset(cell.items()), cell)
    return list(cells.values())


def _refuse_unplaced(axis: str, cells: list[Cell], layout: Layout, place: str) -> None:
    known = list(dict.fromkeys(axis for cell in cells for axis in cell))
    if axis in layout.replicates:
        raise InvalidSweep(f"{place}: a cell is a mean over {axis}; name it in the table's rows or columns")
    if axis not in known:
        raise InvalidSweep(f"{place}: the table has no axis {axis!r}; {did_you_mean(axis, known)}")


def _the_cell(cells: list[Cell], at: Mapping[str, Scalar], stage: str, place: str) -> int:
    """The number of the one cell that `at` leaves."""
    left = list(range(len(cells)))
    for axis, wanted in at.items():
        values = dict.fromkeys(cells[number][axis] for number in left if axis in cells[number])
        left = [number for number in left if same(cells[number].get(axis), wanted)]
        if not left:
            raise InvalidSweep(
                f"{place}.{axis}: no point of {stage} has {wanted!r}; {did_you_mean(wanted, values)}"
            )
    if len(left) > 1:
        labels = "; ".join(axes_in_words(cells[number]) for number in left[:3])
        more = f"; and {len(left) - 3} more" if len(left) > 3 else ""
        open_axes = dict.fromkeys(axis for number in left for axis in cells[number] if axis not in at)
        raise InvalidSweep(
            f"{place}: leaves {len(left)} cells of {stage} ({labels}{more}); say which {' and '.join(open_axes)}"
        )
    return left[0]
