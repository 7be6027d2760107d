"""A table in GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from seedbed.statistics import Departure, Difference, OverUnits
from seedbed.tables import wording
from seedbed.tables.grids import Column, Compared, Entry, Grid, Mean, grids
from seedbed.tables.model import Cell, Published, Table


def render(tables: Sequence[Table], description: str = "") -> str:
    """The tables of a stage, each under its caption and `description` (of the data), with the notes below."""
    paragraphs = [part for table in tables for part in _paragraphs(table, description)]
    return "\n\n".join([*paragraphs, *(_said(wording.footer(table)) for table in tables[:1])]) + "\n"


def _paragraphs(table: Table, description: str) -> Iterator[str]:
    yield " · ".join(
        [
            f"**{_escaped(wording.caption(table))}**",
            *(_escaped(part) for part in (wording.place(table.separate), description) if part),
        ]
    )
    notes = wording.notes(table)
    beside = len(table.columns) == 1 and bool(notes)
    for grid in grids(table):
        if grid.title:
            yield _escaped(grid.title)
        labels = grid.columns[0]
        ends = [Column("notes", [notes.get(str(name), "") for name in labels.entries])] if beside else []
        yield _grid(table, Grid("", [*grid.columns, *ends]))
    if notes and not beside:
        yield "\n".join(f"- {_escaped(where)}: {_escaped(note)}" for where, note in notes.items())
    yield from map(_escaped, wording.below(table))


def _grid(table: Table, grid: Grid) -> str:
    rows = zip_longest(*(column.entries for column in grid.columns))
    return "\n".join(
        [
            _line(_escaped(column.header) for column in grid.columns),
            _line("---" for _ in grid.columns),
            *(_line(_text(table, entry) for entry in row) for row in rows),
        ]
    )


def _line(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _text(table: Table, entry: Entry) -> str:
    if entry is None:
        return ""
    if isinstance(entry, str):
        return _escaped(entry)
    if isinstance(entry, Cell):
        return _point(table, entry, wording.spread(table, entry.std))
    if isinstance(entry, Mean):
        return _point(table, entry.cell, "")
    if isinstance(entry, Compared):
        p = "" if entry.p is None else f" {_escaped(wording.p_value(entry.p))}"
        return f"{_minus(table, entry.difference)}{p} {entry.pairs}".rstrip()
    if isinstance(entry, OverUnits):
        return _minus(table, entry, sign="")
    if isinstance(entry, Published):
        ours = f" ({_minus(table, entry.minus)})" if entry.minus else ""
        return f"{wording.number(table, entry.mean)}{wording.spread(table, entry.std)}{ours}"
    return wording.number(table, entry)


def _point(table: Table, cell: Cell, spread: str) -> str:
    marks = _escaped(f" {wording.marks(cell)}".rstrip())
    return f"{wording.mean(table, cell)}{spread} ({cell.n}/{cell.planned}){marks}"


def _minus(table: Table, difference: Difference | Departure | OverUnits, sign: str = "+") -> str:
    bounds = wording.bounds(table, difference, sign)
    mean = wording.number(table, difference.mean, sign)
    return f"{mean} [{', '.join(bounds)}]" if bounds else mean


def _said(sentences: Iterable[str]) -> str:
    return "  \n".join(map(_escaped, sentences))


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    for special in r"\`*_~|<[":
        text = text.replace(special, f"\\{special}")
    return text.replace("\n", " ")
