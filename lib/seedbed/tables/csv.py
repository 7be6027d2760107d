"""The points of a stage as CSV: a line each, unrounded and in the metric's own scale."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from seedbed.tables import wording
from seedbed.tables.model import Cell, Scalar, Table

FIGURES = (
    *("over_seeds_low", "over_seeds_high"),
    *("over_units", "over_units_low", "over_units_high", "units", "pooled"),
    *("difference", "low", "high", "pairs", "correlation", "p", "p_holm"),
    *("difference_over_units", "difference_over_units_low", "difference_over_units_high"),
    *("mark", "flags", "note"),
)
"""The columns behind the seeds' values; `difference` and its bounds are over seeds."""

PUBLISHED = (
    *("published", "published_std", "published_n"),
    *("minus_published", "minus_published_low", "minus_published_high", "published_in"),
)
"""The columns of published values, where a stage expects any."""


def render(tables: Sequence[Table], description: str = "") -> str:
    """One header for all tables of a stage, and each point and baseline once.

    `source` is the stage's name or the baseline's label. What is not known is empty. `description` and
    trivial baselines, which are no points, have no place here.
    """
    points = [
        (table, row.source, cell) for table in tables for row in table.rows for cell in row.cells if cell
    ]
    axes = _union(axis for table in tables for axis in _axes(table))
    blocks = _union(block for _, _, cell in points for block in (*cell.values, *cell.failures))
    quoted = any(table.source for table in tables)
    header = [
        *("source", "metric", *axes, "n", "N", "mean", f"std_{tables[0].std if tables else 'sample'}"),
        *(f"seed_{block}" for block in blocks),
        *FIGURES,
        *(PUBLISHED if quoted else ()),
    ]
    lines = [
        (
            *(source, table.metric),
            *(_spelled(cell.axes.get(axis)) for axis in axes),
            *_figures(cell, blocks),
            *(_published(table, cell) if quoted else ()),
        )
        for table, source, cell in points
    ]
    text = io.StringIO()
    # A baseline that stands in several columns is one point.
    csv.writer(text, lineterminator="\n").writerows([header, *dict.fromkeys(lines)])
    return text.getvalue()


def _figures(cell: Cell, blocks: Iterable[str]) -> tuple[Scalar, ...]:
    seeds, units = cell.over_seeds, cell.over_units
    difference, new = cell.difference, cell.difference_over_units
    return (
        *(cell.n, cell.planned, cell.mean, cell.std, *map(cell.values.get, blocks)),
        *((seeds.low, seeds.high) if seeds else (None,) * 2),
        *((units.mean, units.low, units.high, units.n) if units else (None,) * 4),
        cell.pooled,
        *((difference.mean, difference.low, difference.high) if difference else (None,) * 3),
        *((difference.n, difference.correlation, difference.p) if difference else (None,) * 3),
        cell.p_holm,
        *((new.mean, new.low, new.high) if new else (None,) * 3),
        *(cell.mark, " ".join(cell.flags), wording.note(cell)),
    )


def _published(table: Table, cell: Cell) -> tuple[Scalar, ...]:
    published = cell.published
    if published is None:
        return (None,) * len(PUBLISHED)
    minus = published.minus
    ours = (minus.mean, minus.low, minus.high) if minus else (None, None, None)
    return (published.mean, published.std, published.n, *ours, table.source)


def _spelled(value: Scalar) -> Scalar:
    return None if value is None else wording.label(value)


def _axes(table: Table) -> list[str]:
    placed = (*table.separate, table.rows_axis, table.columns_axis, *table.within_rows)
    return [axis for axis in placed if axis is not None]


def _union(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
