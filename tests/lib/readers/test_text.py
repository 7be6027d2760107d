"""Rows of numbers in text: what is taken for a number, and where a file ends."""

from __future__ import annotations

from typing import Literal

import pytest

from seedbed.errors import BadData
from seedbed.readers.text import parse_table

Separator = Literal["\t", ","] | None


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("1 2\n3  4\n", None),
        ("1\t2\r\n3\t4\r\n", "\t"),
        ("1\t2\r3\t4\r", "\t"),
        ("1\t2\t\n3\t4\t\n", "\t"),
        ("1, 2\n3, 4\n\n", ","),
    ],
)
def test_rows_are_read_whatever_ends_a_line(text: str, separator: Separator) -> None:
    assert parse_table(text, "file", separator).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "separator", "complaint"),
    [
        ("1\t2\n3\t1_52.6\n", "\t", "file:2: could not convert string to float: '1_52.6', expected numbers"),
        ("1\t2\t\n3\t\t\n", "\t", "file:2: could not convert string to float: '', expected numbers"),
        ("1\t2\n3\t\n", "\t", "file:2: could not convert string to float: '', expected numbers"),
        (
            "1;2\n",
            ",",
            "file:1: could not convert string to float: '1;2', expected numbers separated by commas",
        ),
    ],
)
def test_what_is_no_row_is_refused_by_its_line(text: str, separator: Separator, complaint: str) -> None:
    with pytest.raises(BadData) as raised:
        parse_table(text, "file", separator)
    assert complaint in str(raised.value)
