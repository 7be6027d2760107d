"""The parts in which a table is printed: which column holds what, alike in every rendering that a person reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seedbed.statistics import Difference, OverUnits
from seedbed.tables.model import Cell, Published, Scalar, Table
from seedbed.tables.wording import label, metric_name


@dataclass(frozen=True)
class Compared:
    """A difference, its p-value for all comparisons together, and how many pairs it is from where that is not
    the point's own number of seeds."""

    difference: Difference | OverUnits
    pairs: str = ""
    p: float | None = None


@dataclass(frozen=True)
class Mean:
    """A point without its spread, which stands apart or not at all."""

    cell: Cell


Entry = str | float | Cell | Mean | Compared | OverUnits | Published | None
"""What stands in one place: words, a figure alone, a point, its mean, a difference, a point over units, a published
value, nothing."""


@dataclass(frozen=True)
class Column:
    """A header and what stands under it."""

    header: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Grid:
    """A part of a table as it is printed; the first column holds the rows' labels."""

    title: str
    columns: Sequence[Column]


def grids(table: Table) -> list[Grid]:
    """The parts to print: what is compared stands beside a single column, in grids of its own under several."""
    labels = Column(_corner(table), [*(row.label for row in table.rows), *table.trivial])
    headers = [_header(table, value) for value in table.columns]
    beside = _beside(table)
    if len(headers) == 1:
        figures = _figures(table, headers[0], 0)
        compared = (Column(title, entries) for title, (entries,) in beside.items())
        return [Grid("", [labels, *figures, *compared])]
    whole = [Grid("", [labels, *(_whole(table, header, at) for at, header in enumerate(headers))])]
    apart = [
        Grid(header, [replace(labels, header=table.rows_axis or ""), *_figures(table, header, at)])
        for at, header in enumerate(headers)
    ]
    return [
        *(apart if table.show else whole),
        *(_grid(table, labels.header, title, headers, columns) for title, columns in beside.items()),
    ]


def _grid(
    table: Table, corner: str, title: str, headers: Sequence[str], columns: Sequence[Sequence[Entry]]
) -> Grid:
    """A grid of what stands beside; without the rows at its end that have none of it, such as baselines."""
    rows = max(at for column in columns for at, entry in enumerate(column, start=1) if entry is not None)
    names = Column(corner, [row.label for row in table.rows[:rows]])
    shown = (Column(header, column[:rows]) for header, column in zip(headers, columns, strict=True))
    return Grid(title, [names, *shown])


def _whole(table: Table, header: str, at: int) -> Column:
    """Mean, spread and count in one."""
    return Column(header, [*(row.cells[at] for row in table.rows), *table.trivial.values()])


def _figures(table: Table, header: str, at: int) -> list[Column]:
    """A column's figures as the plan shows them: in one, or trials, mean and spread apart."""
    if not table.show:
        return [_whole(table, header, at)]
    cells = [row.cells[at] for row in table.rows]
    found = []
    for part in table.show:
        if part == "trials":
            found += [
                Column(f"Trial {number}", [_trial(cell, block) for cell in cells])
                for number, block in enumerate(table.trials, start=1)
            ]
        elif part == "mean":
            means = [Mean(cell) if cell else None for cell in cells]
            found.append(Column("Mean", [*means, *table.trivial.values()]))
        else:
            found.append(Column("Std", [cell.std if cell else None for cell in cells]))
    return found


def _trial(cell: Cell | None, block: str) -> Entry:
    """One trial's value, or in a word why it has none."""
    if cell is None:
        return None
    reason = cell.failures.get(block, "")
    return cell.values.get(block, reason.split(":")[0].split(" ")[0])


def _beside(table: Table) -> dict[str, list[list[Entry]]]:
    """What stands beside the points' figures, by title: an entry for each row, column by column.

    Where points are run over folds, new units come before new seeds.
    """
    counts = {one.n for cell in table.cells if (one := _bounded(cell.over_units))}
    units = f"over {counts.pop()} units" if len(counts) == 1 else "over units"
    minus = f"minus {table.baseline},"
    of_units: dict[str, Callable[[Cell], Entry]] = {
        units: lambda cell: _bounded(cell.over_units),
        "pooled": lambda cell: cell.pooled,
        f"{minus} {units}": _compared_over_units,
    }
    of_seeds: dict[str, Callable[[Cell], Entry]] = {f"{minus} over seeds": _compared}
    parts = {**of_units, **of_seeds} if table.replicates else {**of_seeds, **of_units}
    parts["published (minus)"] = lambda cell: cell.published
    columns = list(zip(*(row.cells for row in table.rows), strict=True))
    found = {
        title: [[entry(cell) if cell else None for cell in column] for column in columns]
        for title, entry in parts.items()
    }
    return {
        title: entries for title, entries in found.items() if any(any(map(_there, one)) for one in entries)
    }


def _there(entry: Entry) -> bool:
    return entry is not None


def _compared(cell: Cell) -> Compared | None:
    if cell.difference is None:
        return None
    n = cell.difference.n
    pairs = "" if n == cell.seeds else f"{n} {'pair' if n == 1 else 'pairs'}"
    return Compared(cell.difference, pairs, cell.p_holm)


def _compared_over_units(cell: Cell) -> Compared | None:
    one = _bounded(cell.difference_over_units)
    return Compared(one) if one else None


def _bounded(one: OverUnits | None) -> OverUnits | None:
    return one if one and one.low is not None else None


def _corner(table: Table) -> str:
    rows = table.rows_axis or ""
    return f"{rows} \\ {table.columns_axis}".strip() if len(table.columns) > 1 else rows


def _header(table: Table, value: Scalar) -> str:
    if table.columns_axis is None:
        return metric_name(table.metric)
    alone = len(table.columns) == 1 and not isinstance(value, str)
    return f"{table.columns_axis}={label(value)}" if alone else label(value)
