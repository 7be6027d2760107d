"""Seeds as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import InvalidSweep
from seedbed.sweep.seeds import parse_seeds, seeds_text


@given(st.sets(st.integers(0, 40), min_size=1))
def test_seeds_are_read_back_as_they_were_written(seeds: set[int]) -> None:
    assert parse_seeds(",".join(map(str, sorted(seeds))), "p") == sorted(seeds)
    assert parse_seeds(seeds_text(seeds), "p") == sorted(seeds)


def test_seeds_are_written_as_a_sweep_file_has_them() -> None:
    assert seeds_text([3, 0, 1, 2, 7, 9, 10]) == "0-3,7,9-10"


def test_seeds_may_be_ranges() -> None:
    assert parse_seeds("0-2, 7,9-10", "p") == [0, 1, 2, 7, 9, 10]


@pytest.mark.parametrize("text", ["", "a", "3-1", "-1", "1-", "1.5", "0-2,1", "²"])
def test_seeds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidSweep, match="p: "):
        parse_seeds(text, "p")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (str(2**32), "p: found 4294967296 in '4294967296', expected seeds up to 4294967295"),
        ("0-18446744073709551616", "expected seeds up to 4294967295"),
        ("0-99999,1000000", "p: 100001 seeds in '0-99999,1000000', expected at most 100000"),
        ("7,3-9,3", "p: seed 3 is given twice"),
    ],
)
def test_seeds_have_bounds(text: str, complaint: str) -> None:
    with pytest.raises(InvalidSweep) as raised:
        parse_seeds(text, "p")
    assert complaint in str(raised.value)


def test_many_seeds_are_read_at_once() -> None:
    assert parse_seeds("0-99998,4294967295", "p")[-2:] == [99_998, 2**32 - 1]
