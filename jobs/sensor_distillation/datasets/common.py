"""What the data sets share: what is known about one, and one that is named and not yet read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seedbed.errors import InvalidConfig
from seedbed.readers.cache import Arrays, cached_arrays
from seedbed.readers.text import parse_table, read_text
from seedbed.readers.windows import UnitWord, Windows

__all__ = [
    "Arrays",
    "Dataset",
    "Description",
    "UnitWord",
    "Windows",
    "cached_arrays",
    "parse_table",
    "read_text",
    "refuse_window",
]


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is known about a data set without reading it; None where only the files can tell."""

    name: str
    channels: int
    """Signals in a window."""
    window: int | None
    """Samples in a window."""
    classes: int | None
    rate_hz: float | None
    """Samples a second; None where the sets' authors do not say."""
    unit_word: UnitWord
    """What a sample belongs to: a subject, or nothing but itself."""
    address: str
    """Where a person can get it."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set that has been named and not yet read."""

    description: Description
    fingerprint: Callable[[], str]
    """SHA-256 in hex that follows from the content of the files."""
    load: Callable[[], Windows]


def refuse_window(name: str, window: int | None) -> None:
    """Raise InvalidConfig if a window length was asked for: this set's windows are as they come."""
    if window is not None:
        raise InvalidConfig(f"window: {window} has no effect with data {name}, whose windows are fixed")
