"""How a table's names, numbers and facts are said, alike in every rendering that a person reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from seedbed.statistics import Departure, Difference
from seedbed.tables.model import Cell, Published, Row, Scalar, Table

MARKS = {"best": "*", "alike": "~", "": ""}


@dataclass(frozen=True)
class Compared:
    """A difference, and how many pairs it is from where the point itself has another number of values."""

    difference: Difference
    pairs: str


Entry = str | float | Cell | Compared | Published | None
"""What stands in one place: words, a trivial baseline's value, a point, a difference, a published value, nothing."""


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
    figures = [
        Column(_header(table, value), [*(row.cells[at] for row in table.rows), *table.trivial.values()])
        for at, value in enumerate(table.columns)
    ]
    own = [row for row in table.rows if row.source == table.stage]
    beside = _beside(table, own)
    if len(figures) == 1:
        return [
            Grid("", [labels, *figures, *(Column(title, entries) for title, (entries,) in beside.items())])
        ]
    names = Column(labels.header, [row.label for row in own])
    headers = [figure.header for figure in figures]
    return [
        Grid("", [labels, *figures]),
        *(Grid(title, [names, *map(Column, headers, columns)]) for title, columns in beside.items()),
    ]


def _beside(table: Table, rows: Sequence[Row]) -> dict[str, list[list[Entry]]]:
    """What the stage's own points are compared with, by title: an entry for each row, column by column."""
    columns = list(zip(*(row.cells for row in rows), strict=True))
    minus = f"minus {table.baseline}, paired by {' × '.join(['seed', *table.replicates])}"
    found: dict[str, list[list[Entry]]] = {
        minus: [[_compared(cell) for cell in column] for column in columns],
        "published (minus)": [[cell.published if cell else None for cell in column] for column in columns],
    }
    return {title: entries for title, entries in found.items() if any(map(any, entries))}


def notes(table: Table) -> dict[str, str]:
    """Why seeds have no value, by row; by row and column where there are several."""
    said = {}
    for row in table.rows:
        for value, cell in zip(table.columns, row.cells, strict=True):
            where = row.label if len(table.columns) == 1 else f"{row.label}, {label(value)}"
            if cell and cell.failures:
                said[where] = note(cell)
    return said


def note(cell: Cell) -> str:
    """Why seeds of this point have no value, and how many: `2 diverged at step 120; 1 missing`."""
    return "; ".join(f"{times} {reason}" for reason, times in Counter(cell.failures.values()).items())


def caption(table: Table) -> str:
    """What the figures are: metric, unit, direction where lower is better, convention of the spread."""
    told = [*([table.unit] if table.unit else []), *([] if table.higher_is_better else ["lower is better"])]
    name = f"{metric_name(table.metric)} ({', '.join(told)})" if told else metric_name(table.metric)
    if table.facts.n < 2:
        return name
    over = " × ".join(["seed", *table.replicates]) if table.replicates else "seeds"
    return f"{name}, mean ± {table.std} sd over {over}"


def legend(table: Table) -> str:
    """What the marks mean, as far as there are any."""
    cells = [cell for row in table.rows for cell in row.cells if cell]
    marks = {cell.mark for cell in cells}
    if "best" not in marks:
        return ""
    told = [f"{MARKS['best']} best"]
    if "alike" in marks:
        told.append(f"{MARKS['alike']} not distinguishable from the best (Tukey, 95%)")
    if any(cell.failures for cell in cells):
        told.append("a point that lacks a seed cannot be best")
    return "; ".join(told)


def origin(table: Table) -> str:
    """Where the published values stand, as far as there are any, and what is told of them."""
    published = [cell.published for row in table.rows for cell in row.cells if cell and cell.published]
    if not published:
        return ""
    interval = any(one.minus and one.minus.low is not None for one in published)
    return f"published: {table.source} (minus: ours less it{', Welch 95%' if interval else ''})"


def footer(table: Table) -> list[str]:
    """What the stage's trials let one see; the same for all tables of a stage."""
    facts = table.facts
    if facts.n == 0:
        return ["No trial has a value yet."]
    runs = f"{facts.n} {'trial' if table.replicates else 'seed'}{'s' if facts.n > 1 else ''}"
    if facts.pooled is None or facts.detectable is None:
        why = runs if facts.n == 1 else f"{runs} and 0 df"
        return [f"{why}: no {'pooled ' if facts.n > 1 else ''}spread, no interval."]
    told = [
        f"{runs}: differences below {number(table, facts.detectable)}{_points(table)} cannot be seen "
        f"(pooled sd {number(table, facts.pooled.sd)}, {facts.pooled.df} df)."
    ]
    for point, spreads in facts.unlike.items():
        own, others = number(table, spreads.own), number(table, spreads.others)
        told.append(
            f"{point}: seed effects aside, its sd is {own} and the others' {others}; "
            "the pooled sd does not speak for it."
        )
    return told


def number(table: Table, value: float, sign: str = "") -> str:
    """A figure in the table's unit, rounded half to even from the shortest decimal that is this float."""
    scaled = Decimal(repr(value)) * (100 if table.unit == "%" else 1)
    return f"{scaled:{sign}z.{table.decimals}f}"


def mean(table: Table, cell: Cell) -> str:
    """A dash where no seed has a value."""
    return "–" if cell.mean is None else number(table, cell.mean)


def spread(table: Table, std: float | None) -> str:
    """What follows a mean; nothing where no spread is known."""
    return "" if std is None else f" ± {number(table, std)}"


def bounds(table: Table, difference: Difference | Departure) -> tuple[str, str] | None:
    """The ends of the interval."""
    if difference.low is None or difference.high is None:
        return None
    return number(table, difference.low, "+"), number(table, difference.high, "+")


def metric_name(metric: str) -> str:
    """`test/accuracy@best` as `test accuracy @best`."""
    return metric.replace("/", " ").replace("@", " @")


def place(axes: Mapping[str, Scalar]) -> str:
    """Where a point stands: `alpha.gaf=0.9, teacher=wrn16-1`."""
    return ", ".join(f"{axis}={label(value)}" for axis, value in axes.items())


def label(value: Scalar) -> str:
    """An axis value as the sweep file spells it; a dash where a point does not have the axis."""
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compared(cell: Cell | None) -> Compared | None:
    if cell is None or cell.difference is None:
        return None
    n = cell.difference.n
    return Compared(cell.difference, "" if n == cell.n else f"{n} {'pair' if n == 1 else 'pairs'}")


def _corner(table: Table) -> str:
    rows = table.rows_axis or ""
    return f"{rows} \\ {table.columns_axis}".strip() if len(table.columns) > 1 else rows


def _header(table: Table, value: Scalar) -> str:
    if table.columns_axis is None:
        return metric_name(table.metric)
    alone = len(table.columns) == 1 and not isinstance(value, str)
    return f"{table.columns_axis}={label(value)}" if alone else label(value)


def _points(table: Table) -> str:
    return " points" if table.unit == "%" else ""
