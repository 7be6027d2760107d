"""A table's grids as rows of a page's cells, in the words of every other rendering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from seedbed.report.charts import shape_of
from seedbed.report.points import TableView
from seedbed.statistics import Departure, Difference, OverUnits
from seedbed.tables import Cell, Published, Table, wording
from seedbed.tables.grids import Compared, Entry, Mean, grids

MARKS = {"best": "best", "alike": "not distinguishable from the best", "": ""}


@dataclass(frozen=True)
class Box:
    """One place of a table: what stands there, where its trials are told, and how it is marked."""

    text: str
    small: str = ""
    """What stands behind it in small type: n of N, the interval, the number of pairs."""

    mark: str = ""
    spoken: str = ""
    """The marks in words, for those who hear the page."""

    rank: str = ""
    """`best`, `alike` or neither."""

    anchor: str = ""
    shade: float | None = None
    """From 0 (the worst of the table) to 1 (the best), where shading pictures the table."""


@dataclass(frozen=True)
class HtmlGrid:
    """A grid with its headers; the first box of a row names it."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Box]]


def html_grids(view: TableView) -> list[HtmlGrid]:
    """The parts of a table as they stand on the page."""
    shades = _shades(view) if shape_of(view.table) == "shaded" else {}
    anchors = {id(point.cell): point.anchor for point in view.points}
    found = []
    for grid in grids(view.table):
        rows = zip_longest(*(column.entries for column in grid.columns))
        boxes = [[_box(view.table, entry, anchors, shades) for entry in row] for row in rows]
        found.append(HtmlGrid(grid.title, [column.header for column in grid.columns], boxes))
    return found


def _box(table: Table, entry: Entry, anchors: dict[int, str], shades: dict[int, float]) -> Box:
    if entry is None:
        return Box("")
    if isinstance(entry, str):
        return Box(entry)
    if isinstance(entry, Cell):
        return Box(
            f"{wording.mean(table, entry)}{wording.spread(table, entry.std)}",
            f"({entry.n}/{entry.planned})",
            wording.marks(entry),
            ", ".join([*filter(None, [MARKS[entry.mark]]), *entry.flags]),
            entry.mark,
            anchors[id(entry)],
            shades.get(id(entry)),
        )
    if isinstance(entry, Compared):
        p = "" if entry.p is None else wording.p_value(entry.p)
        return Box(_mean(table, entry.difference), _words(_interval(table, entry.difference), p, entry.pairs))
    if isinstance(entry, OverUnits):
        return Box(_mean(table, entry, ""), _interval(table, entry, ""))
    if isinstance(entry, Mean):
        return replace(
            _box(table, entry.cell, anchors, shades), text=wording.mean(table, entry.cell)
        )  # its spread stands apart
    if isinstance(entry, Published):
        minus = entry.minus
        ours = f"({_words(_mean(table, minus), _interval(table, minus))})" if minus else ""
        return Box(f"{wording.number(table, entry.mean)}{wording.spread(table, entry.std)}", ours)
    return Box(wording.number(table, entry))


def _words(*words: str) -> str:
    return " ".join(filter(None, words))


def _mean(table: Table, difference: Difference | Departure | OverUnits, sign: str = "+") -> str:
    return wording.number(table, difference.mean, sign)


def _interval(table: Table, difference: Difference | Departure | OverUnits, sign: str = "+") -> str:
    bounds = wording.bounds(table, difference, sign)
    return f"[{', '.join(bounds)}]" if bounds else ""


def _shades(view: TableView) -> dict[int, float]:
    means = {id(point.cell): point.cell.mean for point in view.points if point.cell.mean is not None}
    low, high = min(means.values(), default=0.0), max(means.values(), default=0.0)
    span = (high - low) or 1.0
    return {
        key: (mean - low if view.table.higher_is_better else high - mean) / span
        for key, mean in means.items()
    }
