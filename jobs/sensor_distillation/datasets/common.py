"""What the data sets share: what is known about one, and one that is named and not yet read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seedbed.data import known_fingerprint
from seedbed.errors import InvalidConfig
from seedbed.readers.cache import Arrays, cached_arrays
from seedbed.readers.text import parse_table, read_text, refuse_cut_off
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
    "refuse_cut_off",
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
    unit_word: UnitWord = "subject"
    """What a sample belongs to: a subject, or nothing but itself."""
    address: str
    """Where a person can get it."""
    published: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of its files as they were published, by name; of those where it is known."""
    stored_as: str = ""
    """What a store calls it; empty: its name."""

    def opened(self, fingerprint: Callable[[], str], load: Callable[[], Windows]) -> Dataset:
        """The set with this description, whose files are asked for here first and then in a store."""
        asked = partial(known_fingerprint, self.stored_as or self.name, fingerprint)
        return Dataset(description=self, fingerprint=asked, load=load)

    def windows(
        self,
        signals: NDArray[np.float32],
        labels: NDArray[np.int64],
        units: NDArray[np.str_],
        ids: NDArray[np.str_],
        classes: tuple[str, ...],
        official: NDArray[np.str_] | None = None,
    ) -> Windows:
        """What was read of the set; without `official` it comes in one piece. Raises BadData as Windows does."""
        return Windows(
            name=self.name,
            signals=signals,
            labels=labels,
            units=units,
            ids=ids,
            official=np.full(len(labels), "") if official is None else official,
            classes=classes,
            unit_word=self.unit_word,
            rate_hz=self.rate_hz,
        )


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
