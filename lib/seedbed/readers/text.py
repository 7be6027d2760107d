"""Reading of text files: rows of numbers, refused by file and line where they are not right."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.data import reading
from seedbed.errors import BadData

SEPARATED: Final = {None: "blanks", "\t": "tabs", ",": "commas"}
LONGEST_COMPLAINT: Final = 80
"""Characters; a line with another separator is one long cell."""


def parse_table(text: str, file: str, separator: Literal["\t", ","] | None = None) -> NDArray[np.float64]:
    """Rows of numbers as (rows, columns), row i being line i + 1; a separator of None is any white space.

    A separator at the end of every line separates nothing. Raises BadData naming file and line: a cell that is no
    number, a line without any, a row that is not as long as the first, no row at all.
    """
    lines = text.rstrip("\r\n").splitlines()
    if separator and all(line.endswith(separator) for line in lines):
        lines = [line.removesuffix(separator) for line in lines]
    rows: list[NDArray[np.float64]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise BadData(f"{file}:{number}: is empty, expected numbers separated by {SEPARATED[separator]}")
        try:
            rows.append(np.array([_number(cell) for cell in line.split(separator)]))
        except ValueError as error:
            found = str(error)
            found = found if len(found) <= LONGEST_COMPLAINT else f"{found[:LONGEST_COMPLAINT]}…"
            expected = f"expected numbers separated by {SEPARATED[separator]}"
            raise BadData(f"{file}:{number}: {found}, {expected}") from error
        if rows[-1].size != rows[0].size:
            raise BadData(
                f"{file}:{number}: {rows[-1].size} values, expected {rows[0].size} as in the first row"
            )
    if not rows:
        raise BadData(f"{file}: is empty, expected rows of numbers")
    return np.stack(rows)


def _number(cell: str) -> float:
    if "_" in cell:  # Python takes 1_52.6 for 152.6
        raise ValueError(f"could not convert string to float: {cell!r}")
    return float(cell)


def read_text(path: Path) -> str:
    """The text of a file; raises BadData when it cannot be read."""
    try:
        with reading(path):
            return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData(f"{path}: is not text: {error}") from error
