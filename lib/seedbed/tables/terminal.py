"""A table as plain text for a terminal, aligned and at most a hundred characters wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from seedbed.statistics import Departure, Difference, OverUnits
from seedbed.tables import wording
from seedbed.tables.grids import Column, Compared, Entry, Grid, Mean, grids
from seedbed.tables.model import Cell, Published, Table

WIDTH = 100
GAP = "   "


def render(tables: Sequence[Table], description: str = "") -> str:
    """The tables of a stage, `description` (of the data) beside their captions, and what they let one see.

    A line is longer than the page only where one label, column or word is.
    """
    blocks = [_lines(table, description) for table in tables]
    said = [_filled(wording.footer(table)) for table in tables[:1]]
    return "\n\n".join("\n".join(block) for block in [*blocks, *said]) + "\n"


def _lines(table: Table, description: str) -> Iterator[str]:
    yield from _caption(wording.caption(table), description)
    if table.separate:
        yield wording.place(table.separate)
    notes = wording.notes(table)
    for grid in grids(table):
        if grid.title:
            yield from ("", grid.title)
        for page, lines in enumerate(_wrapped(table, grid)):
            if page:
                yield ""
            beside = _with_notes(lines, grid, notes) if len(table.columns) == 1 else None
            yield from beside or lines
            notes = {} if beside else notes
    below = [
        *(f"{where}: {note}" for where, note in notes.items()),
        *wording.below(table),
    ]
    yield from _filled(below)


def _filled(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _caption(left: str, right: str) -> list[str]:
    both = f"{left}{GAP * 2}{right}".rstrip()
    return [both] if len(both) <= WIDTH else [left, right]


def _with_notes(lines: list[str], grid: Grid, notes: dict[str, str]) -> list[str] | None:
    """The lines with each row's note at its end; None where one of them would not fit."""
    width = max(map(len, lines[1:]))
    ends = ["", *(notes.get(str(name), "") for name in grid.columns[0].entries)]
    told = [f"{line:<{width}}{GAP}{end}".rstrip() for line, end in zip(lines, ends, strict=False)]
    return told if max(map(len, told)) <= WIDTH else None


def _wrapped(table: Table, grid: Grid) -> Iterator[list[str]]:
    """The grid's lines; labels in front again for each batch of columns that fit beside each other."""
    labels, *columns = ((column, _aligned(table, column)) for column in grid.columns)
    pages = [[labels]]
    for column in columns:
        page = pages[-1]
        wide = sum(len(lines[0]) + len(GAP) for _, lines in page) + len(column[1][0]) > WIDTH
        if len(page) > 1 and wide:
            pages.append([labels])
        pages[-1].append(column)
    for page in pages:
        rows = [lines for _, lines in page]
        # Trivial baselines, which are the last rows, have nothing in most columns.
        empty = page is not pages[0] and not any(_reaches(column, table) for column, _ in page[1:])
        yield _joined(lines[: 1 + len(table.rows)] for lines in rows) if empty else _joined(rows)


def _reaches(column: Column, table: Table) -> bool:
    """Whether a column has something for a trivial baseline."""
    return any(entry is not None for entry in column.entries[len(table.rows) :])


def _joined(columns: Iterable[list[str]]) -> list[str]:
    """The columns' lines beside each other; one that ends before the others is blank from there on."""
    blank = [(lines, " " * len(lines[0])) for lines in columns]
    longest = max(len(lines) for lines, _ in blank)
    padded = [[*lines, *[space] * (longest - len(lines))] for lines, space in blank]
    return [GAP.join(parts).rstrip() for parts in zip(*padded, strict=True)]


def _aligned(table: Table, column: Column) -> list[str]:
    """The column's lines, header first, all equally wide; figures stand under each other."""
    parts = [_parts(table, entry) for entry in column.entries]
    widths = [max(map(len, pieces)) for pieces in zip_longest(*parts, fillvalue="")]
    texts = [column.header]
    for entry, pieces in zip(column.entries, parts, strict=True):
        justify = str.ljust if isinstance(entry, str) else str.rjust
        texts.append("".join(justify(piece, width) for piece, width in zip(pieces, widths, strict=False)))
    width = max(map(len, texts))
    return [text.ljust(width) for text in texts]


def _parts(table: Table, entry: Entry) -> tuple[str, ...]:
    """An entry in the pieces that stand under each other."""
    if entry is None:
        return ()
    if isinstance(entry, str):
        return (entry,)
    if isinstance(entry, Cell):
        return _point(table, entry, wording.spread(table, entry.std))
    if isinstance(entry, Mean):
        return _point(table, entry.cell, "")
    if isinstance(entry, Compared):
        more = [*([wording.p_value(entry.p)] if entry.p is not None else []), *filter(None, [entry.pairs])]
        return (*_minus(table, entry.difference), f"  {'  '.join(more)}" if more else "")
    if isinstance(entry, OverUnits):
        return _minus(table, entry, sign="")
    if isinstance(entry, Published):
        ours = ("  ", *_minus(table, entry.minus)) if entry.minus else ()
        return (wording.number(table, entry.mean), wording.spread(table, entry.std), *ours)
    return (wording.number(table, entry),)


def _point(table: Table, cell: Cell, spread: str) -> tuple[str, ...]:
    marks = wording.marks(cell)
    count = f"  ({cell.n}/{cell.planned})"
    return wording.mean(table, cell), spread, count, f" {marks}" if marks else ""


def _minus(table: Table, difference: Difference | Departure | OverUnits, sign: str = "+") -> tuple[str, ...]:
    bounds = wording.bounds(table, difference, sign)
    interval = ("  [", bounds[0], ", ", bounds[1], "]") if bounds else ("",) * 5
    return (wording.number(table, difference.mean, sign), *interval)
