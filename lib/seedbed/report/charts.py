"""A figure by a table's shape: a curve over one numeric axis, dots for named points, shading for two axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seedbed.report.drawing import (
    Dot,
    Line,
    Plot,
    Scale,
    Tick,
    Word,
    around,
    round_ticks,
    shortest,
    spread_out,
)
from seedbed.report.points import Point, TableView, chosen
from seedbed.tables import Cell, Scalar, Table, wording
from seedbed.tables.wording import label, metric_name, number

FEW_COLUMNS = 5
"""Up to so many columns are drawn as curves or dots side by side; more are shaded in the table."""

MOST_ROWS = 40
WIDE = 560.0
LONGEST = 46
"""Letters of a point's name beside its row."""


@dataclass(frozen=True)
class Figure:
    """A plot with the words below it and, for several columns, which style is which."""

    plot: Plot
    caption: str
    keys: Sequence[tuple[str, str]] = ()


def shape_of(table: Table) -> Literal["curve", "dots", "shaded"]:
    """How a table is pictured."""
    own = [row for row in table.rows if row.source == table.stage]
    rows = [
        _numeric(cell.axes.get(table.rows_axis))
        for row in own
        for cell in row.cells
        if cell and table.rows_axis
    ]
    numeric = len(own) > 2 and bool(rows) and None not in rows and not table.within_rows
    both = numeric and len(table.columns) > 2 and all(_numeric(value) is not None for value in table.columns)
    if both or len(table.columns) > FEW_COLUMNS:
        return "shaded"
    return "curve" if numeric else "dots"


def main_figure(view: TableView) -> Figure | None:
    """The figure of a table; None where shading the table says it, or where one value would stand alone."""
    drawn = [point for point in view.points if point.cell.mean is not None]
    if len(drawn) < 2:
        return None
    shape = shape_of(view.table)
    if shape == "shaded":
        return None
    return _curve(view, drawn) if shape == "curve" else _dots(view, drawn)


def differences(view: TableView) -> Figure | None:
    """Each point less its baseline, with its intervals over seeds and units; None where there is no interval."""
    table = view.table
    compared = [point for point in view.points if _differences(point.cell)]
    if not compared:
        return None
    shown = chosen(compared, MOST_ROWS)
    found = [(at, point, *one) for at, point in enumerate(shown) for one in _differences(point.cell)]
    frame = _Rows(table, [point.name for point in shown], [0.0, *(end for *_, ends in found for end in ends)])
    lines = [Line.through("zero", [(frame.x(0), frame.top), (frame.x(0), frame.bottom)])]
    dots = []
    for at, point, style, mean, ends in found:
        y = frame.y(at) + (7 if style == "c1" else 0)
        bounds = ", ".join(number(table, end, "+") for end in ends)
        lines.append(Line.through(f"bar {style}", [(frame.x(end), y) for end in ends]))
        dots.append(
            Dot(f"mean {style}", frame.x(mean), y, 4, f"{point.name}: {number(table, mean, '+')} [{bounds}]")
        )
    styles = {style for _, _, style, *_ in found}
    caption = f"Dot: mean difference from {table.baseline}, paired; bar: its 95% interval"
    caption += "." if len(styles) > 1 else f" over {'seeds' if styles == {'c0'} else 'units'}."
    if len(shown) < len(compared):
        caption += f" {len(shown)} of {len(compared)} points are drawn."
    unit = f"minus {table.baseline}{' (points)' if table.unit == '%' else ''}"
    title = f"Difference from {table.baseline}, {metric_name(table.metric)}"
    keys = [("c0", "over seeds"), ("c1", "over units, for new ones")] if len(styles) > 1 else []
    return Figure(frame.plot(title, unit, lines, dots, signed=True), caption, keys)


def _differences(cell: Cell) -> list[tuple[str, float, tuple[float, float]]]:
    """Style, mean and ends of what a point is compared by: over seeds, over units."""
    both = (("c0", cell.difference), ("c1", cell.difference_over_units))
    return [
        (style, one.mean, (one.low, one.high))
        for style, one in both
        if one and one.low is not None and one.high is not None
    ]


def _curve(view: TableView, points: Sequence[Point]) -> Figure:
    """Means over the row axis, one curve a column, with every seed's value and the interval over seeds."""
    table = view.table
    top, bottom, left, right = 30.0, 282.0, 44.0, WIDE - 10
    low, high = around([bound for point in points for bound in _extent(table, point.cell)])
    own = [point for point in points if point.own]
    places = sorted(
        {at for point in own if (at := _numeric(point.cell.axes.get(table.rows_axis or ""))) is not None}
    )
    log = places[0] > 0 and places[-1] / places[0] > 50
    x = Scale(places[0], places[-1], left + 24, right - 24, log)
    y = Scale(low, high, bottom, top)
    lines, dots, words = _baselines(table, points, y, (left, right))
    for series, column in enumerate(table.columns):
        of_column = [point for point in own if point.column == column]
        shift = (series - (len(table.columns) - 1) / 2) * 7
        path = []
        for point in of_column:
            at = x(_numeric(point.cell.axes[table.rows_axis or ""]) or 0.0) + shift
            path.append((at, y(point.cell.mean or 0.0)))
            lines += _whisker(table, point.cell, f"c{series}", at, y)
            dots += [Dot(f"seed c{series}", at + 4, y(value), 2.2) for value in point.cell.values.values()]
            dots.append(Dot(f"mean c{series}", at, path[-1][1], 4, _told(table, point)))
        lines.append(Line.through(f"curve c{series}", sorted(path)))
    x_ticks = spread_out([Tick(x(value), shortest(value)) for value in places], 38)
    plot = Plot(
        title=f"{metric_name(table.metric)} over {table.rows_axis}",
        description=_in_words(table, own),
        width=WIDE,
        height=bottom + 40,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        x_label=f"{table.rows_axis}{' (log scale)' if log else ''}",
        y_label=axis_name(table),
        x_ticks=x_ticks,
        y_ticks=_value_ticks(table, low, high, y),
        lines=lines,
        dots=dots,
        words=words,
    )
    return Figure(plot, _reading(table, points), _keys(table))


def _dots(view: TableView, points: Sequence[Point]) -> Figure:
    """Every seed's value, mean and interval, one row a point."""
    table = view.table
    shown = chosen(points, MOST_ROWS)
    frame = _Rows(
        table,
        [point.name for point in shown],
        [bound for point in shown for bound in _extent(table, point.cell)],
    )
    lines: list[Line] = []
    dots: list[Dot] = []
    for at, point in enumerate(shown):
        y = frame.y(at)
        style = f"c{table.columns.index(point.column)}" if point.own else "base"
        if ends := _interval(table, point.cell):
            lines.append(Line.through(f"bar {style}", [(frame.x(end), y) for end in ends]))
        dots += [Dot(f"seed {style}", frame.x(value), y + 6, 2.2) for value in point.cell.values.values()]
        dots.append(Dot(f"mean {style}", frame.x(point.cell.mean or 0.0), y, 4, _told(table, point)))
    caption = _reading(table, points)
    if len(shown) < len(points):
        caption += f" {len(shown)} of {len(points)} points are drawn."
    title = f"{metric_name(table.metric)} by {table.rows_axis or 'point'}"
    return Figure(frame.plot(title, axis_name(table), lines, dots), caption, _keys(table))


class _Rows:
    """A plot whose rows are named at its left side."""

    def __init__(self, table: Table, names: Sequence[str], values: Sequence[float]) -> None:
        self.table = table
        self.names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
        self.left = 22 + 7.1 * max(map(len, self.names))
        self.top, self.right = 6.0, WIDE - 14
        self.bottom = self.top + 26 * len(names)
        self.low, self.high = around(values)
        self.x = Scale(self.low, self.high, self.left + 6, self.right - 6)

    def y(self, at: int) -> float:
        return self.top + 26 * at + 11

    def plot(
        self, title: str, x_label: str, lines: Sequence[Line], dots: Sequence[Dot], *, signed: bool = False
    ) -> Plot:
        told = [dot.told for dot in dots if dot.told]
        return Plot(
            title=title,
            description="; ".join(told[:12]) + (f"; and {len(told) - 12} more" if len(told) > 12 else ""),
            width=WIDE,
            height=self.bottom + 40,
            left=self.left,
            top=self.top,
            right=self.right,
            bottom=self.bottom,
            x_label=x_label,
            y_label="",
            x_ticks=_value_ticks(self.table, self.low, self.high, self.x, "+" if signed else ""),
            y_ticks=[Tick(self.y(at), name) for at, name in enumerate(self.names)],
            lines=lines,
            dots=dots,
            rows=True,
        )


def _baselines(
    table: Table, points: Sequence[Point], y: Scale, across: tuple[float, float]
) -> tuple[list[Line], list[Dot], list[Word]]:
    """What the curves are held against: a level line with its name."""
    lines, words = [], []
    for point in points:
        if point.own or point.cell.mean is None:
            continue
        level = y(point.cell.mean)
        lines.append(Line.through("level", [(at, level) for at in across]))
        words.append(Word(across[1] - 4, level - 6, f"{point.row} {number(table, point.cell.mean)}", "end"))
    return lines, [], words


def _whisker(table: Table, cell: Cell, style: str, at: float, y: Scale) -> list[Line]:
    ends = _interval(table, cell)
    return [Line.through(f"bar {style}", [(at, y(end)) for end in ends])] if ends else []


def _extent(table: Table, cell: Cell) -> list[float]:
    return [*cell.values.values(), *(_interval(table, cell) or ())]


def _of_units(table: Table) -> bool:
    """Whether bars speak of new units: where points are run over folds, as long as there are units enough."""
    return bool(table.replicates) and any(
        cell.over_units and cell.over_units.low is not None for cell in table.cells
    )


def _interval(table: Table, cell: Cell) -> tuple[float, float] | None:
    one = cell.over_units if _of_units(table) else cell.over_seeds
    return None if one is None or one.low is None or one.high is None else (one.low, one.high)


def _value_ticks(table: Table, low: float, high: float, scale: Scale, sign: str = "") -> list[Tick]:
    factor = 100 if table.unit == "%" else 1
    return [
        Tick(scale(value / factor), f"{value:{sign}.6g}" if value else "0")
        for value in round_ticks(low * factor, high * factor)
    ]


def axis_name(table: Table) -> str:
    """The metric with its unit, and its direction where lower is better."""
    told = [*([table.unit] if table.unit else []), *([] if table.higher_is_better else ["lower is better"])]
    return metric_name(table.metric) + (f" ({', '.join(told)})" if told else "")


def _told(table: Table, point: Point) -> str:
    cell = point.cell
    return f"{point.name}: {wording.mean(table, cell)}{wording.spread(table, cell.std)} ({cell.n}/{cell.planned})"


def _in_words(table: Table, points: Sequence[Point]) -> str:
    told = [_told(table, point) for point in points[:12]]
    return "; ".join(told) + (f"; and {len(points) - 12} more" if len(points) > 12 else "")


def _reading(table: Table, points: Sequence[Point]) -> str:
    blocks = " × ".join(["seed", *table.replicates])
    several = any(point.cell.n > 1 for point in points)
    words = [
        f"Large dot: mean over {blocks}s; small dots: single values" if several else "Dot: the one value"
    ]
    if any(_interval(table, point.cell) for point in points):
        of = "units (for new ones)" if _of_units(table) else "seeds, from the point's own spread"
        words.append(f"bar: 95% interval over {of}")
        if any(_differences(point.cell) for point in points):
            words.append("bars that overlap say nothing of a paired difference, which is drawn below")
    return "; ".join(words) + "."


def _keys(table: Table) -> list[tuple[str, str]]:
    if len(table.columns) < 2:
        return []
    return [(f"c{at}", f"{table.columns_axis}={label(value)}") for at, value in enumerate(table.columns)]


def _numeric(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
