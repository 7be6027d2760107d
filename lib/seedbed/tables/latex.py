"""A table for a paper: LaTeX with booktabs, marks and notes included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from seedbed.statistics import Departure, Difference, OverUnits
from seedbed.tables import wording
from seedbed.tables.grids import Compared, Entry, Grid, Mean, grids
from seedbed.tables.model import Cell, Published, Table

SPECIAL = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "[": "{[}",  # after a line's end it would be read as its argument, and so would a star
        "*": "{*}",
        "±": r"$\pm$",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "\n": " ",
    }
)


def render(tables: Sequence[Table], description: str = "") -> str:
    """A `table` environment for each table; needs `\\usepackage{booktabs}` and UTF-8, and no more."""
    return "\n".join(line for table in tables for line in _lines(table, description)) + "\n"


def _lines(table: Table, description: str) -> Iterator[str]:
    told = [wording.caption(table), wording.place(table.separate), description]
    yield r"\begin{table}"
    yield r"  \centering"
    yield rf"  \caption{{{_escaped('. '.join(filter(None, told)))}}}"
    for grid in grids(table):
        if grid.title:
            yield rf"  \par\medskip {_escaped(grid.title)}\par\smallskip"
        yield from (f"  {line}" for line in _grid(table, grid))
    notes = [f"{where}: {note}." for where, note in wording.notes(table).items()]
    said = [f"{line}." for line in wording.below(table)]
    below = [*notes, *said, *wording.footer(table)]
    yield rf"  \par\smallskip\footnotesize {_escaped(' '.join(below))}"
    yield r"\end{table}"


def _grid(table: Table, grid: Grid) -> Iterator[str]:
    yield rf"\begin{{tabular}}{{l{'r' * (len(grid.columns) - 1)}}}"
    yield r"  \toprule"
    yield _line(_escaped(column.header) for column in grid.columns)
    yield r"  \midrule"
    for row in zip_longest(*(column.entries for column in grid.columns)):
        yield _line(_text(table, entry) for entry in row)
    yield r"  \bottomrule"
    yield r"\end{tabular}"


def _line(texts: Iterable[str]) -> str:
    return rf"  {' & '.join(texts)} \\"


def _text(table: Table, entry: Entry) -> str:
    if entry is None:
        return ""
    if isinstance(entry, str):
        return _escaped(entry)
    if isinstance(entry, Cell):
        return _point(table, entry, entry.std)
    if isinstance(entry, Mean):
        return _point(table, entry.cell, None)
    if isinstance(entry, Compared):
        p = "" if entry.p is None else f" {_escaped(wording.p_value(entry.p))}"
        return f"{_minus(table, entry.difference)}{p} {entry.pairs}".rstrip()
    if isinstance(entry, OverUnits):
        return _minus(table, entry, sign="")
    if isinstance(entry, Published):
        ours = f" ({_minus(table, entry.minus)})" if entry.minus else ""
        return f"{_figure(table, entry.mean, entry.std)}{ours}"
    return _figure(table, entry)


def _point(table: Table, cell: Cell, std: float | None) -> str:
    figure = "–" if cell.mean is None else _figure(table, cell.mean, std)
    marks = wording.marks(cell).replace("~", r"\sim").replace(" ", ",")
    return f"{figure} ({cell.n}/{cell.planned}){f'$^{{{marks}}}$' if marks else ''}"


def _figure(table: Table, mean: float, std: float | None = None) -> str:
    spread = "" if std is None else rf" \pm {wording.number(table, std)}"
    return f"${wording.number(table, mean)}{spread}$"


def _minus(table: Table, difference: Difference | Departure | OverUnits, sign: str = "+") -> str:
    bounds = wording.bounds(table, difference, sign)
    mean = f"${wording.number(table, difference.mean, sign)}$"
    return f"{mean} $[{', '.join(bounds)}]$" if bounds else mean


def _escaped(text: str) -> str:
    return text.translate(SPECIAL)
